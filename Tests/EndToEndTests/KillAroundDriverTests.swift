import NodeModel
import TestSupport
import Testing

/// An agent that is killed at the boundaries of the steps around a driver and for the next kernel, and inside the long ones.
///
/// CI runs two kills of each install: two boundaries, or a boundary and a random moment inside the long step. With
/// `KILLS=10`, as `scripts/nightly` sets it, the tests run all boundaries, and ten moments inside each long step.
@Suite(.onSimulatedNodes, .timeLimit(.minutes(60)))
struct KillAroundDriverTests {
    @Test func whatBelongsAroundADriverConverges() async throws {
        try await KilledInstall(
            steps: [.blacklist, .release, .moduleParameters, .deviceRule, .license, .persistenced],
            onNode: { try await SimulatedNode.with(set: ["systemd=yes", "nouveau=yes"], $0) },
            prepare: { node in
                try await node.run(["mkdir", "-p", "/etc/udev/rules.d", "/etc/modprobe.d", "/dev/char"])
                try node.directory.write("token.tok", "header.payload.signature\n")
                try node.directory.write(
                    "around.yaml",
                    """
                    apiVersion: gpu-agent/v1
                    kind: AgentConfig
                    driver: {moduleParameters: {nvidia: {NVreg_EnableMSI: 0}}}
                    license: {tokenFile: \(node.directory.path("token.tok")), featureType: 1}

                    """
                )
                return ["--config", node.directory.path("around.yaml")]
            }
        ).converges()
    }

    @Test func theFabricManagerConverges() async throws {
        try await KilledInstall(
            steps: [.downloadFabricManager, .installFabricManager, .fabricManager],
            onNode: { try await FabricTests.withNVSwitch($0) },
            prepare: { node in
                let tests = FabricTests()
                let entry = try await tests.archive(FabricTests.driver, on: node)
                return try tests.options(FabricTests.driver, [entry], on: node)
            }
        ).converges()
    }

    @Test func theModulesForTheNextKernelConverge() async throws {
        try await KilledInstall(
            steps: [.buildAhead],
            long: [.buildAhead],
            onNode: { try await SimulatedNode.with(set: [], $0) },
            prepare: { node in
                try await node.agent("install").expectExit(0)
                _ = try await BuildAheadTests().installKernel(node)
                return []
            }
        ).converges()
    }

    /// The index of the package manager is empty, and the packages bring the driver.
    @Test(.having("apt-get", "dpkg-deb"))
    func packagesOfTheDistributionConverge() async throws {
        try await KilledInstall(
            steps: [.downloadPackages, .driverPackages],
            long: [.driverPackages],
            addsPackages: true,
            onNode: { try await SimulatedNode.with("h100", set: ["secure-boot=yes"], $0) },
            prepare: { node in
                _ = try await PrebuiltRepository(on: node)
                return []
            }
        ).converges()
    }

    @Test(.having("apt-get", "dpkg-deb"))
    func theFabricManagerFromPackagesConverges() async throws {
        try await KilledInstall(
            steps: [.downloadFabricPackages, .fabricPackages, .fabricManager],
            long: [.fabricPackages],
            addsPackages: true,
            onNode: { try await FabricTests.withNVSwitch($0) },
            prepare: { node in
                try await FabricTests.addPackage(to: try await DebianRepository(node))
                try await node.run(["apt-get", "-q", "update"])
                return try node.options(for: FabricTests.driver)
            }
        ).converges()
    }

    @Test(.having("apt-get", "dpkg-deb"))
    func theHeadersOfTheNextKernelConverge() async throws {
        try await KilledInstall(
            steps: [.headersAhead, .buildAhead],
            long: [.headersAhead],
            addsPackages: true,
            onNode: { try await SimulatedNode.with("h100", $0) },
            prepare: { node in
                let repository = try await DebianRepository(node)
                try await HeadersAheadTests.installKernel(on: node)
                try await HeadersAheadTests.addHeaders(to: repository)
                return []
            }
        ).converges()
    }

    @Test(.having("apt-get", "dpkg-deb"))
    func thePrebuiltModulesForTheNextKernelConverge() async throws {
        try await KilledInstall(
            steps: [.modulesAhead],
            long: [.modulesAhead],
            addsPackages: true,
            onNode: { try await SimulatedNode.with("h100", set: ["secure-boot=yes"], $0) },
            prepare: { node in
                let prebuilt = try await PrebuiltRepository(on: node, next: PrebuiltAheadTests.kernel)
                try await node.run(["apt-get", "-q", "update"])
                try await node.agent("install").expectExit(0)
                try await PrebuiltAheadTests.installKernel(on: node)
                try await prebuilt.addModules(PrebuiltAheadTests.modules, for: PrebuiltAheadTests.kernel)
                return []
            }
        ).converges()
    }
}
