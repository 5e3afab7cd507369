import FoundationEssentials
import NodeModel
import TestSupport
import Testing

/// The fabric manager beside a driver from NVIDIA's installer, with the real apt-get, dpkg, tar and xz.
///
/// The programs are stand-ins that only run and print a version.
@Suite(.onSimulatedNodes, .having("apt-get", "dpkg-deb", "xz"), .timeLimit(.minutes(10)))
struct FabricTests {
    static let driver = "580.159.04"
    private static let unit = "/usr/lib/systemd/system/nvidia-fabricmanager.service"
    private static let link = "/etc/systemd/system/multi-user.target.wants/nvidia-fabricmanager.service"

    /// Starts an HGX H100: one of its GPUs, and an NVSwitch on the PCI bus.
    static func withNVSwitch(_ body: @escaping @Sendable (SimulatedNode) async throws -> Void) async throws {
        try await with(
            pci: """
                0001:00:00.0 10de:2330 10de:16c1 0302 a1 modules=either bar0=16M bar1=128G bar3=32M
                0001:08:00.0 10de:22a3 10de:1796 0680 a1 caps=none bar0=32M

                """,
            hardware: "gpu 0 uuid=GPU-2c4d9e70-5a1b-4f38-b6c2-0e9f7d3a8b14 name=\"NVIDIA H100 80GB HBM3\" "
                + "pci=00000001:00:00.0 id=10de2330 subsystem=10de16c1 memoryMiB=81559 cc=9.0 mig=off "
                + "virtualization=passthrough\n",
            body
        )
    }

    /// Starts an HGX B200: the eight GPUs of its board.
    ///
    /// Its NVSwitches are no PCI functions of NVIDIA.
    static func withB200(_ body: @escaping @Sendable (SimulatedNode) async throws -> Void) async throws {
        try await with(
            pci: (1...8).map { number in
                "000\(number):00:00.0 10de:2901 10de:1999 0302 a1 modules=open bar0=64M bar1=256G bar3=32M\n"
            }.joined(),
            hardware: (1...8).map { number in
                "gpu \(number - 1) uuid=GPU-2c4d9e70-5a1b-4f38-b6c2-0e9f7d3a8b\(number)0 name=\"NVIDIA B200\" "
                    + "pci=0000000\(number):00:00.0 id=10de2901 subsystem=10de1999 memoryMiB=183359 cc=10.0 mig=off "
                    + "virtualization=passthrough\n"
            }.joined(),
            body
        )
    }

    private static func with(
        pci: String,
        hardware: String,
        _ body: @escaping @Sendable (SimulatedNode) async throws -> Void
    ) async throws {
        let scenario = try TemporaryDirectory()
        let h100 = "\(Programs.repository)/simulator/scenarios/h100"
        for name in ["dmi", "drivers", "host", "os-release"] {
            try scenario.write(
                name,
                String(decoding: try Data(contentsOf: URL(filePath: "\(h100)/\(name)")), as: UTF8.self)
            )
        }
        try scenario.write("pci", pci)
        try scenario.write("hardware", hardware)
        try await SimulatedNode.with(scenario.path, set: ["systemd=yes"]) { node in try await body(node) }
        withExtendedLifetime(scenario) {}
    }

    /// Commands that write a program and its unit below a directory.
    static func program(_ name: String, _ words: String, _ unit: String, units: String) -> String {
        """
        mkdir -p $root/usr/bin $root/\(units)
        printf '#!/bin/sh\\n[ "$1" != --version ] || { echo "\(words)"; exit; }\\nwhile :; do sleep 1; done\\n' \
            >$root/usr/bin/\(name)
        chmod 755 $root/usr/bin/\(name)
        printf '[Service]\\nExecStart=/usr/bin/\(name)\\n[Install]\\nWantedBy=multi-user.target\\n' \
            >$root/\(units)/\(unit).service

        """
    }

    /// Adds the package of the fabric manager.
    static func addPackage(_ version: String = driver, to repository: DebianRepository) async throws {
        try await repository.add(
            "nvidia-fabricmanager-580",
            version: "\(version)-1",
            depends: "t-tool",
            files: fabricManager(version)
        )
    }

