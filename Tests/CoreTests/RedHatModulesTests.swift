import TestSupport
import Testing

@testable import NodeModel

/// The names of the packages with precompiled kernel modules of RHEL.
@Suite struct RedHatModulesTests {
    private static let kernel = "6.12.0-124.20.1.el10_1.x86_64"
    private static let rhel = OSRelease(id: "rhel", versionID: "10.1", prettyName: nil)

    @Test(
        arguments: [
            ("6.12.0-124.20.1.el10_1.x86_64", "6.12.0-124.20.1 el10_1 x86_64 -"),
            ("5.14.0-611.24.1.el9_7.aarch64", "5.14.0-611.24.1 el9_7 aarch64 -"),
            ("4.18.0-553.el8_10.x86_64", "4.18.0-553 el8_10 x86_64 -"),
            ("6.12.0-124.20.1.el10_1.aarch64+64k", "6.12.0-124.20.1 el10_1 aarch64 64k"),
            ("6.12.0-124.20.1.el10_1.x86_64+rt", nil), ("6.12.0-124.20.1.el10_1.x86_64+debug", nil),
            ("5.15.0-300.163.18.el9uek.x86_64", nil), ("6.8.0-1044-azure", nil), ("6.6.112.1-2.azl3", nil),
            ("5.14.0-*.el9_7.x86_64", nil), ("5.14.0-611.el9_7.s390x", nil), ("", nil),
        ] as [(String, String?)]
    )
    func theReleaseOfAKernelHasParts(_ release: String, _ parts: String?) {
        let kernel = RedHatKernel(release)
        let found = kernel.map { "\($0.version) \($0.distribution) \($0.architecture) \($0.variant ?? "-")" }
        #expect(found == parts)
    }

