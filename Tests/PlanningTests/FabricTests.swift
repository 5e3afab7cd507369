import Catalog
import FoundationEssentials
import NodeModel
import Planning
import Selection
import Support
import TestSupport
import Testing

/// Plans for the fabric manager beside a driver from NVIDIA's installer.
@Suite struct FabricTests {
    static let version = "595.91.07"
    static let older = "580.159.04"
    static let need = FabricManagerNeed(isNeeded: true, why: "NVSwitch connects the GPUs.")
    private static let needOfB200 = FabricManagerNeed(isNeeded: true, why: "No switch is visible.", subnetManager: true)
    static let noNeed = FabricManagerNeed(isNeeded: false, why: "No NVSwitch.")
    static let archive = Artifact(
        urls: ["https://example.com/fabricmanager-\(version).tar.xz"],
        digest: Checksum(.sha256, String(repeating: "ef", count: 32))
    )

    static func package(_ name: String, _ version: String = "\(version)-1") -> OfferedPackage {
        OfferedPackage(name: name, version: version)
    }

    /// A node without a driver, whose repositories offer packages.
    static func fresh(_ offered: [OfferedPackage] = []) -> NodeFacts {
        NodeFacts.h100.with {
            $0.build.packageTools = .present(["apt-get"])
            $0.build.fabricPackages = offered.isEmpty ? .absent : .present(offered)
            $0.driver.surroundings = surroundings(DriverProgram())
        }
    }

    static func surroundings(
        _ program: DriverProgram,
        imex: DriverProgram = DriverProgram(),
        fabric: FabricSurroundings = FabricSurroundings()
    ) -> DriverSurroundings {
        DriverSurroundings(
            hasSystemd: true,
            programs: ["nv-fabricmanager": program, "nvidia-imex": imex],
            fabric: fabric
        )
    }

    /// A node with the agent's driver, and a fabric manager of this version that runs.
    static func running(
        _ driver: String,
        fabricManager: String?,
        own: [String] = ["nvidia-fabricmanager-580"],
        offered: [OfferedPackage] = []
    ) -> NodeFacts {
        fresh(offered).with {
            $0.driver = .loaded(driver, .open, kind: .datacenter, record: .installed)
            $0.build.ownFabricPackages = own.isEmpty ? .absent : .present(own)
            let program = DriverProgram(
                path: fabricManager == nil ? nil : "/usr/bin/nv-fabricmanager",
                unitFile: "/usr/lib/systemd/system/nvidia-fabricmanager.service",
                isRunning: fabricManager != nil,
                version: fabricManager
            )
            $0.driver.surroundings = surroundings(program)
        }
    }

    static func install(
        _ facts: NodeFacts,
        _ need: FabricManagerNeed = need,
        archive: Artifact? = nil,
        source: PackageSource? = nil,
        buildPackages: Bool = true,
        journal: Journal? = nil
    ) -> Plan {
        var decision = Installs.plan(facts).decision
        decision.driver?.kind = .datacenter
        decision.fabricManager = need
        decision.fabricManagerArchive = archive
        return Planner(source: source, buildPackages: buildPackages).plan(facts, decision, journal: journal)
    }

    static func adopt(_ facts: NodeFacts, _ need: FabricManagerNeed = need, journal: Journal? = nil) -> Plan {
        var decision = Decision(action: .adopt, summary: "adopt")
        decision.fabricManager = need
        return Planner(surroundings: SurroundingsPolicy(persistenced: false)).plan(facts, decision, journal: journal)
    }

    static let around: Set<StepID> = StepID.fabric.union([
        .downloadFabricPackages, .downloadFabricManager, .removeFabricPackages, .removeFabricManager,
    ])

    func fabric(_ plan: Plan) -> [StepID] { plan.steps.map(\.id).filter(Self.around.contains) }

    static let offered = [package("nvidia-fabricmanager-595")]

