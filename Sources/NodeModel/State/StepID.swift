/// The name of an operation in the journal, the metrics and the progress of an install.
///
/// Each operation declares its name.
package struct StepID: RawRepresentable, Codable, Sendable, Hashable {
    package let rawValue: String

    package init(rawValue: String) {
        self.rawValue = rawValue
    }
}

extension StepID {
    package static let begin = StepID(rawValue: "begin")
    package static let buildPackages = StepID(rawValue: "build-packages")
    package static let download = StepID(rawValue: "download")
    package static let unload = StepID(rawValue: "unload")
    package static let remove = StepID(rawValue: "remove")
    package static let install = StepID(rawValue: "install")
    package static let load = StepID(rawValue: "load")
    package static let verify = StepID(rawValue: "verify")
    package static let finish = StepID(rawValue: "finish")

    /// The names of all operations of this version and of earlier ones.
    ///
    /// A journal with another name is from a newer version.
    package static let known: Set<StepID> = Set(
        [
            "begin", "build-packages", "download", "finish", "forget", "install", "load", "remove",
            "remove-build-packages", "remove-package", "sync", "uninstall",
            "unload", "verify",
        ].map(StepID.init(rawValue:))
    )

    /// The name of the job that executes the step for a driver version.
    package func jobName(for version: String) -> String { "\(rawValue)-\(version)" }
}
