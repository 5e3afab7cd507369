package import NodeModel
import Selection

extension ReasonCode {
    package static let fabricManagerVersionMismatch = ReasonCode("fabric-manager-version-mismatch")
    package static let fabricManagerNotRunning = ReasonCode("fabric-manager-not-running")
}

/// The checks of the fabric manager, on machines whose topology needs one.
///
/// Without a fabric manager, CUDA does not initialize there. When CUDA works, something else has set up the fabric, such
/// as the host of a virtual machine, and the finding is only a notice.
extension Check {
    private static let cause =
        "The GPUs of this machine are connected by NVSwitch, which a fabric manager of exactly the driver's version must "
        + "set up. Otherwise, CUDA reports the error 802. When CUDA works nevertheless, the finding is a notice."

    static let fabricManagerMissing = Check(
        .fabricManagerMissing,
        title: "the machine has the fabric manager that its topology needs",
        group: .gpus,
        phase: .use,
        dependsOn: [.driverNotLoaded, .moduleLoadFailed],
        settlesWithin: .seconds(60),
        meaning: "The host has no fabric manager (`nv-fabricmanager`). \(cause)",
        advice: "Install the package of the fabric manager in exactly the version of the driver, and start it: "
            + "`systemctl enable --now nvidia-fabricmanager`. The package is in NVIDIA's repository, and on Ubuntu also in "
            + "the one of the distribution (`nvidia-fabricmanager-BRANCH`). Beside its own driver, the agent installs it "
            + "itself when it has a source. See [install.md](install.md#fabric-manager-and-imex)."
    ) { node in
        FabricManager(on: node)?.missing
    }

    static let fabricManagerVersionMismatch = Check(
        .fabricManagerVersionMismatch,
        title: "the fabric manager has the version of the driver",
        group: .gpus,
        phase: .use,
        dependsOn: [.driverNotLoaded, .moduleLoadFailed],
        settlesWithin: .seconds(60),
        meaning:
            "The fabric manager on the host has another version than the loaded driver, so it does not start. \(cause)",
        advice: "Install the package of the fabric manager in exactly the version of the driver. When an update of the "
            + "packages has changed it, hold the package."
    ) { node in
        FabricManager(on: node)?.ofAnotherVersion
    }

    static let fabricManagerNotRunning = Check(
        .fabricManagerNotRunning,
        title: "the fabric manager runs",
        group: .gpus,
        phase: .use,
        dependsOn: [.driverNotLoaded, .moduleLoadFailed, .fabricManagerMissing, .fabricManagerVersionMismatch],
        settlesWithin: .seconds(60),
        meaning: "The fabric manager is on the host and does not run. \(cause)",
        advice: "Start it with `systemctl enable --now nvidia-fabricmanager`. If it ends, read "
            + "`journalctl -u nvidia-fabricmanager` and `/var/log/fabricmanager.log`."
    ) { node in
        FabricManager(on: node)?.stopped
    }
}

/// The fabric manager of a node that needs one.
private struct FabricManager {
    private var program: DriverProgram
    private var isRunning: Bool
    /// Why the node needs it, as a sentence.
    private var why: String
    /// The version of the loaded driver.
    private var driver: String
    private var outcome: (String, String, Remedy) -> Outcome
    /// The names that the package can have, as text: `nvidia-fabricmanager-580 or nvidia-fabricmanager`, and so on.
    private var package: String
    /// Why the agent does not know what the repositories of the node offer; nil when it knows.
    private var unknownOffers: String?

    /// Nil when the node needs none, or when the agent cannot tell whether one runs.
    init?(on node: CheckedNode) {
        guard let need = node.decision.fabricManager, need.isNeeded,
            let driver = node.facts.driver.loadedVersion.value,
            let program = node.facts.driver.surroundings?.program(.fabricManager), let isRunning = program.isRunning
        else { return nil }
        (self.program, self.isRunning, self.driver, why) = (program, isRunning, driver, need.why)
        outcome = FabricState(node).outcome
        let names = DriverVersion(driver).map { FabricPackages.names(of: .fabricManager, branch: $0.branch) } ?? []
        package = names.joined(separator: " or ")
        unknownOffers = node.facts.build.fabricPackages.failure?.detail
    }

    private static let expected = "a fabric manager of the driver's version that runs"

    /// A fabric manager in a container runs without a program on the host.
    var missing: Outcome? {
        guard program.path == nil else { return nil }
        guard !isRunning else { return .passed("nv-fabricmanager runs in a container", expected: Self.expected) }
        if let unknownOffers {
            return outcome(
                "The host has no fabric manager, and the agent does not know which packages the node can get: "
                    + "\(unknownOffers). \(why)",
                Self.expected,
                Remedy(
                    "Refresh the package index of the node ('apt-get update' or 'dnf makecache'), and run 'gpu-agent "
                        + "install'. Or install the fabric manager "
                        + "\(driver) yourself: the package \(package) in exactly this version."
                )
            )
        }
        return outcome(
            "The host has no fabric manager. \(why)",
            Self.expected,
            Remedy(
                "Install the fabric manager \(driver): the package \(package) in exactly this version. Then run "
                    + "'systemctl enable --now nvidia-fabricmanager'."
            )
        )
    }

    var ofAnotherVersion: Outcome? {
        guard let version = program.version else { return nil }
        guard version != driver else { return .passed(version, expected: Self.expected) }
        return outcome(
            "The fabric manager has version \(version), and the loaded driver has version \(driver). \(why)",
            Self.expected,
            Remedy(
                "Install the package \(package) in exactly the version \(driver), and restart the service."
            )
        )
    }

    /// One of another version does not start, which is a finding of its own.
    var stopped: Outcome? {
        guard program.path != nil, program.version == nil || program.version == driver else { return nil }
        guard !isRunning else { return .passed("nv-fabricmanager runs", expected: Self.expected) }
        return outcome(
            "The fabric manager does not run. \(why)",
            Self.expected,
            Remedy(
                "Start the fabric manager, and read 'journalctl -u nvidia-fabricmanager' if it ends.",
                command: "systemctl enable --now nvidia-fabricmanager"
            )
        )
    }
}

/// What CUDA says about the fabric.
enum FabricState {
    /// CUDA initializes, so the fabric is set up.
    case works
    /// CUDA fails with an error that is not about the fabric.
    case failsOtherwise
    /// CUDA waits for the fabric, or it did not answer.
    case unknown

    init(_ node: CheckedNode) {
        guard let answers = node.cudaReading?.value, !answers.isEmpty else {
            self = .unknown
            return
        }
        let codes = answers.map(\.result).filter { $0 != 0 }
        // 802 is `system not ready`, and 919 `fabric not ready`.
        self = codes.isEmpty ? .works : codes.contains { [802, 919].contains($0) } ? .unknown : .failsOtherwise
    }

    /// How a problem of the fabric counts, from the observation, what was expected, and the remedy.
    var outcome: (String, String, Remedy) -> Outcome {
        switch self {
        case .works: Outcome.notice
        case .failsOtherwise: Outcome.warning
        case .unknown: Outcome.failed
        }
    }
}
