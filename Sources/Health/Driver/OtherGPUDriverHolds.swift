import NodeModel
import Planning
import Selection

extension Check {
    static let otherGPUDriver = Check(
        .otherGPUDriver,
        title: "no other kernel driver holds a GPU",
        group: .preflight,
        phase: .prepare,
        dependsOn: [.nouveauLoaded],
        meaning:
            "A kernel driver for displays, such as `nova_core` or `nvidiafb`, is bound to a GPU, or a driver such as "
            + "simpledrm or efifb shows the firmware's console on it. NVIDIA's driver cannot use the GPU. If NVIDIA's "
            + "driver can use other GPUs, the finding is a warning. A GPU that is bound to `vfio-pci`, `pci-stub` or "
            + "another driver that is not for displays does not count, because it belongs to virtual machines or to "
            + "other software.",
        advice: "Add the line `blacklist MODULE` to a file in `/etc/modprobe.d`, rebuild the initramfs, and reboot the "
            + "node."
    ) { node in
        let others = OtherGPUDriver.holding(node.decision.gpus, in: node.facts)
        guard let first = others.first else { return nil }
        let managed = node.facts.gpus.filter {
            node.decision.gpus.isEmpty || node.decision.gpus.contains($0.address)
        }
        let observed = others.map(\.statement).joined(separator: " ")
        let expected = "NVIDIA's driver on every GPU"
        return others.reduce(0) { $0 + $1.gpus.count } < managed.count
            ? .warning(observed, expected: expected, remedy: first.remedy)
            : .failed(observed, expected: expected, remedy: first.remedy)
    }
}
