/// The name of an operation: a key of the journal, of metrics and of progress.
///
/// Each operation declares its own. A name of another version of the agent is kept as it is, so that its journal can
/// still be read.
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

    /// The name of the host's job that does the step for a driver version.
    package func jobName(for version: String) -> String { "\(rawValue)-\(version)" }
}
