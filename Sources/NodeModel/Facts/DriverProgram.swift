/// A program of the driver that runs in the background, as the host shows it.
package struct DriverProgram: Codable, Sendable, Equatable {
    /// The path of the program; nil when the host does not have it.
    package var path: String?
    /// The path of the unit file that systemd reads; nil when there is none.
    ///
    /// For a masked unit, it is the link to `/dev/null`.
    package var unitFile: String?
    /// Whether the unit is masked, so that systemd does not start it; nil when it is not, or not known.
    package var isMasked: Bool?
    /// Whether a process of the program runs, whoever started it; nil when the agent could not tell.
    package var isRunning: Bool?
    /// The version that the program prints; nil for a program whose version does not matter, and when it is not known.
    package var version: String?

    package init(path: String? = nil, unitFile: String? = nil, isRunning: Bool? = nil, version: String? = nil) {
        self.path = path
        self.unitFile = unitFile
        self.isRunning = isRunning
        self.version = version
    }
}

extension DriverService {
    /// A program that the agent inspects.
    package enum Program: String, Sendable, CaseIterable {
        /// Gets the license of a GRID driver.
        case licenseDaemon = "nvidia-gridd"
        /// Keeps the GPUs initialized while no program uses them.
        case persistenced = "nvidia-persistenced"
        /// Sets up NVSwitch. It must have the version of the driver.
        case fabricManager = "nv-fabricmanager"
        /// Shares GPU memory over NVLink with the other nodes of a domain. It must have the version of the driver.
        case imex = "nvidia-imex"

        /// The name of the systemd unit in NVIDIA's packages.
        package var unit: String { self == .fabricManager ? "nvidia-fabricmanager.service" : "\(rawValue).service" }

        /// The name of a process of the program, of which the kernel keeps 15 bytes.
        package var processName: String { String(rawValue.prefix(15)) }
    }
}

extension DriverSurroundings {
    /// What the host shows about a program; nil when the agent did not read it.
    package func program(_ program: DriverService.Program) -> DriverProgram? { programs?[program.rawValue] }
}
