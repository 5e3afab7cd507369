package import NodeModel

extension FailedInstall {
    /// What failed, as a sentence.
    package var statement: String {
        let name =
            "the \(record.kind.displayName) driver \(record.version) with "
            + "\(record.kernelModuleType.rawValue) kernel modules"
        return "The install of \(name) failed at \(at): \(failure.code.rawValue): \(failure.observed)"
    }

    /// The driver before this install, for people.
    package var formerName: String { record.former.map { "driver \($0.version)" } ?? "the former driver" }

    /// What an operator can do after the agent has gone back to the former driver.
    package var remedy: Remedy {
        """
        Correct the cause of \(failure.code.rawValue), and then run 'gpu-agent install', which tries driver \
        \(record.version) again. Or select another driver in the configuration.
        """
    }
}

extension Finding {
    /// The finding that the agent went back to the former driver, which works.
    package static func wentBack(from failed: FailedInstall) -> Finding {
        Finding(
            .driverRolledBack,
            observed: "The agent went back to \(failed.formerName), which works.",
            expected: "driver \(failed.record.version)",
            remedy: failed.remedy
        )
    }
}
