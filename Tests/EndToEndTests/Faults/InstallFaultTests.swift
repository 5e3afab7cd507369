import NodeModel
import TestSupport
import Testing

/// Installs on nodes with faults that are injected for real.
@Suite(.onSimulatedNodes, .timeLimit(.minutes(20)))
struct InstallFaultTests {
    /// Files of the good install that a node without the fault does not have.
    private static let besides = ["/boot/", HostLayout.buildPackages, "/etc/modprobe.d/gpu-agent.conf"]

    @Test(arguments: InstallFault.all.filter { InstallFault.isNightly || !$0.isSlow })
    func isNamedAndLeavesNothingInTheWay(_ fault: InstallFault) async throws {
        let uninterrupted = try await Uninterrupted.shared()
        try await SimulatedNode.with(set: fault.settings, server: fault.server) { node in
            let faulty = FaultyNode(node: node)
            try await fault.around(faulty) {
                try await fault.inject(faulty)
                try await expectFailure(fault, faulty)
            }
            try await fault.heal(faulty)
            try await faulty.install().expectExit(0)
            try await node.expectWholeInstall(like: uninterrupted, besides: Self.besides)
        }
    }

    /// Runs the install with the fault.
    private func expectFailure(_ fault: InstallFault, _ faulty: FaultyNode) async throws {
        let node = faulty.node
        let before = Set(try await node.tree())
        let start = ContinuousClock.now
        let install = try await faulty.install { try await fault.during(faulty) }
        #expect(ContinuousClock.now - start < fault.limit)
        install.expectExit(fault.exitStatus)
        #expect("\(install)".contains(fault.says), "\(install)")
        guard let code = fault.code else { return }
        #expect(install.errors.contains("\(code): "), "\(install)")
        let options = await faulty.setup.options
        let status = try await node.status(options)
        // A driver that was there before still works.
        let isWorking = node.exists("/sys/module/nvidia")
        if !isWorking { #expect(status.verdict == "not-ready") }
        let finding = try #require(status.findings.first { $0.code == code }, "\(install)")
        #expect(finding.state == "failed" || isWorking)
        #expect(!finding.remedy.isEmpty)
        if node.exists(HostLayout.journal) { #expect(try node.journal().record?.state != .installed) }
        let (left, files) = try await leftovers(node, since: before)
        #expect(left == fault.leaves, "\(files.joined(separator: "\n"))")
        // The processes of the faults are programs in Python.
        #expect(node.processes().filter { !$0.hasPrefix("python3 ") } == [])
    }

    /// What a failed install left on the disk.
    private func leftovers(_ node: SimulatedNode, since before: Set<String>) async throws -> (
        Set<Leftover>, files: [String]
    ) {
        // A line is `KIND MODE PATH TARGET`; directories can be empty.
        let paths = try await node.tree().filter { !before.contains($0) && !$0.hasPrefix("d ") }.compactMap { line in
            line.split(separator: " ").first { $0.hasPrefix("/") }.map(String.init)
        }
        let files = paths.filter { !$0.hasSuffix("/filler") }
        return (Set(files.compactMap { Leftover(path: $0) }), files)
    }
}
