import Catalog
import NodeModel
import Planning
import Selection
import TestSupport
import Testing

@Suite struct PreflightTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var facts: NodeFacts
        var expected: [ReasonCode]

        init(_ name: String, _ expected: ReasonCode..., change: (inout NodeFacts) -> Void) {
            testDescription = name
            facts = NodeFacts.h100.with(change)
            self.expected = expected
        }
    }

    /// Sets the free space.
    ///
    /// The package has 400 MiB, so the install needs 1600 MiB below /var/lib and 1200 MiB below /usr.
    private static func free(_ path: String, _ mebibytes: Reading<Int>, _ facts: inout NodeFacts) {
        facts.build.freeSpace = facts.build.freeSpace.map {
            $0.path == path ? FreeSpace(path: path, mebibytes: mebibytes) : $0
        }
    }

    private static func key(isEnrolled: Bool) -> Reading<SigningKey> {
        let files = ModuleSigning(key: "/root/MOK.priv", certificate: "/root/MOK.der")
        return .present(SigningKey(files: files, isEnrolled: isEnrolled))
    }

    private static func held(by driver: String, _ facts: inout NodeFacts, devices: [String]? = nil) {
        facts = facts.withGPU {
            $0.kernelDriver = .present(driver)
            $0.displayDevices = devices.map { .present($0) } ?? .absent
        }
    }

    static let cases: [Case] = [
        Case("good") { _ in },
        Case("Secure Boot", .secureBoot) { $0.host.secureBoot = .present(true) },
        Case("no Secure Boot variable") { $0.host.secureBoot = .absent },
        Case("Secure Boot not readable", .secureBoot) { $0.host.secureBoot = .unreadable(.denied) },
        Case("Secure Boot not readable, and the kernel loads unsigned modules") {
            $0.host.secureBoot = .unreadable(.denied)
            ($0.host.lockdown, $0.host.signatureEnforcement) = (.present(.none), .present(false))
        },
        Case("Secure Boot, and a key that the machine trusts") {
            ($0.host.secureBoot, $0.host.signingKey) = (.present(true), key(isEnrolled: true))
        },
        Case("Secure Boot, and a key that the machine does not trust", .secureBoot) {
            ($0.host.secureBoot, $0.host.signingKey) = (.present(true), key(isEnrolled: false))
        },
        Case("Secure Boot, and a key that cannot be used", .secureBoot) {
            ($0.host.secureBoot, $0.host.signingKey) = (.present(true), .unreadable(.denied))
        },
        Case("a key that nothing needs") { $0.host.signingKey = .unreadable(.denied) },
        Case("lockdown", .secureBoot) { $0.host.lockdown = .present(.integrity) },
        Case("enforced signatures", .secureBoot) { $0.host.signatureEnforcement = .present(true) },
        Case("nouveau", .nouveauLoaded) { $0.driver.nouveauLoaded = .present(true) },
        Case("nouveau holds the GPU", .nouveauLoaded) { held(by: "nouveau", &$0) },
        Case("nouveau is loaded and holds the GPU", .nouveauLoaded) {
            $0.driver.nouveauLoaded = .present(true)
            held(by: "nouveau", &$0)
        },
        Case("nova_core holds the GPU", .otherGPUDriver) { held(by: "nova_core", &$0) },
        Case("nova_core holds the GPU while nouveau is loaded", .nouveauLoaded, .otherGPUDriver) {
            $0.driver.nouveauLoaded = .present(true)
            held(by: "nova_core", &$0)
        },
        Case("a frame buffer of the kernel holds the GPU", .otherGPUDriver) { held(by: "nvidiafb", &$0) },
        Case("the firmware's console holds the GPU", .otherGPUDriver) { held(by: "simple-framebuffer", &$0) },
        Case("a DRM driver of another name holds the GPU", .otherGPUDriver) {
            held(by: "of-another-name", &$0, devices: ["card0"])
        },
        Case("the firmware's console is shown on a GPU without a driver", .otherGPUDriver) {
            $0 = $0.withGPU { ($0.kernelDriver, $0.firmwareDisplay) = (.absent, "simple-framebuffer") }
        },
        Case("NVIDIA's driver took the GPU from the firmware's console") {
            $0 = $0.withGPU { ($0.kernelDriver, $0.firmwareDisplay) = (.present("nvidia"), "simple-framebuffer") }
        },
        Case("NVIDIA's driver shows images") { held(by: "nvidia", &$0, devices: ["card0"]) },
        Case("nouveau not known") { $0.driver.nouveauLoaded = .unreadable(.denied) },
        Case("no compiler", .compilerMissing) { $0.build.compiler = .absent },
        Case("compiler not known") { $0.build.compiler = .unreadable(.denied) },
        Case("a compiler older than the kernel's", .compilerMismatch) {
            $0.build.compilerVersion = .present(Compiler(kind: .gcc, version: "11.4.0"))
            $0.build.kernelCompiler = .present(Compiler(kind: .gcc, version: "12.3.0"))
        },
        Case("a newer compiler") {
            $0.build.compilerVersion = .present(Compiler(kind: .gcc, version: "13.2.0"))
            $0.build.kernelCompiler = .present(Compiler(kind: .gcc, version: "12.3.0"))
        },
        Case("the kernel's compiler not known") {
            $0.build.compilerVersion = .present(Compiler(kind: .gcc, version: "7.3.1"))
            $0.build.kernelCompiler = .unreadable(.denied)
        },
        Case("a compiler of another kind") {
            $0.build.compilerVersion = .present(Compiler(kind: .gcc, version: "12.2.0"))
            $0.build.kernelCompiler = .present(Compiler(kind: .clang, version: "17.0.0"))
        },
        Case("no make", .makeMissing) { $0.build.make = .absent },
        Case("make not known") { $0.build.make = .skipped("not asked") },
        Case("no dkms is no problem") { $0.build.dkms = .absent },
        Case("no headers", .kernelHeadersMissing) { $0.build.headersRelease = .absent },
        Case("headers of another kernel", .kernelHeadersMissing) { $0.build.headersRelease = .present("5.4.0-1") },
        Case("headers not readable") { $0.build.headersRelease = .unreadable(.denied) },
        Case("headers skipped") { $0.build.headersRelease = .skipped("not asked") },
        Case("just enough room") {
            free("/var/lib", .present(1600), &$0)
            free("/usr", .present(1200), &$0)
        },
        Case("little room for the package", .diskSpace) { free("/var/lib", .present(1599), &$0) },
        Case("little room for the driver", .diskSpace) { free("/usr", .present(1199), &$0) },
        Case("room not readable") { free("/usr", .unreadable(.denied), &$0) },
        Case("room not measured") { $0.build.freeSpace = [] },
        Case("little room elsewhere") { free("/tmp", .present(1), &$0) },
        Case(
            "everything at once",
            .secureBoot,
            .nouveauLoaded,
            .compilerMissing,
            .makeMissing,
            .kernelHeadersMissing,
            .diskSpace,
            .diskSpace
        ) {
            $0.host.secureBoot = .present(true)
            $0.driver.nouveauLoaded = .present(true)
            $0.build = BuildFacts(
                compiler: .absent,
                make: .absent,
                dkms: .absent,
                headersRelease: .absent,
                freeSpace: ["/usr", "/var/lib"].map { FreeSpace(path: $0, mebibytes: .present(0)) }
            )
        },
    ]

    @Test(arguments: cases)
    func findsWhatIsCertainlyInTheWay(_ row: Case) {
        let preflight = Preflight(
            facts: row.facts,
            artifact: .verified("https://example.com/a.run"),
            kernel: NodeFacts.kernel
        )
        #expect(preflight.problems.map(\.code) == row.expected)
        #expect(preflight.problems.allSatisfy { !$0.observed.isEmpty && !$0.expected.isEmpty && !$0.remedy.isEmpty })
    }

    /// The needs of one install on hosts whose directories are on different file systems.
    @Test(
        arguments: [
            // On one file system, the package, the unpacked package and the driver need their space at the same time.
            (["/var/lib": "1", "/usr": "1"], 2799, [], "The file system of /var/lib and /usr", 2800),
            (["/var/lib": "1", "/usr": "1"], 2800, [], nil, 0),
            (["/var/lib": "1", "/usr": "2"], 1599, [], "/var/lib", 1600),
            // The directory of the agent can be a mount of its own.
            (["/var/lib/gpu-agent": "1", "/var/lib": "2", "/usr": "2"], 1599, [], "/var/lib/gpu-agent", 1600),
            (["/var/lib": "1", "/usr": "2"], 1600, ["linux-headers-1", "gcc", "make"], nil, 0),
            (["/var/lib": "2", "/usr": "1"], 1599, ["linux-headers-1", "gcc", "make"], "/usr", 1600),
            (["/var/lib": "2", "/var/cache": "1", "/usr": "2"], 119, ["linux-headers-1", "gcc"], "/var/cache", 120),
            (["/var/lib": "2", "/var/cache": "1", "/usr": "2"], 0, ["make"], nil, 0),
            (["/lib/modules": "1", "/var/lib": "2", "/usr": "2"], 199, [], "/lib/modules", 200),
            (["/lib/modules": "2", "/var/lib": "2", "/usr": "2"], 199, [], nil, 0),
        ] as [([String: String], Int, [String], String?, Int)]
    )
    func theSpaceCountsForEachFileSystem(
        _ fileSystems: [String: String],
        _ free: Int,
        _ packages: [String],
        _ place: String?,
        _ needed: Int
    ) {
        let facts = NodeFacts.h100.with {
            $0.build.freeSpace = fileSystems.sorted { $0.key < $1.key }.map { path, fileSystem in
                FreeSpace(path: path, mebibytes: .present(fileSystem == "1" ? free : 50_000), fileSystem: fileSystem)
            }
        }
        let preflight = Preflight(
            facts: facts,
            artifact: .verified("https://example.com/a"),
            kernel: NodeFacts.kernel,
            buildPackages: packages
        )
        #expect(preflight.problems.map(\.observed) == (place.map { ["\($0) has \(free) MiB of free space."] } ?? []))
        #expect(preflight.problems.map(\.expected) == (place.map { _ in ["\(needed) MiB of free space"] } ?? []))
    }

    /// A new initramfs is complete before it replaces the old one.
    @Test func theInitramfsNeedsSpaceWhenItIsBuiltAgain() {
        let facts = NodeFacts.h100.with {
            $0.build.freeSpace = [FreeSpace(path: "/boot", mebibytes: .present(40))]
            $0.build.initramfsMebibytes = .present(40)
        }
        for (released, codes) in [(["nouveau"], [ReasonCode.diskSpace]), ([], [])] {
            let preflight = Preflight(
                facts: facts,
                artifact: .verified("https://example.com/a"),
                kernel: NodeFacts.kernel,
                released: released
            )
            #expect(preflight.problems.map(\.code) == codes)
        }
    }

    @Test(arguments: [
        ("nouveau", "Add the line 'blacklist nouveau'"), ("nova-core", "Add the line 'blacklist nova_core'"),
        ("NovaCore", "Add the line 'blacklist nova_core'"), ("efifb", "video=efifb:off"),
        ("simple-framebuffer", "initcall_blacklist=simpledrm_platform_driver_init"),
    ])
    func namesTheDriverThatHoldsTheGPUAndItsRemedy(_ driver: String, _ remedy: String) {
        var facts = NodeFacts.h100
        Self.held(by: driver, &facts)
        let problems = Preflight(facts: facts, artifact: .verified("https://example.com/a"), kernel: NodeFacts.kernel)
            .problems
        #expect(problems.map(\.observed) == ["The kernel driver \(driver) holds the GPU 0001:00:00.0."])
        #expect(problems.first?.remedy.text.contains(remedy) == true)
    }

    @Test func saysWhyTheHostNeedsAPackage() {
        let facts = NodeFacts.h100.with {
            ($0.build.compiler, $0.build.make, $0.build.headersRelease) = (.absent, .absent, .absent)
        }
        let problems = Preflight(facts: facts, artifact: .verified("https://example.com/a"), kernel: NodeFacts.kernel)
            .problems
        #expect(problems.map(\.code) == [.compilerMissing, .makeMissing, .kernelHeadersMissing])
        for problem in problems {
            #expect(problem.remedy.text.hasPrefix("Install "))
            #expect(problem.remedy.text.contains(": the build of the kernel modules needs "), "\(problem.remedy.text)")
        }
    }

    /// Ubuntu has no GRID drivers, and other packages for each kernel module type.
    @Test(
        arguments: [
            ("ubuntu", .datacenter, .open, "linux-modules-nvidia-BRANCH-server-open-\(NodeFacts.kernel))"),
            ("ubuntu", .datacenter, .proprietary, "linux-modules-nvidia-BRANCH-server-\(NodeFacts.kernel))"),
            ("ubuntu", .grid, .open, nil), ("debian", .datacenter, .open, nil),
        ] as [(String, DriverKind, KernelModuleType, String?)]
    )
    func namesTheSignedModulesOfUbuntu(
        _ system: String,
        _ kind: DriverKind,
        _ type: KernelModuleType,
        _ package: String?
    ) throws {
        let facts = NodeFacts.h100.with {
            $0.host.secureBoot = .present(true)
            $0.host.osRelease = $0.host.osRelease.map {
                OSRelease(id: system, versionID: $0.versionID, prettyName: nil)
            }
        }
        let problem = Preflight(
            facts: facts,
            artifact: .verified("https://example.com/a"),
            driver: DriverTarget(
                kind: kind,
                version: try #require(DriverVersion("595.71.05")),
                kernelModuleType: type
            ),
            kernel: NodeFacts.kernel
        )
        .problems.first
        #expect(problem?.code == .secureBoot)
        let text = try #require(problem).remedy.text
        #expect(package.map { text.contains($0) } ?? !text.contains("linux-modules-nvidia"), "\(text)")
    }

    @Test func onlyGPUsThatTheDriverIsForCount() {
        var facts = NodeFacts.h100
        Self.held(by: "nvidiafb", &facts)
        let preflight = Preflight(
            facts: facts,
            artifact: .verified("https://example.com/a"),
            kernel: NodeFacts.kernel,
            gpus: [PCIFunction.h100.at(bus: 7).address]
        )
        #expect(preflight.problems.isEmpty)
    }

    @Test func aPackageOfUnknownSizeIsTakenForAUsualOne() {
        var artifact = Artifact.verified("https://example.com/a.run")
        artifact.size = nil
        let facts = NodeFacts.h100.with { $0.build.freeSpace = [FreeSpace(path: "/usr", mebibytes: .present(1000))] }
        let problems = Preflight(facts: facts, artifact: artifact, kernel: NodeFacts.kernel).problems
        #expect(problems.map(\.code) == [.diskSpace])
        #expect(problems.first?.observed == "/usr has 1000 MiB of free space.")
        #expect(problems.first?.expected == "1203 MiB of free space")
    }

    @Test func namesTheKernelWhoseHeadersAreMissing() {
        let facts = NodeFacts.h100.with { $0.build.headersRelease = .present("5.4.0-1") }
        let problem = Preflight(facts: facts, artifact: .verified("https://example.com/a"), kernel: NodeFacts.kernel)
            .problems.first
        #expect(problem?.observed == "The host has only the kernel headers of 5.4.0-1.")
        #expect(problem?.remedy.text.contains("linux-headers-\(NodeFacts.kernel)") == true)
    }

    @Test func theFindingNamesEachReason() {
        let facts = NodeFacts.h100.with {
            ($0.host.secureBoot, $0.host.lockdown) = (.present(true), .present(.integrity))
        }
        let finding = Preflight(facts: facts, artifact: .verified("https://example.com/a"), kernel: NodeFacts.kernel)
            .moduleSignatures
        #expect(finding?.observed == "Secure Boot is on and the kernel is in the lockdown mode 'integrity'.")
    }
}
