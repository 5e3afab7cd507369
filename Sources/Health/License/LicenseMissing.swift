package import NodeModel
import Selection

extension ReasonCode {
    package static let licenseMissing = ReasonCode("license-missing")
}

extension Check {
    static let licenseMissing = Check(
        .licenseMissing,
        title: "the vGPUs are licensed",
        group: .license,
        phase: .use,
        dependsOn: [.nvmlUnavailable, .gpuUnreadable],
        // nvidia-gridd requests the license after the load of the driver, and again after an outage of the server.
        settlesWithin: .seconds(120),
        meaning:
            "A vGPU has no license. This is only a warning: an unlicensed vGPU works, but its performance drops after "
            + "some time.",
        advice: "Check that `nvidia-gridd` runs and reaches its license server: `journalctl -u nvidia-gridd`."
    ) { node in
        guard let nvml = node.nvml else { return nil }
        let expected = "licensed"
        guard node.decision.driver?.kind == .grid else { return .notApplicable("no vGPU", expected: expected) }
        let unlicensed = nvml.gpus.filter { $0.license.value?.licensed == false }
        guard unlicensed.isEmpty else {
            return .warning(
                "These vGPUs have no license: GPU \(unlicensed.map { "\($0.index)" }.joined(separator: ", ")).",
                expected: expected,
                remedy: "Check that nvidia-gridd runs and reaches its license server: journalctl -u nvidia-gridd."
            )
        }
        // A GPU with an error has its own finding.
        let answering = nvml.gpus.filter(\.faults.isEmpty)
        let silent = answering.compactMap { gpu in gpu.license.whyUnknown.map { "GPU \(gpu.index): \($0)" } }
        guard silent.isEmpty, !answering.isEmpty else {
            return .unknown(
                silent.isEmpty ? "No GPU responds." : silent.joined(separator: "; "),
                expected: expected,
                remedy: "Check that nvidia-gridd runs: systemctl status nvidia-gridd."
            )
        }
        let products = Set(nvml.gpus.compactMap { $0.license.value?.product }).sorted().joined(separator: ", ")
        return .passed(products.isEmpty ? "The GPUs need no license." : products, expected: expected)
    }
}
