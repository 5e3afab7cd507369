/// The name of a step: a key of the journal, of metrics and of progress.
package enum StepID: String, Codable, Sendable, CaseIterable {
    case begin, download, unload, remove, install, load, verify, finish
}

extension StepID {
    /// The steps that run as jobs of the host, in their order.
    package static let jobs: [StepID] = [.remove, .install]

    /// The name of the host's job that does the step for a driver version.
    package func jobName(for version: String) -> String { "\(rawValue)-\(version)" }
}
