package import NodeModel
import Selection

/// The plan to uninstall the driver of this agent: the steps that undo its journal, and what stays.
///
/// The plan is a pure function of the journal and the facts. The journal says what the agent changed. The facts say
/// which of it is still there, and whether a process uses it.
package struct Uninstall: Sendable, Equatable {
    /// Something that remains on the host.
    package struct Left: Encodable, Sendable, Equatable {
        /// The step of the install that is not undone completely; nil for a file of the agent.
        package var step: StepID?
        /// The file or directory that stays; nil when the change is not a single file.
        package var path: String?
        /// What stays and why, as a clause.
        package var what: String
    }

    /// The version of the driver; nil when the agent has not changed the driver of this host.
    package var version: String?
    package var entries: [Undo.Entry] = []
    package var left: [Left] = []
    /// Why the agent cannot uninstall the driver now; empty when it can.
    package var problems: [Finding] = []
    /// Whether only processes of an agent use the driver, which read the GPUs for some seconds.
    package var waitsForAgent = false
    /// Why there is nothing to do, as a clause; nil when there is something.
    package var nothing: String?

    /// The steps, in order.
    package var steps: [PlannedStep] { entries.flatMap(\.steps) }

    /// - Parameters:
    ///   - journal: The journal of the host.
    ///   - facts: The facts of the host. Only its driver and its claims matter.
    package init(journal: Reading<Journal>, facts: NodeFacts) {
        guard let journal = journal.value else {
            if let problem = Self.unusable(journal) { problems = [problem] } else { withoutInstall(nil, facts) }
            return
        }
        guard journal.record != nil || journal.uninstall?.state == .started else {
            withoutInstall(journal, facts)
            return
        }
        version = journal.uninstall?.version ?? journal.record?.ownVersion
        let undo = Undo(journal: journal)
        if let problem = undo.problem {
            problems = [problem]
            return
        }
        let host = UninstallHost(
            journal: journal,
            driver: facts.driver,
            claims: facts.claims,
            system: facts.host.osRelease.value,
            work: facts.build.workDirectory
        )
        let packages = RecordedPackages(facts, version: version)
        entries = host.entries(undo, packages)
        left = host.left(undo) + files(facts.driver.surroundings)
        addPackages(packages?.names)
        if let problem = host.usersProblem(version, steps) {
            problems = [problem]
            waitsForAgent = facts.claims.onlyAgentsUseDriver
        }
    }

    /// The problem that the agent cannot use the journal; nil when there is no journal.
    private static func unusable(_ journal: Reading<Journal>) -> Finding? {
        guard let failure = journal.failure else {
            return journal.whyUnknown.map { problem("The agent did not read its journal: \($0).", .reading(nil)) }
        }
        let remedy: Remedy =
            switch failure.reason {
            case .newer: "Use the version of the agent that wrote \(HostLayout.journal), or a newer one."
            case .permission: "Run the command as root."
            default:
                """
                Examine \(HostLayout.journal) on the node. If the agent installed the driver with NVIDIA's installer, \
                'nvidia-uninstall' removes it.
                """
            }
        return problem("The agent cannot use its journal: \(failure.detail).", remedy)
    }

    private static func problem(_ observed: String, _ remedy: Remedy) -> Finding {
        Finding(
            .uninstallFailed,
            observed: observed,
            expected: "a journal that says what the agent changed on this host",
            remedy: remedy
        )
    }

    /// Decides about a host on which the journal names no install of this agent.
    private mutating func withoutInstall(_ journal: Journal?, _ facts: NodeFacts) {
        if let problem = facts.driverOfOthers {
            problems = [problem]
        } else if let packages = RecordedPackages(facts, version: nil) {
            entries = [Undo.Entry(undoes: nil, steps: [packages.removal])]
            left = files(facts.driver.surroundings)
            addPackages(packages.names)
        } else if let former = journal?.uninstall {
            let name = former.version.map { "driver \($0)" } ?? "the driver"
            nothing = "\(name) was uninstalled at \(former.endedAt ?? former.startedAt)"
        } else {
            nothing = "this agent has not installed a driver on this host"
        }
    }
}

extension InstallRecord {
    /// The version of the agent's driver on the host; nil when the agent has not changed the driver.
    package var ownVersion: String? { state == .started ? replaces : version }
}
