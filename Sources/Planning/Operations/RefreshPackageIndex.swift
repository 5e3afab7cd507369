package import NodeModel

/// Refreshes the index of the package manager, without which the agent does not know what the repositories have.
///
/// Only the next plan chooses a driver.
package struct RefreshPackageIndex: Operation {
    package var installer: any PackageInstaller
    /// The directory for temporary files.
    package var work: String

    package init(installer: any PackageInstaller, work: String = HostLayout.work) {
        self.installer = installer
        self.work = work
    }

    private var job: PackageJob {
        PackageJob(name: id.rawValue, installer: installer, record: HostLayout.driverPackages)
    }

    package var id: StepID { .packageIndex }
    package var title: String { "refresh the package index of \(installer.program)" }
    package var changes: String { "the package index of the host" }
    package var deadlineSeconds: Int { job.patience + 900 }
    package var effects: [Effect] { job.refresh(work: work) + [.remove([work]), .forgetJobs([job.name])] }
    package var failure: StepFailure {
        .packages(
            installer,
            .packageIndexFailed,
            packages: "an index of the packages that the repositories of the node have",
            remedy:
                "Make the repositories of the node reachable, or correct their list. '\(installer.program)' on the node "
                + "shows the error. Then run 'gpu-agent install'.",
            command: "gpu-agent install"
        )
    }
}
