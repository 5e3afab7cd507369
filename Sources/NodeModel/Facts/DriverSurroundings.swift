/// What is around the driver on the host: device nodes that are missing, and files of this agent.
///
/// Nil stands for what the agent could not read. The agent then changes nothing about it.
package struct DriverSurroundings: Codable, Sendable, Equatable {
    /// The lines of the files that the agent writes around a driver, by path.
    ///
    /// A file that does not begin with `OwnFile.mark` is not the agent's, and is not here.
    package var ownFiles: [String: [String]]
    /// The paths of files that are in the place of files of this agent, and that it did not write, sorted.
    ///
    /// The agent neither changes nor removes them.
    package var foreignFiles: [String]?
    /// The names of the files in the agent's directory on the host (`/var/lib/gpu-agent`), sorted.
    package var stateFiles: [String]?
    /// The values of the parameters in the agent's file that the loaded modules have, by module and parameter.
    package var parametersInForce: [String: [String: String]]

    /// The names of the device nodes in `/dev` that the loaded driver offers and that do not exist, sorted.
    package var missingNodes: [String]?
    /// The names of the device nodes in `/dev` without a link in `/dev/char`, sorted; nil also on a host without this
    /// directory.
    package var nodesWithoutLink: [String]?
    /// The names of the links in `/dev/char` that lead to device nodes of the driver, such as `195:255`, sorted.
    package var links: [String]?
    /// Whether udev reads rules on this host (`/etc/udev/rules.d`).
    package var hasUdevRules: Bool?
    /// Whether systemd is the host's init (`/run/systemd/system`).
    package var hasSystemd: Bool?
    /// Whether the host has the user `nvidia-persistenced`, as which the program then runs.
    package var hasPersistenceUser: Bool?
    /// The programs of the driver that run in the background, by name.
    package var programs: [String: DriverProgram]?
    /// What is there for NVLink beside the programs.
    package var fabric: FabricSurroundings?
    /// The license files of a GRID driver.
    package var license: LicenseFiles?
    /// The license token that the configuration names, in the agent's own file system.
    ///
    /// Unreadable when it cannot be used.
    package var licenseToken: Reading<LicenseToken>

    package init(
        ownFiles: [String: [String]] = [:],
        foreignFiles: [String]? = nil,
        stateFiles: [String]? = nil,
        parametersInForce: [String: [String: String]] = [:],
        missingNodes: [String]? = nil,
        nodesWithoutLink: [String]? = nil,
        links: [String]? = nil,
        hasUdevRules: Bool? = nil,
        hasSystemd: Bool? = nil,
        hasPersistenceUser: Bool? = nil,
        programs: [String: DriverProgram]? = nil,
        fabric: FabricSurroundings? = nil,
        license: LicenseFiles? = nil,
        licenseToken: Reading<LicenseToken> = .skipped("not inspected")
    ) {
        self.ownFiles = ownFiles
        self.foreignFiles = foreignFiles
        self.stateFiles = stateFiles
        self.parametersInForce = parametersInForce
        self.missingNodes = missingNodes
        self.nodesWithoutLink = nodesWithoutLink
        self.links = links
        self.hasUdevRules = hasUdevRules
        self.hasSystemd = hasSystemd
        self.hasPersistenceUser = hasPersistenceUser
        self.programs = programs
        self.fabric = fabric
        self.license = license
        self.licenseToken = licenseToken
    }

    /// Whether a file in this place is not the agent's.
    package func isForeign(_ path: String) -> Bool { foreignFiles?.contains(path) == true }
}

extension DriverFacts {
    /// Whether this agent installed the driver on the host, as far as its record tells.
    package var isOfThisAgent: Bool {
        guard let record = record.value else { return false }
        return sources.contains { record.owns($0.version) }
    }

    /// The names of the device nodes that the agent creates; empty for the driver of another owner.
    ///
    /// Such a driver has its own way to create its nodes. CUDA's nodes are not among them: every driver gets those.
    package var nodesToCreate: [String] { isOfThisAgent ? surroundings?.missingNodes ?? [] : [] }

    /// The names of the device nodes that the agent links in `/dev/char`, whoever installed the driver.
    package var nodesToLink: [String] { surroundings?.nodesWithoutLink ?? [] }
}
