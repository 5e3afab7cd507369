package import Support

/// How long a node took from its boot until pods could use its GPUs, and how often an install was tried since the boot.
///
/// The daemon keeps this in a file on the host, which the next boot deletes. So an agent that is started again neither
/// forgets it nor measures anew: each phase has the time at which it ended first.
package struct BootRecord: Codable, Sendable, Equatable {
    /// A phase of the start of a node, in the usual order.
    package enum Phase: String, Sendable, CaseIterable {
        /// The kubelet made the Node, or made it ready again after a reboot.
        case kubelet
        /// The agent ran.
        case agent
        /// The packages of the driver were there.
        case download
        /// The kernel modules were built, and the driver was installed.
        case build
        /// The kernel had the modules.
        case load
        /// The checks after the install had passed.
        case proof
        /// The verdict was `ready` or `degraded`.
        case ready
        /// The Node had devices that pods can ask for.
        case plugin
    }

    /// The ID of the boot.
    package private(set) var boot: String
    /// When the kernel started, by the clock of the node as it is now.
    package private(set) var started: Timestamp
    /// When each phase ended, in seconds after the start of the kernel, by the name of the phase.
    ///
    /// Seconds stay right when the clock of the node is set after the boot, as on most virtual machines.
    private var phases: [String: Double]
    /// How often an install began or was continued.
    package var attempts = 0
    /// How often one failed, by reason code.
    package private(set) var failures: [String: Int] = [:]
    /// How often one failed since the last that succeeded.
    package private(set) var failuresInARow = 0

    /// The most codes that are counted; an install can fail with about 40.
    private static let codeLimit = 64
    /// An agent that starts later than this after the boot was not there for the start of the node, in seconds.
    private static let latestStart = 3600.0
    /// A clock that moves by more than this was set, in seconds.
    private static let drift = 5.0

    private init(boot: String, started: Timestamp) {
        (self.boot, self.started, phases) = (boot, started, [:])
    }

    /// Makes the record of a boot.
    ///
    /// - Parameters:
    ///   - former: What the agent or its predecessor recorded; nil when there is nothing.
    ///   - boot: The ID of the running boot.
    ///   - now: The time.
    ///   - uptime: The seconds since the start of the kernel, with those in which the node slept.
    /// - Returns: A record that continues the former one, when it is of the same boot.
    package static func continuing(
        _ former: BootRecord?,
        boot: String,
        at now: Timestamp,
        uptime: Double
    ) -> BootRecord {
        let started = Timestamp(now.seconds - uptime)
        guard var record = former, record.boot == boot else { return BootRecord(boot: boot, started: started) }
        if abs(record.started.seconds - started.seconds) > Self.drift { record.started = started }
        return record
    }

    /// The end of a phase, in seconds after the start of the kernel; nil when it is not known.
    package subscript(phase: Phase) -> Double? { phases[phase.rawValue] }

    /// Records the end of a phase, unless it is known already or before the start of the kernel.
    package mutating func reached(_ phase: Phase, at seconds: Double) {
        guard self[phase] == nil, seconds >= 0, seconds.isFinite else { return }
        phases[phase.rawValue] = (seconds * 1000).rounded() / 1000
    }

    /// The phases, when the agent was there for the start of the node; otherwise none.
    ///
    /// An agent that is rolled out to a node that has run for days says nothing about how the node starts.
    package var coldStart: ColdStart {
        ColdStart(phases: self[.agent].map { $0 <= Self.latestStart } == true ? phases : [:])
    }

    /// Counts an install that failed.
    package mutating func failed(_ code: ReasonCode) {
        failuresInARow = min(failuresInARow + 1, Int(Int32.max))
        guard failures[code.rawValue] != nil || failures.count < Self.codeLimit else { return }
        failures[code.rawValue, default: 0] += 1
    }

    /// Forgets the failures in a row, because an install succeeded, or is not necessary any more.
    package mutating func succeeded() { failuresInARow = 0 }
}

extension BootRecord {
    /// The phases of the start of a node that an agent saw.
    package struct ColdStart: Sendable, Equatable {
        fileprivate let phases: [String: Double]

        package subscript(phase: Phase) -> Double? { phases[phase.rawValue] }
    }

    /// What an inspection says about the start of the node.
    package struct Sight: Sendable {
        package var verdict: Verdict
        package var journal: Journal?
        /// When the kubelet made the Node known in this boot; nil when that is not known.
        package var joined: Timestamp?
        /// Whether the Node has devices of NVIDIA that pods can ask for.
        package var isOffering: Bool

        package init(verdict: Verdict, journal: Journal?, joined: Timestamp?, isOffering: Bool) {
            self.verdict = verdict
            self.journal = journal
            self.joined = joined
            self.isOffering = isOffering
        }
    }

    /// Records what an inspection says.
    ///
    /// The steps of an install count only at the moment when the GPUs work: until then, a later attempt can replace them.
    package mutating func note(_ sight: Sight, uptime: Double) {
        // A Node that becomes ready again later says nothing about the start.
        if let joined = sight.joined, joined.seconds - started.seconds <= min(uptime, Self.latestStart) {
            reached(.kubelet, at: joined.seconds - started.seconds)
        }
        // Somebody else can have installed the driver, or taken the node over.
        if [.ready, .leftAlone, .noGPU].contains(sight.verdict) { succeeded() }
        if self[.ready] == nil, [.ready, .degraded].contains(sight.verdict) {
            for (phase, steps) in Self.steps {
                if let end = end(of: steps, in: sight.journal), end <= uptime { reached(phase, at: end) }
            }
            reached(.ready, at: uptime)
        }
        // The kubelet keeps the devices of the boot before until it has started.
        if self[.ready] != nil, sight.isOffering { reached(.plugin, at: uptime) }
    }

    /// The steps of an install by the phase that they belong to.
    private static let steps: [(Phase, Set<StepID>)] = [
        (.download, [.packageIndex, .download, .downloadPackages, .downloadFabricManager, .downloadFabricPackages]),
        (.build, [.buildPackages, .driverPackages, .install]), (.load, [.load, .deviceNodes]), (.proof, [.verify]),
    ]

    /// When the last of these steps ended that ran in this boot, in seconds after the start of the kernel; nil when none
    /// did.
    private func end(of steps: Set<StepID>, in journal: Journal?) -> Double? {
        (journal?.steps ?? []).compactMap { step -> Double? in
            guard steps.contains(step.step), step.state == .done, let seconds = step.seconds,
                step.startedAt.milliseconds >= started.milliseconds
            else { return nil }
            return step.startedAt.seconds + seconds - started.seconds
        }.max()
    }
}
