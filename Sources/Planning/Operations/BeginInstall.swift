package import NodeModel

/// Records the start of an install in the journal, and prepares the directories for its files.
package struct BeginInstall: Operation {
    package var record: InstallRecord
    /// The record of the driver that the agent installed before; nil when there is none.
    package var previous: InstallRecord?
    /// The names of the jobs that the install can start.
    package var jobs: [String]
    /// The names of the files of the former driver that the install keeps: its package and its fabric manager.
    package var kept: [String]

    package init(record: InstallRecord, previous: InstallRecord?, jobs: [String], kept: [String] = []) {
        self.record = record
        self.previous = previous
        self.jobs = jobs
        self.kept = kept
    }

    package var id: StepID { .begin }
    package var title: String { "record the install in the journal" }
    package var changes: String { HostLayout.journal }
    package var deadlineSeconds: Int { 30 }
    package var effects: [Effect] {
        let clear: [Effect] =
            kept.isEmpty
            ? [.remove(Self.directories + [HostLayout.workInUsr])]
            : [.keepOnly(kept, directory: HostLayout.packages), .remove([HostLayout.work, HostLayout.workInUsr])]
        return [
            // The result of an earlier install of the same version must not count for this install. This comes first,
            // because it fails while such a job runs: then the files and the steps of the job must stay.
            .forgetJobs(jobs), .record(record), .forgetEarlierSteps,
        ]
            // An interrupted install of another driver can leave incomplete files, which are useless for this driver.
            + clear + [.makeDirectories(Self.directories + [HostLayout.logs])]
    }
    package var failure: StepFailure { .state }
    package var inverse: (any Operation)? { ForgetInstall(previous: previous) }

    /// The directories in which an install keeps and unpacks its package.
    static let directories = [HostLayout.packages, HostLayout.work]
}

/// Removes the record of an install from the journal, and the files of the install.
package struct ForgetInstall: Operation {
    /// The record that the journal had before the install; nil when it had none.
    package var previous: InstallRecord?

    package init(previous: InstallRecord?) {
        self.previous = previous
    }

    package var id: StepID { .forget }
    package var title: String { "remove the install from the journal" }
    package var changes: String { "\(HostLayout.journal), \(HostLayout.packages)" }
    package var deadlineSeconds: Int { 30 }
    package var effects: [Effect] {
        [.remove(BeginInstall.directories + [HostLayout.workInUsr, HostLayout.fabricFiles]), .record(previous)]
    }
    package var failure: StepFailure { .uninstall }
}

extension StepID {
    package static let forget = StepID(rawValue: "forget")
}

extension StepFailure {
    /// The agent cannot read, write or remove its own files on the host during an uninstall.
    package static let uninstall = StepFailure(
        .uninstallFailed,
        subject: "the uninstall",
        remedy: "Correct the problem on the node, and then run 'gpu-agent uninstall'."
    )

    /// The agent cannot write or remove its own files on the host.
    package static let state = StepFailure(
        .installFailed,
        subject: "writing the agent's files on the host",
        remedy: "Make /var/lib and /var/log on the node writable, and then run 'gpu-agent install'."
    )
}
