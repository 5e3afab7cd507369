package import NodeModel

/// Records in the journal that the install is complete, and removes the temporary files of the install.
package struct FinishInstall: Operation {
    package var record: InstallRecord
    /// The file name of the package.
    package var fileName: String
    /// The names of the jobs that the install can have started.
    package var jobs: [String]

    package init(record: InstallRecord, fileName: String, jobs: [String]) {
        self.record = record
        self.fileName = fileName
        self.jobs = jobs
    }

    package var id: StepID { .finish }
    package var title: String { "record the end of the install and remove the package" }
    package var changes: String { "\(HostLayout.journal), \(HostLayout.packages)" }
    package var deadlineSeconds: Int { 30 }
    package var effects: [Effect] {
        [
            .remove(["\(HostLayout.packages)/\(fileName)", HostLayout.work, HostLayout.workInUsr]), .forgetJobs(jobs),
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
