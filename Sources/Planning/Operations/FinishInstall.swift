package import NodeModel

/// Records in the journal that the install is complete, and removes the temporary files of the install.
///
/// When there is room, the package stays on the host: with it, the agent can install this driver again without a
/// network, if the next driver fails.
package struct FinishInstall: Operation {
    package var record: InstallRecord
    /// The file name of the package, if the agent keeps it; nil when it does not.
    package var kept: String?
    /// The names of the jobs that the install can have started.
    package var jobs: [String]

    package init(record: InstallRecord, kept: String?, jobs: [String]) {
        self.record = record
        self.kept = kept
        self.jobs = jobs
    }

    package var id: StepID { .finish }
    package var title: String {
        kept == nil ? "record the end of the install and remove the package" : "record the end of the install"
    }
    package var changes: String { "\(HostLayout.journal), \(HostLayout.packages)" }
    package var deadlineSeconds: Int { 30 }
    package var effects: [Effect] {
        [
            .keepOnly([kept].compactMap(\.self), directory: HostLayout.packages),
            .remove([HostLayout.work, HostLayout.workInUsr]),
            .forgetJobs(jobs),
            .record(complete),
        ]
    }
    package var failure: StepFailure { .state }

    private var complete: InstallRecord {
        var complete = record
        complete.state = .installed
        (complete.replaces, complete.former) = (nil, nil)
        complete.keptPackage = kept
        return complete
    }
}