    struct Row: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var facts: NodeFacts
        var need = FabricTests.need
        var archive: Artifact?
        var source: PackageSource?
        var buildPackages = true
        var expected: [StepID]
    }

    static let rows = [
        Row(
            testDescription: "a repository has it",
            facts: fresh(offered),
            expected: [.downloadFabricPackages, .fabricPackages, .fabricManager]
        ),
        Row(
            testDescription: "a repository has it without the branch in its name",
            facts: fresh([package("nvidia-fabricmanager"), package("nvidia-fabricmanager", "595.99.02-1")]),
            expected: [.downloadFabricPackages, .fabricPackages, .fabricManager]
        ),
        Row(
            testDescription: "a repository has only another version",
            facts: fresh([package("nvidia-fabricmanager-595", "595.91.08-1")]),
            expected: []
        ),
        Row(
            testDescription: "only the catalog has it",
            facts: fresh(),
            archive: archive,
            expected: [.downloadFabricManager, .installFabricManager, .fabricManager]
        ),
        Row(
            testDescription: "both have it",
            facts: fresh(offered),
            archive: archive,
            expected: [.downloadFabricPackages, .fabricPackages, .fabricManager]
        ),
        Row(
            testDescription: "the agent may install no packages",
            facts: fresh(offered),
            archive: archive,
            buildPackages: false,
            expected: [.downloadFabricManager, .installFabricManager, .fabricManager]
        ),
        Row(
            testDescription: "a directory takes the place of the repositories",
            facts: fresh(offered),
            archive: archive,
            source: .directory("/mnt/drivers"),
            expected: [.downloadFabricManager, .installFabricManager, .fabricManager]
        ),
        Row(testDescription: "no source has it", facts: fresh(), expected: []),
        Row(testDescription: "the topology needs none", facts: fresh(offered), need: noNeed, expected: []),
        Row(
            testDescription: "it runs in a container",
            facts: fresh(offered).with { $0.driver.surroundings = surroundings(DriverProgram(isRunning: true)) },
            expected: []
        ),
        Row(
            testDescription: "somebody else has installed it",
            facts: fresh(offered).with {
                $0.driver.surroundings = surroundings(DriverProgram(path: "/usr/bin/nv-fabricmanager"))
            },
            expected: []
        ),
        Row(
            testDescription: "a host without systemd",
            facts: fresh(offered).with { $0.driver.surroundings?.hasSystemd = false },
            expected: []
        ),
        Row(
            testDescription: "a package manager of another operating system",
            facts: fresh(offered).with { $0.build.packageTools = .present(["zypper"]) },
            expected: []
        ),
    ]

    @Test(arguments: rows)
    func aFreshNodeGetsWhatItNeeds(_ row: Row) {
        let plan = Self.install(
            row.facts,
            row.need,
            archive: row.archive,
            source: row.source,
            buildPackages: row.buildPackages
        )
        #expect(fabric(plan) == row.expected)
        // A fresh node has nothing to lose, so the driver is installed in any case.
        #expect(plan.problems.isEmpty && plan.steps.map(\.id).contains(.install))
        for step in plan.steps.flatMap({ [$0] + $0.inverse }) { #expect(StepID.known.contains(step.id)) }
    }

    /// The packages are there before anything stops, and the program starts before the check of the node.
    @Test func theStepsAreInTheRightOrder() throws {
        let running = Self.running(
            Self.older,
            fabricManager: Self.older,
            own: [],
            offered: Self.offered
        ).with { $0.driver.surroundings?.fabric?.archive = Self.older }
        let ids = Self.install(running, archive: Self.archive).steps.map(\.id)
        #expect(
            ids
                == [
                    .begin, .download, .downloadFabricPackages, .unload, .install, .load, .removeFabricManager,
                    .fabricPackages, .fabricManager, .startServices, .verify, .finish, .persistenced,
                ].filter { $0 != .persistenced }
        )
        let plan = Self.install(Self.fresh(Self.offered))
        let step = try #require(plan.steps.first { $0.id == .fabricPackages })
        guard case .job(let job) = try #require(step.effects.first { $0.kind == "job" }) else {
            Issue.record("no job")
            return
        }
        #expect(job.environment["GPU_AGENT_PINS"] == "nvidia-fabricmanager-595=595.91.07-1")
        #expect(job.environment["GPU_AGENT_BESIDE_DRIVER"] == "yes")
        // Nothing asks a repository after the download.
        #expect(job.environment["GPU_AGENT_FILES"] == "\(HostLayout.fabricFiles)/\(Self.version)")
        #expect(job.command.contains(HostLayout.fabricPackages))
        // The directory keeps the udev rule of the agent from its work.
        #expect(step.effects.last == .remove([HostLayout.work]))
    }

    @Test(arguments: [("rocky", "9.4", "dnf"), ("sles", "15.6", "zypper"), ("azurelinux", "3.0", "tdnf")])
    func packagesComeFromEachManager(_ id: String, _ versionID: String, _ program: String) throws {
        let facts = Self.fresh([Self.package("nvidia-fabricmanager", "\(Self.version)-1.el9")]).with {
            $0.host.osRelease = .present(OSRelease(id: id, versionID: versionID, prettyName: nil))
            $0.build.packageTools = .present([program])
        }
        let plan = Self.install(facts)
        let ofPackages: [StepID] = [.downloadFabricPackages, .install, .fabricPackages]
        #expect(plan.steps.map(\.id).filter(ofPackages.contains) == ofPackages)
        let download = try #require(plan.steps.first { $0.id == .downloadFabricPackages })
        let places = [
            "dnf": "\(HostLayout.fabricFiles)/\(Self.version)", "tdnf": HostLayout.packages,
            "zypper": "the package cache of the host",
        ]
        #expect(download.changes == "the package index, and \(places[program] ?? "")")
        // Nothing asks a repository after the download.
        let install = try #require(plan.steps.first { $0.id == .fabricPackages })
        guard case .job(let job) = try #require(install.effects.first { $0.kind == "job" }) else {
            Issue.record("no job")
            return
        }
        #expect(job.environment["GPU_AGENT_FILES"] == (program == "dnf" ? places[program] : nil))
        #expect(job.environment["GPU_AGENT_DOWNLOADED"] == (program == "dnf" ? nil : "yes"))
    }

    @Test func aB200AlsoGetsItsSubnetManager() throws {
        let others = [Self.package("nvlsm", "2025.03.9-1"), Self.package("infiniband-diags", "39.0-1")]
        let plan = Self.install(Self.fresh(Self.offered + others), Self.needOfB200)
        let step = try #require(plan.steps.first { $0.id == .fabricPackages })
        #expect(
            step.title
                == "install nvidia-fabricmanager-595 595.91.07-1, nvlsm 2025.03.9-1, infiniband-diags 39.0-1 with apt-get"
        )
        let start = try #require(plan.steps.first { $0.id == .fabricManager })
        #expect(start.effects.contains(.run([["sh", "-c", "modprobe ib_umad || true"]])))
        #expect(start.effects.first?.kind == "write-file")
        // A file of somebody else stays.
        let foreign = Self.fresh(Self.offered).with {
            $0.driver.surroundings?.foreignFiles = [OwnFile.managementInterface]
        }
        let other = try #require(Self.install(foreign, Self.needOfB200).steps.first { $0.id == .fabricManager })
        #expect(!other.effects.contains { $0.kind == "write-file" })
    }

    // A driver that runs

    @Test func anUpgradeThatWouldLoseTheFabricIsBlocked() {
        let own = Self.running(Self.older, fabricManager: Self.older)
        #expect(Self.install(own).problems.map(\.code) == [.fabricManagerMissing])
        #expect(Self.install(own).problems.first?.observed.contains("has no source of it") == true)
        #expect(Self.install(own, archive: Self.archive).problems.isEmpty)
        let noIndex = own.with { $0.build.fabricPackages = .unreadable(ReadFailure(.command, "the index is empty")) }
        let unknown = Self.install(noIndex).problems.first
        #expect(unknown?.observed.contains("has no source of it (the index is empty)") == true)
        let foreign = Self.running(Self.older, fabricManager: Self.older, own: [], offered: Self.offered)
        #expect(Self.install(foreign).problems.map(\.code) == [.fabricManagerMissing])
        #expect(Self.install(foreign).problems.first?.remedy.text.contains("remove the fabric manager") == true)
        // Without a fabric manager, there is nothing to lose.
        #expect(Self.install(Self.running(Self.older, fabricManager: nil, own: [])).problems.isEmpty)
    }

    @Test func anInterruptedArchiveIsInstalledAgain() {
        for (record, expected) in [
            (FabricSurroundings.incomplete, [StepID.downloadFabricManager, .installFabricManager, .fabricManager]),
            (Self.version, [.fabricManager]),
        ] {
            let facts = Self.fresh().with {
                let program = DriverProgram(path: "/usr/bin/nv-fabricmanager")
                $0.driver.surroundings = Self.surroundings(program, fabric: FabricSurroundings(archive: record))
            }
            #expect(fabric(Self.install(facts, archive: Self.archive)) == expected)
        }
    }

    @Test func anAdoptedDriverOfTheAgentGetsWhatItLacks() {
        let facts = Self.running(Self.version, fabricManager: nil, own: [], offered: Self.offered)
        let plan = Self.adopt(facts)
        #expect(plan.steps.map(\.id) == [.downloadFabricPackages, .fabricPackages, .fabricManager, .verify])
        #expect(plan.steps.allSatisfy { !$0.disrupts })
        // When CUDA works, something else has set up the fabric.
        let working = facts.with { $0.vendor = .answering(Self.version, gpus: [.h100]) }
        #expect(Self.adopt(working).steps.isEmpty)
        let foreign = facts.with { $0.driver.record = .absent }
        #expect(Self.adopt(foreign).steps.isEmpty)
        // Its own one that does not run starts again.
        let stopped = Self.running(Self.version, fabricManager: Self.version).with {
            $0.driver.surroundings?.programs?["nv-fabricmanager"]?.isRunning = false
        }
        #expect(Self.adopt(stopped).steps.map(\.id) == [.fabricManager, .verify])
    }

    @Test func aMaskedUnitIsNotStarted() {
        let program = DriverProgram(path: "/usr/bin/nv-fabricmanager", isRunning: false, version: Self.version)
        let facts = Self.running(Self.version, fabricManager: Self.version).with {
            $0.driver.surroundings = Self.surroundings(program)
        }
        #expect(Self.adopt(facts).steps.map(\.id) == [.fabricManager, .verify])
        let masked = facts.with { $0.driver.surroundings?.programs?["nv-fabricmanager"]?.isMasked = true }
        #expect(Self.adopt(masked).steps.isEmpty)
    }

    @Test func servicesStartInTheOrderOfTheirNeeds() {
        let units: Set = ["nvidia-gridd.service", "nvidia-imex.service", "nvidia-fabricmanager.service", "x.service"]
        let order = DriverService.inOrder(units)
        #expect(order == ["nvidia-fabricmanager.service", "nvidia-imex.service", "nvidia-gridd.service", "x.service"])
        #expect(DriverService.command(.start, order).suffix(4) == order[...])
        #expect(DriverService.command(.stop, order).suffix(4) == order.reversed()[...])
    }

    @Test func anUninstallRemovesTheFabricManagerAfterTheDriver() {
        let plan = Self.install(Self.fresh(), archive: Self.archive)
        let journal = Installs.journal(plan, steps: plan.steps.count)
        let facts = Self.running(Self.version, fabricManager: Self.version).with {
            $0.driver.record = journal.record.map { .present($0) } ?? .absent
            $0.claims.deviceUsers = .present([])
            $0.claims.runfile = .present(Self.version)
        }
        let steps = Uninstall(journal: .present(journal), facts: facts).steps
        let expected = ["unload", "uninstall", "verify", "stop-fabric-manager", "remove-fabric-manager"]
        #expect(steps.map(\.id.rawValue).prefix(5) == expected[...])
        #expect(steps.first?.stoppedServices == ["nvidia-fabricmanager.service"])
    }
}
