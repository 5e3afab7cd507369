package import NodeModel

/// Takes a driver whose files are all on the host as installed.
///
/// The former driver is complete when the installer of the new one failed before it removed anything. The operation
/// changes nothing. With it, the journal knows how to uninstall the driver.
package struct KeepDriver: Operation {
    package var version: String
    /// The path of the driver package; nil when it is not known.
    package var package: String?
    /// The directory for temporary files, in which the package can run.
    package var work: String

    package init(version: String, package: String?, work: String = HostLayout.work) {
        self.version = version
        self.package = package
        self.work = work
    }

    package var id: StepID { .install }
    package var title: String { "keep the files of driver \(version), which are complete" }
    package var changes: String { "nothing" }
    package var changesDriver: Bool { true }
    package var deadlineSeconds: Int { 30 }
    package var effects: [Effect] { [] }
    package var failure: StepFailure { .state }
    package var inverse: (any Operation)? { RunUninstaller(version: version, package: package, work: work) }
}
