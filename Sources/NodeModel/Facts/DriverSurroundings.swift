/// What is around the driver on the host: the files of this agent, and what they set.
package struct DriverSurroundings: Codable, Sendable, Equatable {
    /// The lines of the files that the agent writes around a driver, by path.
    ///
    /// A file that does not begin with `OwnFile.mark` is not the agent's, and is not here.
    package var ownFiles: [String: [String]]
    /// The values of the parameters in the agent's file that the loaded modules have, by module and parameter.
    package var parametersInForce: [String: [String: String]]

    package init(ownFiles: [String: [String]] = [:], parametersInForce: [String: [String: String]] = [:]) {
        self.ownFiles = ownFiles
        self.parametersInForce = parametersInForce
    }
}

extension DriverFacts {
    /// Whether this agent installed the driver on the host, as far as its record tells.
    package var isOfThisAgent: Bool {
        guard let record = record.value else { return false }
        return sources.contains { record.owns($0.version) }
    }
}
