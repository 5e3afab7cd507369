package import NodeModel
import Selection

extension ReasonCode {
    package static let guestMIGMismatch = ReasonCode("guest-mig-mismatch")
}

extension Check {
    static let guestMIGMismatch = Check(
        .guestMIGMismatch,
        title: "the MIG devices match the vGPU type",
        group: .mig,
        phase: .use,
        dependsOn: [.migDevicesMissing],
        meaning: "The MIG devices of a vGPU do not match its vGPU type. This is only a warning.",
        advice: "The vGPU host controls MIG. Contact the support of the cloud provider, or use another node."
    ) { node in
        // The check concerns only types that are GPU instances. The other types have no MIG device.
        guard node.decision.guest.count == 1, let guest = node.decision.guest.first, guest.migDevicesPerGPU == 1,
            let gpus = node.nvml?.gpus.filter({ $0.virtualization.value == .vgpu }), !gpus.isEmpty
        else { return nil }
        let others = gpus.compactMap { gpu -> String? in
            if gpu.migMode.value?.current == false { return "GPU \(gpu.index): MIG mode is off" }
            guard let devices = gpu.migDevices.value else { return nil }
            if devices.count == 1, guest.migProfile == nil || devices[0].profile == guest.migProfile { return nil }
            let list = devices.isEmpty ? "no MIG device" : devices.map(\.profile).joined(separator: ", ")
            return "GPU \(gpu.index): \(list)"
        }
        let good = "one MIG device\(guest.migProfile.map { " with the profile \($0)" } ?? "") on each GPU"
        let expected = "\(good) (\(guest.type))"
        guard !others.isEmpty else { return .passed(good, expected: expected) }
        return .warning(
            others.joined(separator: "; "),
            expected: expected,
            remedy: "The vGPU host controls MIG. Contact the support of the cloud provider, or use another node."
        )
    }
}
