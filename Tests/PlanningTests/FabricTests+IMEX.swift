import NodeModel
import Planning
import TestSupport
import Testing

/// Plans for IMEX, which a node in a cluster of NVLink needs.
extension FabricTests {
    private static func inCluster(
        _ imex: DriverProgram,
        nodes: Int = 0,
        own: [String] = [],
        cluster: String = "01234567-89ab-cdef-0123-456789abcdef"
    ) -> NodeFacts {
        running(version, fabricManager: nil, own: own, offered: [package("nvidia-imex-595")]).with {
            $0.driver.surroundings = surroundings(
                DriverProgram(isRunning: false),
                imex: imex,
                fabric: FabricSurroundings(imexNodes: nodes)
            )
            var gpu = GPUFacts.h100
            gpu.fabric = .present(
                FabricFacts(state: "completed", status: "NVML_SUCCESS", cluster: cluster, clique: 1)
            )
            $0.vendor = .answering(version, gpus: [gpu])
        }
    }

    @Test func imexComesWithACluster() {
        let missing = DriverProgram(isRunning: false)
        let ids = Self.adopt(Self.inCluster(missing), Self.noNeed).steps.map(\.id)
        #expect(ids == [.downloadFabricPackages, .fabricPackages, .verify])
        let zeros = Self.inCluster(missing, cluster: "00000000-0000-0000-0000-000000000000")
        #expect(Self.adopt(zeros, Self.noNeed).steps.isEmpty)
        #expect(Self.adopt(Self.inCluster(DriverProgram(isRunning: true)), Self.noNeed).steps.isEmpty)
    }

    @Test func anUpgradeThatWouldLoseIMEXIsBlockedWithItsOwnCode() {
        let imex = DriverProgram(path: "/usr/bin/nvidia-imex", isRunning: true, version: Self.older)
        let facts = Self.inCluster(imex, own: ["nvidia-imex-580"]).with {
            $0.driver.loadedVersion = .present(Self.older)
            $0.build.fabricPackages = .absent
        }
        #expect(Self.install(facts, Self.noNeed).problems.map(\.code) == [.imexMissing])
    }

    /// The agent never says which nodes belong to a domain.
    @Test func imexStartsOnlyWithItsNodes() {
        let own = ["nvidia-imex-595"]
        let stopped = DriverProgram(path: "/usr/bin/nvidia-imex", isRunning: false, version: Self.version)
        #expect(Self.adopt(Self.inCluster(stopped, own: own), Self.noNeed).steps.isEmpty)
        let ready = Self.adopt(Self.inCluster(stopped, nodes: 2, own: own), Self.noNeed)
        #expect(ready.steps.map(\.id) == [.imex, .verify])
        #expect(ready.steps.first?.inverse.map(\.id) == [.stopIMEX])
        #expect(Self.adopt(Self.inCluster(stopped, nodes: 2), Self.noNeed).steps.isEmpty)
    }
}
