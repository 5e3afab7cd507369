package import NodeModel

/// Writes into the journal that an install begins, and makes room for its files.
package struct BeginInstall: Operation {
    package var record: InstallRecord
    /// The record of the agent's own driver that is on the host now; nil when there is none.
    package var previous: InstallRecord?
    /// The names of the host's jobs that the install may start.
    package var jobs: [String]

    package init(record: InstallRecord, previous: InstallRecord?, jobs: [String]) {
        self.record = record
        self.previous = previous
        self.jobs = jobs
    }

    package var id: StepID { .begin }
    package var title: String { "note the install in the journal" }
    package var changes: String { HostLayout.journal }
    package var deadlineSeconds: Int { 30 }
    package var effects: [Effect] {
        [
            .record(record), .forgetEarlierSteps,
            // What an earlier choice left half downloaded or half unpacked is of no use to this one.
            .remove(Self.directories),
            .makeDirectories(Self.directories + [HostLayout.logs]),
            // A result that an earlier install of this version left must not count for this one.
            .forgetJobs(jobs),
        ]
    }
    package var failure: StepFailure { .state }
    package var inverse: (any Operation)? { ForgetInstall(previous: previous) }

    /// Where an install keeps its package and unpacks it.
    static let directories = [HostLayout.packages, HostLayout.work]
}

/// Removes the record of an install from the journal, and the files that the install kept.
package struct ForgetInstall: Operation {
    /// The record that the journal had before.
    package var previous: InstallRecord?

    package init(previous: InstallRecord?) {
        self.previous = previous
    }

    package var id: StepID { .forget }
    package var title: String { "remove the install from the journal" }
    package var changes: String { "\(HostLayout.journal), \(HostLayout.packages)" }
    package var deadlineSeconds: Int { 30 }
    package var effects: [Effect] { [.remove(BeginInstall.directories), .record(previous)] }
    package var failure: StepFailure { .state }
}

extension StepID {
    package static let forget = StepID(rawValue: "forget")
}

extension StepFailure {
    /// The agent's own files on the host cannot be written or removed.
    package static let state = StepFailure(
        .installFailed,
        subject: "writing the agent's files on the host",
        remedy: "see that /var/lib and /var/log of the node can be written to, then gpu-agent install"
    )
}
