import FoundationEssentials
import Glibc
import NodeModel
import TestSupport
import Testing

/// What an install replaces.
enum ReplacedDriver: String, CaseIterable {
    /// A node without a driver.
    case none
    /// The driver 580.105.08 that the agent installed: an upgrade.
    case own
    /// The driver 580.105.08 of another owner: a takeover.
    case foreign

    /// The settings of a node before the change.
    var settings: [String] { self == .foreign ? ["driver=580.105.08 grid-azure open"] : [] }

    /// The steps of the change.
    var steps: [StepID] {
        let others: [StepID] =
            switch self {
            case .none: []
            case .own: [.unload]
            case .foreign: [.unload, .remove]
            }
        return wholeInstall.flatMap { ($0 == .install ? others : []) + [$0] }
    }

    /// The number of journal writes in the change: after the first step, and before and after each other step.
    var journalWrites: Int { 2 * steps.count - 1 }

    /// Prepares a node, and returns the options for the change to 595.91.07.
    func prepare(_ node: SimulatedNode) async throws -> [String] {
        if self == .own { try await node.agent("install", node.options(for: "580.105.08")).expectExit(0) }
        return try node.options(for: "595.91.07", takeover: self == .foreign)
    }
}

extension KillPoint {
    /// The points of a change that differ for the host.
    ///
    /// Between the end of a step and the start of the next one, nothing happens to the host. So a kill before the write
    /// that begins a step is the same as one after the write that ended the step before.
    static func distinct(_ writes: ClosedRange<Int>) -> [KillPoint] {
        writes.flatMap { write -> [KillPoint] in
            write.isMultiple(of: 2)
                ? [KillPoint(write: write, side: .after)] : Side.allCases.map { KillPoint(write: write, side: $0) }
        }
    }
}

extension SimulatedNode {
    /// Options that select a version of the driver.
    func options(for version: String, takeover: Bool = false, buildPackages: Bool = true) throws -> [String] {
        let name = "config-\(version).yaml"
        try directory.write(
            name,
            "apiVersion: gpu-agent/v1\nkind: AgentConfig\ndriver:\n  version: \(version)\n"
                + "  takeover: \(takeover)\n  buildPackages: \(buildPackages)\n"
        )
        return ["--config", directory.path(name)]
    }

    /// Kills everything that runs on the host with SIGKILL, as the end of a pod and its control group does.
    ///
    /// The first process of the host and the system calls of its kernel go on.
    func killEverything() {
        guard let host = namespace(of: "\(pid)") else { return }
        var groups: Set<pid_t> = []
        var spared: Set<pid_t> = [getpgrp()]
        for process in (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? [] {
            guard namespace(of: process) == host,
                let stat = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8),
                let fields = stat.split(separator: ")").last?.split(separator: " "), fields.count > 2,
                let group = pid_t(fields[2]), group > 1
            else { continue }
            let command = (try? String(contentsOfFile: "/proc/\(process)/cmdline", encoding: .utf8)) ?? ""
            if process == "\(pid)" || command.contains("/gpu-sim/kernel\0") { spared.insert(group) }
            groups.insert(group)
        }
        for group in groups.subtracting(spared) { kill(-group, SIGKILL) }
    }

    private func namespace(of process: String) -> String? {
        try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(process)/ns/pid")
    }
}
