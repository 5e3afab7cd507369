import NodeModel
import TestSupport
import Testing

/// IMEX on a node of a cluster, from a repository of Debian packages.
extension FabricTests {
    @Test func imexComesWithAClusterAndStartsWithItsNodes() async throws {
        try await SimulatedNode.with("h100", set: ["systemd=yes"]) { node in
            let version = "595.99.02"
            let repository = try await DebianRepository(node)
            try await repository.add(
                "nvidia-imex-595",
                version: "\(version)-1",
                files: Self.program(
                    "nvidia-imex",
                    "IMEX version is: \(version)",
                    "nvidia-imex",
                    units: "usr/lib/systemd/system"
                )
            )
            let before = try await repository.installed()
            try await repository.runOnce()
            try await node.run(["mkdir", "-p", "/etc/udev/rules.d"])
            try await node.takeFirstLedger()
            try await node.agent("install").expectExit(0)
            #expect(try await state("imex-missing", node, []) == nil)
            let cluster =
                "trait.fabricState=3 trait.fabricStatus=0 trait.fabricClique=1 "
                + "trait.fabricCluster=0123456789abcdef0123456789abcdef"
            try await node.run(["sed", "-i", "/^gpu 0/s/$/ \(cluster)/", "/etc/gpu-sim/hardware"])
            #expect(try await state("imex-missing", node, []) == "notice")
            try await node.agent("install").expectExit(0)
            #expect(try await state("imex-missing", node, []) == "pass")
            // Nobody has said which nodes belong to the domain.
            #expect(try await state("imex-not-running", node, []) == "notice")
            let none = try await node.agent("plan", ["-o", "json"]).decoded(as: PrintedPlan.self)
            #expect(none.steps.isEmpty)
            let nodes =
                "mkdir -p /etc/nvidia-imex; printf '# domain\\n10.0.0.1\\n10.0.0.2\\n' "
                + ">\(FabricSurroundings.imexNodesFile)"
            try await node.run(["sh", "-c", nodes])
            #expect(try await state("imex-not-running", node, []) == "warning")
            try await node.agent("install").expectExit(0)
            try await node.run(["systemctl", "is-active", "nvidia-imex"])
            #expect(try await state("imex-not-running", node, []) == "pass")
            #expect(try await node.status().verdict == "ready")

            try await node.uninstall().expectExit(0)
            expectSame(try await repository.installed(), before)
            #expect(node.processes() == [] && node.exists(FabricSurroundings.imexNodesFile))
            // What the test did to the host: it made the GPU one of a cluster, and named the nodes.
            let own: Set = ["/etc/gpu-sim/hardware", "/etc/nvidia-imex", FabricSurroundings.imexNodesFile]
            let named = namedByUninstall.union(own).union(try await node.writtenByApt())
            try await node.expectUninstalled(apartFrom: named)
        }
    }
}
