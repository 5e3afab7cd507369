import NodeModel
import Selection

extension Check {
    static let licenseMissing = Check(
        .licenseMissing,
        title: "the vGPUs are licensed",
        group: .license,
        phase: .use,
        dependsOn: [.nvmlUnavailable, .gpuUnreadable],
        // nvidia-gridd asks its server for the license after the driver is loaded, and again after it was away.
        settlesWithin: .seconds(120),
        meaning:
            "A vGPU has no license. The check only warns: an unlicensed vGPU works, and its performance drops after "
            + "a while.",
        advice: "Check that `nvidia-gridd` runs and reaches its license server: `journalctl -u nvidia-gridd`."
    ) { node in
        guard let nvml = node.nvml else { return nil }
        let expected = "licensed"
        guard node.decision.driver?.kind == .grid else { return .notApplicable("no vGPU", expected: expected) }
        let unlicensed = nvml.gpus.filter { $0.license.value?.licensed == false }
        guard unlicensed.isEmpty else {
            return .warning(
                "no license on GPU \(unlicensed.map { "\($0.index)" }.joined(separator: ", "))",
                expected: expected,
                remedy: "Check that nvidia-gridd runs and reaches its license server: journalctl -u nvidia-gridd."
            )
        }
        // A GPU that does not answer has a finding of its own.
        let answering = nvml.gpus.filter { $0.uuid.value != nil }
        let silent = answering.compactMap { gpu in gpu.license.whyUnknown.map { "GPU \(gpu.index): \($0)" } }
        guard silent.isEmpty, !answering.isEmpty else {
            return .unknown(
                silent.isEmpty ? "no GPU answers" : silent.joined(separator: "; "),
                expected: expected,
                remedy: "Check that nvidia-gridd runs: systemctl status nvidia-gridd."
            )
        }
        let products = Set(nvml.gpus.compactMap { $0.license.value?.product }).sorted().joined(separator: ", ")
        return .passed(products.isEmpty ? "the GPUs need no license" : products, expected: expected)
    }
}
