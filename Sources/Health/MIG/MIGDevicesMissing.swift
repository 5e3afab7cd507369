package import NodeModel

extension ReasonCode {
    package static let migDevicesMissing = ReasonCode("mig-devices-missing")
}

extension Check {
    static let migDevicesMissing = Check(
        .migDevicesMissing,
        title: "GPUs in MIG mode have MIG devices",
        group: .mig,
        phase: .use,
        dependsOn: [.nvmlUnavailable, .gpuUnreadable, .migModePending, .migLayoutLost, .migLayoutPending],
        // A change of the MIG configuration first removes the old devices.
        settlesWithin: .seconds(60),
        meaning: "A GPU is in MIG mode but has no MIG device. CUDA finds no device on such a GPU.",
        advice:
            "Create MIG devices with `gpu-agent mig apply`, or the last ones with `gpu-agent mig restore`, or turn MIG "
            + "mode off. On a vGPU, only the vGPU host can do this."
    ) { node in
        guard node.nvml != nil else { return nil }
        let expected = "at least one MIG device on each GPU in MIG mode"
        let enabled = node.gpusWithMIG
        guard !enabled.isEmpty else { return .notApplicable("MIG mode is off.", expected: expected) }
        // A GPU with an error or with a pending change has its own finding.
        let answering = enabled.filter { $0.faults.isEmpty && !$0.hasPendingMIGChange }
        guard !answering.isEmpty else { return nil }
        let empty = answering.filter(\.isWithoutMIGDevice)
        guard empty.isEmpty else {
            return .failed(
                "These GPUs have no MIG device: GPU \(empty.map { "\($0.index)" }.joined(separator: ", ")).",
                expected: expected,
                remedy: """
                    Create MIG devices with 'gpu-agent mig apply', or the last ones with 'gpu-agent mig restore', or \
                    turn MIG mode off. On a vGPU, only the vGPU host can do this.
                    """
            )
        }
        let profiles = enabled.flatMap { $0.migDevices.value ?? [] }.map(\.profile)
        let list = Set(profiles).sorted().joined(separator: ", ")
        return .passed("\(counted(profiles.count, "MIG device")): \(list)", expected: expected)
    }
}
