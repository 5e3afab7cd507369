package import NodeModel

/// Writes into the journal that the install is complete, and removes what was needed for it only.
package struct FinishInstall: Operation {
    package var record: InstallRecord
    /// The name of the package's file.
    package var fileName: String
    /// The names of the host's jobs that the install may have started.
    package var jobs: [String]

    package init(record: InstallRecord, fileName: String, jobs: [String]) {
        self.record = record
        self.fileName = fileName
        self.jobs = jobs
    }

    package var id: StepID { .finish }
    package var title: String { "note the finished install and remove the package" }
    package var changes: String { "\(HostLayout.journal), \(HostLayout.packages)" }
    package var deadlineSeconds: Int { 30 }
    package var effects: [Effect] {
        [
            .remove(["\(HostLayout.packages)/\(fileName)", HostLayout.work]), .forgetJobs(jobs),
            .record(complete),
        ]
    }
    package var failure: StepFailure { .state }

    private var complete: InstallRecord {
        var complete = record
        complete.state = .installed
        complete.replaces = nil
        return complete
    }
}