    private static func fabricManager(_ version: String, units: String = "usr/lib/systemd/system") -> String {
        program("nv-fabricmanager", "Fabric Manager version is : \(version)", "nvidia-fabricmanager", units: units)
    }

    func state(_ code: String, _ node: SimulatedNode, _ options: [String]) async throws -> String? {
        try await node.status(options).findings.first { $0.code == code }?.state
    }

    // Packages

    @Test func comesFromARepositoryInTheDriversVersion() async throws {
        try await Self.withNVSwitch { node in
            let repository = try await DebianRepository(node)
            for version in [Self.driver, "580.167.08"] { try await Self.addPackage(version, to: repository) }
            try await repository.runOnce()
            try await node.run(["mkdir", "-p", "/etc/udev/rules.d"])
            let before = try await repository.installed()
            try await node.takeFirstLedger()
            let options = try node.options(for: Self.driver)
            let plan = try await node.agent("plan", options)
            let step = "install nvidia-fabricmanager-580 \(Self.driver)-1 with apt-get"
            #expect(plan.output.contains(step), "\(plan)")
            try await node.agent("install", options).expectExit(0)
            let steps = try node.journal().steps.map(\.step)
            let order: [StepID] = [.downloadFabricPackages, .install, .load, .fabricPackages, .fabricManager, .verify]
            #expect(steps.filter(order.contains) == order, "\(steps)")
            try await node.run(["systemctl", "is-active", "nvidia-fabricmanager"])
            for code in ["fabric-manager-version-mismatch", "fabric-manager-not-running"] {
                #expect(try await state(code, node, options) == "pass")
            }
            #expect(
                node.text(HostLayout.fabricPackages)
                    == "add nvidia-fabricmanager-580\nadd t-kbuild\nadd t-tool\nhold nvidia-fabricmanager-580\n"
            )
            #expect(!node.exists(HostLayout.work))
            let again = try await node.agent("plan", ["-o", "json"] + options).decoded(as: PrintedPlan.self)
            #expect(again.steps.isEmpty)

            let uninstall = try await node.uninstall()
            uninstall.expectExit(0)
            expectSame(try await repository.installed(), before)
            #expect(!node.exists(HostLayout.fabricPackages) && !node.exists(Self.link) && !node.exists(Self.unit))
            try await node.expectUninstalled(apartFrom: namedByUninstall.union(try await node.writtenByApt()))
        }
    }

    /// Nothing has stopped or changed then.
    @Test func bringsNoPartOfAnotherDriver() async throws {
        try await Self.withNVSwitch { node in
            let repository = try await DebianRepository(node)
            try await repository.add("libnvidia-compute-580", version: "\(Self.driver)-1")
            try await repository.add(
                "nvidia-fabricmanager-580",
                version: "\(Self.driver)-1",
                depends: "libnvidia-compute-580",
                files: Self.fabricManager(Self.driver)
            )
            try await node.run(["apt-get", "-q", "update"])
            let before = try await repository.installed()
            let install = try await node.agent("install", try node.options(for: Self.driver))
            install.expectExit(1)
            let words = "fabric-packages-failed: The install would add libnvidia-compute-580, a part of another driver."
            #expect(install.errors.contains(words), "\(install)")
            #expect(try node.journal().steps.last?.step == .downloadFabricPackages)
            #expect(!node.exists("/sys/module/nvidia"))
            expectSame(try await repository.installed(), before)
        }
    }

    // NVIDIA's archive

    /// Makes an archive on the download server, and returns its entry for a catalog.
    ///
    /// `sed` changes its unit.
    func archive(_ version: String, breaking edit: String = "", on node: SimulatedNode) async throws -> String {
        let name = "fabricmanager-linux-x86_64-\(version)-archive"
        let script = """
            root=$(mktemp -d)/\(name)
            \(Self.fabricManager(version, units: "systemd"))
            mv $root/usr/bin $root/bin
            sed -i '\(edit)' $root/systemd/nvidia-fabricmanager.service
            mkdir -p $root/etc $root/lib $root/share/nvidia/nvswitch
            echo '#!/bin/sh' >$root/bin/nvswitch-audit
            echo LOG_LEVEL=4 >$root/etc/fabricmanager.cfg
            echo topology >$root/share/nvidia/nvswitch/topology-\(version)
            echo library >$root/lib/libnvfm.so.1
            tar -C ${root%/*} -cJf /run/\(name).tar.xz \(name)
            rm -r ${root%/*}
            sha256sum </run/\(name).tar.xz | cut -d ' ' -f 1
            """
        let digest = try await node.run(["sh", "-ec", script]).filter { !$0.isNewline }
        try FileManager.default.copyItem(
            atPath: node.path("/run/\(name).tar.xz"),
            toPath: node.directory.path("packages/\(name).tar.xz")
        )
        try await node.run(["rm", "/run/\(name).tar.xz"])
        let server = "http://127.0.0.1:\(try node.directory.text("port").filter { !$0.isNewline })"
        return """
              - version: \(version)
                kind: datacenter
                architecture: x86_64
                kernelModuleTypes: [open, proprietary]
                artifact: {urls: ["\(server)/NVIDIA-Linux-x86_64-\(version).run"]}
                fabricManagerArchive:
                  urls: ["\(server)/\(name).tar.xz"]
                  sha256: \(digest)

            """
    }

    func options(_ version: String, _ entries: [String], on node: SimulatedNode) throws -> [String] {
        let head = "apiVersion: gpu-agent/v1\nkind: DriverCatalog\ndrivers:\n"
        try node.directory.write("fabric.yaml", head + entries.joined())
        return ["--catalog", node.directory.path("fabric.yaml")] + (try node.options(for: version))
    }

    @Test func comesFromNVIDIAsArchive() async throws {
        try await Self.withNVSwitch { node in
            let newer = "595.99.02"
            let entries = [try await archive(Self.driver, on: node), try await archive(newer, on: node)]
            try await node.run(["mkdir", "-p", "/etc/udev/rules.d"])
            try await node.takeFirstLedger()
            let options = try options(Self.driver, entries, on: node)
            // Somebody has a file in the place of one of its files.
            try await node.run(["sh", "-c", "echo mine >/usr/bin/nvswitch-audit"])
            let refused = try await node.agent("install", options)
            refused.expectExit(1)
            let words = "/usr/bin/nvswitch-audit is there already, and the agent did not write it."
            #expect(refused.errors.contains("fabric-packages-failed: \(words)"), "\(refused)")
            // The agent found it before it changed the node.
            #expect(try node.journal().steps.last?.step == .downloadFabricManager)
            #expect(!node.exists("/sys/module/nvidia"))
            #expect(!node.exists("/usr/bin/nv-fabricmanager") && !node.exists(HostLayout.fabricManager))
            try await node.run(["rm", "/usr/bin/nvswitch-audit"])

            try await node.agent("install", options).expectExit(0)
            try await node.run(["systemctl", "is-active", "nvidia-fabricmanager"])
            #expect(try await state("fabric-manager-version-mismatch", node, options) == "pass")
            #expect(node.exists("/usr/share/nvidia/nvswitch/topology-\(Self.driver)"))
            #expect(node.text("/usr/share/nvidia/nvswitch/fabricmanager.cfg") == "LOG_LEVEL=4\n")
            #expect(node.text(HostLayout.fabricManager)?.hasPrefix("# fabricmanager \(Self.driver)\n") == true)
            // It stays for the way back to this driver.
            #expect(node.exists("\(HostLayout.packages)/fabricmanager-linux-x86_64-\(Self.driver)-archive.tar.xz"))
            #expect(!node.exists(HostLayout.work))

            // With another driver comes its fabric manager. A configuration that somebody has changed stays.
            let changed = "/usr/share/nvidia/nvswitch/fabricmanager.cfg"
            try await node.run(["sh", "-c", "echo LOG_LEVEL=5 >\(changed)"])
            let upgrade = try self.options(newer, entries, on: node)
            try await node.agent("install", upgrade).expectExit(0)
            #expect(try await state("fabric-manager-version-mismatch", node, upgrade) == "pass")
            try await node.run(["systemctl", "is-active", "nvidia-fabricmanager"])
            #expect(!node.exists("/usr/share/nvidia/nvswitch/topology-\(Self.driver)"))
            #expect(node.exists("/usr/share/nvidia/nvswitch/topology-\(newer)"))
            let plan = try await node.agent("plan", ["-o", "json"] + upgrade).decoded(as: PrintedPlan.self)
            #expect(plan.steps.isEmpty)
            #expect(node.text(changed) == "LOG_LEVEL=5\n")
            #expect(node.text(HostLayout.fabricManager)?.contains("  \(changed)\n") == true)

            let uninstall = try await node.uninstall()
            uninstall.expectExit(0)
            #expect(uninstall.output.contains("\(changed): somebody has changed this file"), "\(uninstall)")
            #expect(node.text(changed) == "LOG_LEVEL=5\n")
            try await node.run(["rm", "-r", "/usr/share/nvidia"])
            try await node.expectUninstalled()
        }
    }

    @Test func aWrongArchiveChangesNothing() async throws {
        try await Self.withNVSwitch { node in
            let entry = try await archive(Self.driver, on: node)
            let options = try options(Self.driver, [entry], on: node)
            try await node.run(["true"])
            let name = "packages/fabricmanager-linux-x86_64-\(Self.driver)-archive.tar.xz"
            try node.directory.write(name, "not the archive")
            let install = try await node.agent("install", options)
            install.expectExit(1)
            #expect(install.errors.contains("download-hash-mismatch"), "\(install)")
            #expect(!node.exists("/sys/module/nvidia") && !node.exists("/usr/bin/nv-fabricmanager"))
        }
    }

    /// CUDA decides whether the node works: here, it works without the fabric manager.
    @Test func aFabricManagerThatDoesNotStartIsNoFailedInstall() async throws {
        try await Self.withNVSwitch { node in
            let fails = "s/ExecStart=.*/Type=forking\\nExecStart=false/"
            let entry = try await archive(Self.driver, breaking: fails, on: node)
            let options = try options(Self.driver, [entry], on: node)
            try await node.agent("install", options).expectExit(0)
            let start = try #require(try node.journal().steps.first { $0.step == .fabricManager })
            #expect(start.state == .done)
            #expect(try await state("fabric-manager-not-running", node, options) == "notice")
            #expect(try await node.status(options).verdict == "ready")
        }
    }

    @Test func aDirectoryBringsTheArchive() async throws {
        try await Self.withNVSwitch { node in
            let entry = try await archive(Self.driver, on: node)
            let catalog = Array(try options(Self.driver, [entry], on: node).prefix(2))
            let mirror = [Programs.agent, "catalog", "mirror", "--driver", "\(Self.driver)/datacenter"] + node.choice
            let without = ["--to", node.path("/srv/bare"), "--without-fabric-manager"]
            try await runProgram(mirror + catalog + without).expectExit(0)
            #expect(node.text("/srv/bare/index.json")?.contains("fabricmanager") == false)
            let whole = try await runProgram(mirror + catalog + ["--to", node.path("/srv/drivers")])
            whole.expectExit(0)
            #expect(whole.output.contains("has 1 driver and the packages for 0 kernels"), "\(whole)")
            let requests = try node.requests().count
            try node.directory.write(
                "source.yaml",
                "apiVersion: gpu-agent/v1\nkind: AgentConfig\n"
                    + "driver: {version: \(Self.driver), source: 'file:///srv/drivers'}\n"
            )
            try await node.agent("install", catalog + ["--config", node.directory.path("source.yaml")]).expectExit(0)
            try await node.run(["systemctl", "is-active", "nvidia-fabricmanager"])
            #expect(try node.requests().count == requests)
            let steps = try node.journal().steps.map(\.step)
            #expect(steps.contains(.copy) && steps.contains(.installFabricManager), "\(steps)")
        }
    }
}
