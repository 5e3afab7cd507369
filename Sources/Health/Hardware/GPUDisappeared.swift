package import NodeModel
import Support

extension ReasonCode {
    package static let gpuDisappeared = ReasonCode("gpu-disappeared")
}

extension Check {
    static let gpuDisappeared = Check(
        .gpuDisappeared,
        title: "every GPU that the node had is on the PCI bus",
        group: .hardware,
        phase: .discover,
        // A reset can take a GPU from the bus for some seconds.
        settlesWithin: .seconds(60),
        meaning: "The node has fewer GPUs on the PCI bus than a daemon of the agent saw there before, also before a "
            + "reboot. The finding has three counts: the GPUs on the PCI bus, in NVML, and the most that were seen. It "
            + "names the missing addresses, and is a warning, because the agent manages the GPUs that are there.",
        advice:
            "Read the kernel log and the log of the machine's management controller. Power the node off and on, and "
            + "check the power supply of the GPU and that it is seated correctly. If somebody removed the GPU on "
            + "purpose, remove `/var/lib/gpu-agent/gpus.json` on the node: the agent then counts again. A disk in "
            + "another machine counts again without this."
    ) { node in
        guard let seen = node.facts.seenGPUs.value, let missing = node.facts.missingGPUs else { return nil }
        let nvml = node.nvml.map { "\($0.gpus.count)" } ?? "unknown"
        let counts =
            "\(counted(node.facts.gpus.count, "GPU")) on the PCI bus, \(nvml) in NVML, "
            + "\(seen.addresses.count) seen on this node"
        let expected = "as many GPUs as the node had"
        guard !missing.isEmpty else { return .passed(counts, expected: expected) }
        return .warning(
            "\(counts), missing: \(missing.map(\.description).joined(separator: ", "))",
            expected: expected,
            remedy: """
                Read the kernel log (dmesg) and power the node off and on. If somebody removed the GPU on purpose, \
                remove \(HostLayout.seenGPUs) on the node.
                """
        )
    }
}
