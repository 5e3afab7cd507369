/// The name of an operation in the journal, the metrics and the progress of an install.
///
/// Each operation declares its name. The agent keeps a name that it does not know, so that it can read the journal of
/// another version.
package struct StepID: RawRepresentable, Codable, Sendable, Hashable {
    package let rawValue: String

    package init(rawValue: String) {
        self.rawValue = rawValue
    }
}

extension StepID {
    package static let begin = StepID(rawValue: "begin")
    package static let download = StepID(rawValue: "download")
    package static let unload = StepID(rawValue: "unload")
    package static let remove = StepID(rawValue: "remove")
    package static let install = StepID(rawValue: "install")
    package static let load = StepID(rawValue: "load")
    package static let verify = StepID(rawValue: "verify")
    package static let finish = StepID(rawValue: "finish")

    /// The name of the job that executes the step for a driver version.

    package func jobName(for version: String) -> String { "\(rawValue)-\(version)" }
}
