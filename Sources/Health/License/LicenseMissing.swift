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
            "A vGPU has no license, and the agent does not know why. It works, but its performance drops after some time, so the "
            + "node is not ready until it has a license. `license.grace` in the configuration allows some time without one. On "
            + "a GPU that is not a vGPU, the finding is a warning.",
        advice: "Check that `nvidia-gridd` runs and reaches its license server: `journalctl -u nvidia-gridd`."
    ) { node in
        guard let nvml = node.nvml else { return nil }
        let expected = "licensed"
        guard node.decision.driver?.kind == .grid else { return .notApplicable("no vGPU", expected: expected) }
        if let state = node.licenseState {
            guard case .other(let what) = state.cause else { return nil }
            return state.outcome(
                what,
                remedy: "Check that nvidia-gridd runs and reaches its license server: journalctl -u nvidia-gridd."
            )
        }
        let unlicensed = nvml.gpus.filter { $0.license.value?.licensed == false }
        guard unlicensed.isEmpty else {
            return .warning(
                "These GPUs have no license: GPU \(unlicensed.map { "\($0.index)" }.joined(separator: ", ")).",
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