    @Test func aPatternIsForOneKernel() throws {
        let usual = try #require(RedHatKernel(Self.kernel))
        #expect(
            Set(RedHatModules.patterns(usual)) == [
                "kmod-nvidia-open-[0-9]*-6.12.0-124.20.1", "kmod-nvidia-[0-9]*-6.12.0-124.20.1", "nvidia-driver-cuda",
                "nvidia-fabricmanager", "nvidia-fabric-manager",
            ]
        )
        let large = try #require(RedHatKernel("6.12.0-124.20.1.el10_1.aarch64+64k"))
        #expect(RedHatModules.patterns(large).contains("kmod-64k-nvidia-open-[0-9]*-6.12.0-124.20.1"))
    }

    @Test(
        arguments: [
            ("kmod-nvidia-open-580.105.08-6.12.0-124.20.1", "580.105.08 open"),
            ("kmod-nvidia-590.48.01-6.12.0-124.20.1", "590.48.01 proprietary"),
            ("kmod-nvidia-open-580.105.08-6.12.0-124.20.10", nil), ("kmod-nvidia-open-580.105.08", nil),
            ("kmod-nvidia-open-dkms", nil), ("kmod-64k-nvidia-open-580.105.08-6.12.0-124.20.1", nil),
            ("kmod-nvidia-latest-dkms", nil), ("kmod-nvidia-fs-2.28.2-6.12.0-124.20.1", nil),
        ] as [(String, String?)]
    )
    func aNameSaysTheDriverAndTheKernel(_ name: String, _ expected: String?) throws {
        let kernel = try #require(RedHatKernel(Self.kernel))
        let found = RedHatModules.kind(of: name, kernel).map { "\($0.0) \($0.1.rawValue)" }
        #expect(found == expected)
    }

    private static func offered(
        _ driver: String = "580.105.08",
        release: String = "3.el10_1",
        vendor: String? = "Red Hat, Inc."
    ) -> [OfferedPackage] {
        [
            OfferedPackage(
                name: "kmod-nvidia-open-\(driver)-6.12.0-124.20.1",
                version: "3:\(driver)-\(release)",
                vendor: vendor
            ),
            OfferedPackage(name: "nvidia-driver-cuda", version: "3:\(driver)-1.el10"),
        ]
    }

    private static func drivers(_ offered: [OfferedPackage], on system: OSRelease = rhel) -> [PrebuiltDriver] {
        RedHatModules().drivers(offered, kernel: kernel, on: system)
    }

    @Test func makeADriverTogether() throws {
        let driver = try #require(Self.drivers(Self.offered()).first)
        #expect(driver.version.description == "580.105.08" && driver.kernelModuleType == .open && driver.isTrusted)
        #expect(driver.packages == Self.offered())
        #expect(Self.drivers([Self.offered()[0]]) == [] && Self.drivers([Self.offered()[1]]) == [])
        let other = [Self.offered()[0]] + Self.offered("595.71.05")[1...]
        #expect(Self.drivers(other) == [])
        // The kernel of another minor version of the distribution, and a branch that needs further packages.
        #expect(Self.drivers(Self.offered(release: "3.el10_2")) == [])
        #expect(Self.drivers(Self.offered("550.163.01")) == [])
        #expect(RedHatModules().drivers(Self.offered(), kernel: "6.8.0-1044-azure", on: Self.rhel) == [])
    }

    @Test func theNewestReleaseCounts() throws {
        let offered = ["9.el10_1", "10.el10_1", "2.el10_1", "99.el10_2"].flatMap { Self.offered(release: $0) }
        let driver = try #require(Self.drivers(offered).first)
        #expect(driver.packages.first?.version == "3:580.105.08-10.el10_1")
        let both = Self.drivers(Self.offered() + Self.offered("595.71.05"))
        #expect(both.map(\.version.description) == ["595.71.05", "580.105.08"])
    }

    /// A kernel trusts the key of the distribution that built it.
    @Test func onlyRedHatsModulesOnRHELAreTrusted() {
        for (vendor, id, trusted) in [
            ("Red Hat, Inc.", "rhel", true), ("Red Hat, Inc.", "rocky", false), ("NVIDIA", "rhel", false),
            (nil, "rhel", false),
        ] {
            let system = OSRelease(id: id, versionID: "10.1", prettyName: nil)
            #expect(Self.drivers(Self.offered(vendor: vendor), on: system).map(\.isTrusted) == [trusted])
        }
    }

    @Test func theFabricManagerHasTheVersionOfTheDriver() throws {
        let offered = [
            OfferedPackage(name: "nvidia-fabricmanager", version: "580.105.08-1"),
            OfferedPackage(name: "nvidia-fabricmanager", version: "595.71.05-1"),
            OfferedPackage(name: "nvidia-fabric-manager", version: "570.211.01-1"),
        ]
        func found(_ driver: String) throws -> String? {
            let version = try #require(DriverVersion(driver))
            return RedHatModules().fabricManager(of: version, in: offered).map { "\($0.name) \($0.version)" }
        }
        #expect(try found("580.105.08") == "nvidia-fabricmanager 580.105.08-1")
        #expect(try found("570.211.01") == "nvidia-fabric-manager 570.211.01-1")
        #expect(try found("580.95.05") == nil)
    }

    @Test func aNameForPeopleHasWhatIsKnown() throws {
        let modules = RedHatModules()
        let version = try #require(DriverVersion("580.105.08"))
        #expect(
            modules.modulePackage(branch: nil, version: version, .open, kernel: Self.kernel)
                == "kmod-nvidia-open-580.105.08-6.12.0-124.20.1"
        )
        #expect(
            modules.modulePackage(branch: 580, version: nil, .proprietary, kernel: Self.kernel)
                == "kmod-nvidia-580.*-6.12.0-124.20.1"
        )
    }

    @Test(arguments: [("1", "2"), ("9.el9", "10.el9"), ("1.el9", "1.el9_1"), ("1.a", "1.1"), ("1", "1.1")])
    func releasesAreInTheOrderOfRPM(_ lower: String, _ higher: String) {
        #expect(RPMRelease(lower[...]) < RPMRelease(higher[...]))
        #expect(!(RPMRelease(higher[...]) < RPMRelease(lower[...])))
    }
}
