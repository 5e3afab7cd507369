package import NodeModel
import Selection

extension ReasonCode {
    package static let driverKindMismatch = ReasonCode("driver-kind-mismatch")
}

extension Check {
    static let driverKindMismatch = Check(
        .driverKindMismatch,
        title: "the driver is of the right kind",
        group: .driver,
        phase: .load,
        dependsOn: [.driverMissing],
        meaning: "The host has a GRID driver and the GPUs need a datacenter driver, or the reverse.",
        advice: "Remove the driver as the finding says, then run `gpu-agent install`."
    ) { node in
        guard let wanted = node.decision.driver?.kind, let version = node.facts.driver.sources.first?.version else {
            return nil
        }
        guard let kind = node.facts.installedKind(ofVersion: version)?.kind else {
            // On a system whose image has nvidia-gridd beside every driver, only NVML tells the kind, and the check of
            // NVML says why it did not.
            guard let failure = node.facts.unreadKindSource else { return nil }
            return .unknown(
                "The agent could not tell whether the driver is a GRID driver: \(failure.detail)",
                expected: wanted.rawValue,
                remedy: .reading(failure)
            )
        }
        guard kind != wanted else { return .passed(kind.rawValue, expected: wanted.rawValue) }
        return .failed(
            kind.rawValue,
            expected: wanted.rawValue,
            remedy: .replacingDriver(on: node)
        )
    }
}
