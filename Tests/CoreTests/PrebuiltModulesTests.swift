import NodeModel
import TestSupport
import Testing

/// The names of the packages with prebuilt kernel modules.
@Suite struct PrebuiltModulesTests {
    private let kernel = "6.8.0-1044-azure"

    @Test(
        arguments: [
            ("linux-modules-nvidia-580-server-open-6.8.0-1044-azure", 580, .open),
            ("linux-modules-nvidia-535-server-6.8.0-1044-azure", 535, .proprietary),
        ] as [(String, Int, KernelModuleType)]
    )
    func areThoseOfUbuntu(_ name: String, _ branch: Int, _ type: KernelModuleType) {
        #expect(UbuntuModules.modules(branch: branch, type, kernel: kernel) == name)
        let kind = UbuntuModules.kind(of: name, kernel: kernel)
        #expect(kind?.branch == branch && kind?.type == type)
    }

    @Test(arguments: [
        // Another kernel, a kernel whose name ends in the same way, a driver for desktops, and another package.
        "linux-modules-nvidia-580-server-open-6.8.0-1045-azure",
        "linux-modules-nvidia-580-server-open-16.8.0-1044-azure",
        "linux-modules-nvidia-580-open-6.8.0-1044-azure", "linux-modules-nvidia-580-6.8.0-1044-azure",
        "linux-modules-nvidia-server-6.8.0-1044-azure", "linux-objects-nvidia-580-server-6.8.0-1044-azure",
        "linux-modules-nvidia-580-server-open-azure",
    ])
    func otherNamesAreNone(_ name: String) {
        #expect(UbuntuModules.kind(of: name, kernel: kernel) == nil)
    }

    @Test(arguments: [
        ("ubuntu", "22.04", true), ("debian", "12", false), ("rhel", "9.6", true), ("rhel", "7.9", false),
        ("rocky", "10", true), ("almalinux", "9.4", true), ("ol", "8.10", true), ("fedora", "43", false),
        ("centos", "9", false), ("amzn", "2023", false), ("azurelinux", "3.0", false),
    ])
    func areKnownOfTheseSystems(_ id: String, _ version: String, _ known: Bool) {
        let system = OSRelease(id: id, versionID: version, prettyName: nil)
        #expect((PrebuiltDistributions.known(on: system) != nil) == known)
    }

    private func drivers(_ offered: [OfferedPackage]...) -> [PrebuiltDriver] {
        UbuntuModules().drivers(
            offered.flatMap(\.self),
            kernel: NodeFacts.kernel,
            on: .init(id: "ubuntu", versionID: "22.04", prettyName: nil)
        )
    }

    @Test func makeADriverTogether() throws {
        let offered = NodeFacts.prebuilt("580.105.08", libraries: true)
        let driver = try #require(drivers(offered).first)
        #expect(driver.version.description == "580.105.08" && driver.kernelModuleType == .open)
        #expect(
            driver.packages.map(\.name) == [
                "linux-modules-nvidia-580-server-open-\(NodeFacts.kernel)", "nvidia-headless-no-dkms-580-server-open",
                "nvidia-utils-580-server", "nvidia-modprobe", "libnvidia-decode-580-server",
                "libnvidia-encode-580-server", "libnvidia-extra-580-server", "libnvidia-fbc1-580-server",
                "libnvidia-gl-580-server",
            ]
        )
        // Every other package is needed.
        for index in 0..<4 {
            var less = offered
            less.remove(at: index)
            #expect(drivers(less) == [], "without \(offered[index].name)")
        }
    }

    @Test func haveOneVersionTogether() {
        func with(_ version: String, of name: String) -> [OfferedPackage] {
            NodeFacts.prebuilt("580.105.08", libraries: true).map {
                $0.name.hasPrefix(name) ? OfferedPackage(name: $0.name, version: version) : $0
            }
        }
        #expect(drivers(with("580.95.05-0ubuntu1", of: "nvidia-headless-")) == [])
        #expect(drivers(with("580.95.05-0ubuntu1", of: "nvidia-utils-")) == [])
        #expect(drivers(with("not a version", of: "nvidia-")) == [])
        #expect(drivers(with("570.1.1-1", of: "nvidia-")) == [])
        let older = drivers(with("580.95.05-0ubuntu1", of: "libnvidia-gl-"))
        #expect(older.first?.packages.map(\.name).contains("libnvidia-gl-580-server") == false)
        let epoch = drivers(
            NodeFacts.prebuilt("580.105.08").map {
                $0.name == "nvidia-modprobe" ? $0 : OfferedPackage(name: $0.name, version: "1:580.105.08-1")
            }
        )
        #expect(epoch.map(\.version.description) == ["580.105.08"])
    }

    @Test func areSortedFromTheNewestDriver() {
        let found = drivers(
            NodeFacts.prebuilt("535.1.1"),
            NodeFacts.prebuilt("580.1.1", .proprietary),
            NodeFacts.prebuilt("580.1.1").filter { !$0.name.hasPrefix("nvidia-utils") }
        )
        #expect(
            found.map { "\($0.version) \($0.kernelModuleType.rawValue)" } == [
                "580.1.1 open", "580.1.1 proprietary", "535.1.1 open",
            ]
        )
    }
}
