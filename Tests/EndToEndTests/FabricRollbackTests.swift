import FoundationEssentials
import NodeModel
import TestSupport
import Testing

/// An upgrade that fails on a node with NVSwitch, with the real tar and xz.
@Suite(.onSimulatedNodes, .having("apt-get", "xz"), .timeLimit(.minutes(10)))
struct FabricRollbackTests {
    private static let new = "595.99.02"

    /// The server no longer has the old driver and its fabric manager, and the catalog does not name them.
    @Test func goesBackWithoutANetwork() async throws {
        let (old, fabric) = (FabricTests.driver, FabricTests())
        try await FabricTests.withNVSwitch { node in
            let entries = [try await fabric.archive(old, on: node), try await fabric.archive(Self.new, on: node)]
            try await node.agent("install", fabric.options(old, entries, on: node)).expectExit(0)
            try await node.run(["systemctl", "is-active", "nvidia-fabricmanager"])
            let archive = "fabricmanager-linux-x86_64-\(old)-archive.tar.xz"
            #expect(try node.journal().record?.keptFabricManager?.fileName == archive)

            let packages = node.directory.path("packages")
            for name in try FileManager.default.contentsOfDirectory(atPath: packages) where name.contains(old) {
                try FileManager.default.removeItem(atPath: "\(packages)/\(name)")
            }
            let fault = "echo 'fault nvmlInit_v2 code=999 version=\(Self.new)' >>/etc/gpu-sim/hardware"
            try await node.run(["sh", "-c", fault])
            let options = try fabric.options(Self.new, [entries[1]], on: node)
            let requests = try node.requests().count
            let install = try await node.agent("install", options)
            install.expectExit(1)
            #expect(install.errors.contains("driver-rolled-back: The agent went back to driver \(old)"), "\(install)")
            let asked = try node.requests().dropFirst(requests)
            #expect(asked.count == 2 && asked.allSatisfy { $0.path.contains(Self.new) }, "\(asked)")
            try await node.run(["systemctl", "is-active", "nvidia-fabricmanager"])
            #expect(node.exists("/usr/share/nvidia/nvswitch/topology-\(old)"))
            #expect(!node.exists("/usr/share/nvidia/nvswitch/topology-\(Self.new)"))
            #expect(try await node.status(options).verdict == "ready")
            #expect(try node.journal().record?.keptFabricManager?.fileName == archive)
        }
    }
}
