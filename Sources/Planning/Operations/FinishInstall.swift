package import NodeModel

/// Records in the journal that the install is complete, and removes the temporary files of the install.
///
/// When there is room, the package stays on the host, and so does the archive of the fabric manager: with them, the agent can
/// install this driver again without a network, if the next driver fails.
package struct FinishInstall: Operation {
    package var record: InstallRecord
    /// The file name of the package, if the agent keeps it; nil when it does not.
    package var kept: String?
    /// The archive with the fabric manager, if the agent keeps it; nil when it does not.
    package var keptFabricManager: KeptFile?
    /// Whether the agent keeps files of packages for NVLink, of which those of other driver versions go.
    package var hasFabricFiles: Bool
    /// The names of the jobs that the install can have started.
    package var jobs: [String]

    package init(
        record: InstallRecord,
        kept: String?,
        keptFabricManager: KeptFile? = nil,
        hasFabricFiles: Bool = false,
        jobs: [String]
    ) {
        self.hasFabricFiles = hasFabricFiles
        self.record = record
        self.kept = kept
        self.keptFabricManager = keptFabricManager
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
            .keepOnly([kept, keptFabricManager?.fileName].compactMap(\.self), directory: HostLayout.packages),
            .remove([HostLayout.work, HostLayout.workInUsr]),
        ] + (hasFabricFiles ? [.keepOnly([record.version], directory: HostLayout.fabricFiles)] : []) + [
            .forgetJobs(jobs), .record(complete),
        ]
    }
    package var failure: StepFailure { .state }

    private var complete: InstallRecord {
        var complete = record
        complete.state = .installed
        (complete.replaces, complete.former) = (nil, nil)
        complete.keptPackage = kept
        complete.keptFabricManager = keptFabricManager
        return complete
    }
}
