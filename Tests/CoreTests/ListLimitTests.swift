import CoreSupport
import FoundationEssentials
import NodeModel
import Reporting
import Support
import TestSupport
import Testing

/// Facts of hosts that have far more modules, packages and processes than any node.
@Suite struct ListLimitTests {
    /// A vGPU host with 100 000 modules, and as many items in every other list.
    private static let facts: NodeFacts = {
        let many = 0..<100_000
        let real = ["nvidia", "nvidia_modeset", "nvidia_uvm", "nvidia_vgpu_vfio", "nouveau"]
        let nodes = ["nvidiactl", "nvidia-uvm", "nvidia-uvm-tools", "nvidia0", "nvidia15"]
        return NodeFacts.h100Ready.with { facts in
            facts.driver.loadedModules = .present((many.map { "nvidia_\($0)" } + real).sorted())
            facts.driver.deviceNodes = .present((nodes + many.map { "nvidia-x\($0)" }).sorted())
            facts.driver.otherLibraries = .present(many.map { LibraryFile(path: "/\($0)/libcuda.so.1", version: "1") })
            facts.driver.unusableNodes = Dictionary(uniqueKeysWithValues: many.map { ("nvidia-y\($0)", "is no node") })
            let package = DriverPackage(manager: .init(rawValue: "dpkg"), name: "nvidia-x", version: "1")
            facts.claims.packages = .present(many.map { _ in package })
            let kernels = (0..<1500).map { "6.8.0-\($0)" }
            let tree = DKMSTree(name: "nvidia", version: "1", kernels: kernels)
            facts.claims.dkms = .present([tree, tree])
            facts.claims.deviceUsers = .present(
                many.map { DeviceUser(pid: $0, command: "x", nodes: ["nvidia0"]) }
            )
            facts.claims.driverContainer = .present(
                DriverContainer(isMounted: false, version: nil, hasPIDFile: false, validations: many.map { "\($0)" })
            )
        }
    }()

    private static let bounded = facts.with { facts in
        facts.driver = facts.driver.bounded()
        facts.claims = facts.claims.bounded()
    }

    @Test func everyListIsCutAndItsRestCounted() throws {
        let facts = Self.bounded
        #expect(facts.driver.loadedModules.value?.count == ListLimit.usual)
        #expect(
            facts.driver.leftOut == [
                "loadedModules": 99_005, "deviceNodes": 99_005, "otherLibraries": 99_000, "unusableNodes": 99_000,
            ]
        )
        #expect(
            facts.claims.leftOut == [
                "packages": 99_000, "dkms.kernels": 1000, "deviceUsers": 99_000, "driverContainer.validations": 99_000,
            ]
        )
        let before = try JSONEncoder().encode(Self.facts).count
        let after = try JSONEncoder().encode(facts).count
        #expect(before > 20_000_000 && after < 500_000, "\(before) \(after)")
    }

    /// What decisions ask for by name must survive.
    @Test func theNamesOfRealModulesAndNodesStay() {
        let modules = Set(Self.bounded.driver.loadedModules.value ?? [])
        #expect(modules.isSuperset(of: ["nvidia", "nvidia_modeset", "nvidia_uvm", "nvidia_vgpu_vfio", "nouveau"]))
        let nodes = Set(Self.bounded.driver.deviceNodes.value ?? [])
        #expect(nodes.isSuperset(of: ["nvidiactl", "nvidia-uvm", "nvidia-uvm-tools", "nvidia0", "nvidia15"]))
        #expect(Self.bounded.driver.loadedModules.value == modules.sorted())
    }

    @Test func theTextCountsWhatBothCutsLeaveOut() {
        let text = FactsText(facts: Self.bounded, style: Style(color: false)).text
        for part in [
            " and 99973 more\n", "another library      and 99968 more\n", "unusable node        and 99968 more\n",
            "nvidia-x 1 (dpkg), 99997 more\n", "; and 99968 more\n", "left out          1000 of dkms.kernels\n",
        ] { #expect(text.contains(part), "\(part)") }
        #expect(text.utf8.count < 20_000)
    }

    @Test func theCountsSurviveAFileAndAreMissingWithoutCuts() throws {
        let read = try JSONDecoder().decode(NodeFacts.self, from: JSONEncoder().encode(Self.bounded))
        #expect(read == Self.bounded)
        let usual = NodeFacts.h100Ready
        #expect(usual.driver.bounded() == usual.driver && usual.claims.bounded() == usual.claims)
        #expect(!String(decoding: try JSONEncoder().encode(usual), as: UTF8.self).contains("leftOut"))
    }
}
