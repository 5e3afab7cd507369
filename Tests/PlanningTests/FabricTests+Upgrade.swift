import Catalog
import NodeModel
import Planning
import Selection
import Support
import TestSupport
import Testing

/// Packages for NVLink that take the place of others of this agent.
extension FabricTests {
    private static let own = "nvidia-fabricmanager-580"

    /// The environment of the job of a step.
    private func environment(_ id: StepID, _ plan: Plan) throws -> [String: String] {
        let step = try #require(plan.steps.first { $0.id == id })
        guard case .job(let job) = try #require(step.effects.first { $0.kind == "job" }) else { return [:] }
        return job.environment
    }

    private static func stop(_ facts: inout NodeFacts) {
        facts.driver.surroundings?.programs?["nv-fabricmanager"]?.isRunning = false
    }

    /// The new files and those for the way back are on the host before anything stops.
    @Test func anUpgradeReplacesItsOwnPackages() throws {
        let facts = Self.running(Self.older, fabricManager: Self.older, offered: Self.offered)
        let plan = Self.install(facts)
        #expect(plan.problems.isEmpty)
        #expect(
            plan.steps.map(\.id) == [
                .begin, .download, .downloadFabricPackages, .unload, .install, .load, .fabricPackages, .fabricManager,
                .startServices, .verify, .finish,
            ]
        )
        let (new, old) = ("\(HostLayout.fabricFiles)/\(Self.version)", "\(HostLayout.fabricFiles)/\(Self.older)")
        let download = try environment(.downloadFabricPackages, plan)
        #expect(download["GPU_AGENT_REPLACES"] == Self.own)
        #expect(download["GPU_AGENT_KEPT"] == new && download["GPU_AGENT_FORMER"] == old)
        let install = try environment(.fabricPackages, plan)
        #expect(install["GPU_AGENT_REPLACES"] == Self.own && install["GPU_AGENT_FILES"] == new)
        #expect(install["GPU_AGENT_KEPT"] == nil && install["GPU_AGENT_FORMER"] == nil)
        let finish = try #require(plan.steps.first { $0.id == .finish })
        #expect(finish.effects.contains(.keepOnly([Self.version], directory: HostLayout.fabricFiles)))
    }

    /// The same version stays, as after an update of the kernel.
    @Test func theSameVersionStays() {
        let same = Self.running(Self.version, fabricManager: Self.version, offered: Self.offered)
        #expect(fabric(Self.install(same)) == [])
    }

    /// A fabric manager that does not run can only win, so its files do not decide.
    @Test func whatDoesNotRunNeedsNoWayBack() throws {
        let facts = Self.running(Self.older, fabricManager: Self.older, offered: Self.offered).with(Self.stop)
        let plan = Self.install(facts)
        #expect(fabric(plan) == [.downloadFabricPackages, .fabricPackages, .fabricManager] && plan.problems.isEmpty)
        let environment = try environment(.downloadFabricPackages, plan)
        #expect(environment["GPU_AGENT_REPLACES"] == Self.own && environment["GPU_AGENT_FORMER"] == nil)
    }

    /// The subnet manager and dependencies have versions of their own.
    @Test func onlyProgramsOfTheDriversVersionGiveWay() throws {
        let facts = Self.running(
            Self.older,
            fabricManager: Self.older,
            own: ["infiniband-diags", "libibumad3", Self.own, "nvidia-imex-580", "nvlsm"],
            offered: Self.offered
        )
        let environment = try environment(.fabricPackages, Self.install(facts))
        #expect(environment["GPU_AGENT_REPLACES"] == "\(Self.own) nvidia-imex-580")
    }

    @Test(arguments: [("sles", "15.6", "zypper"), ("azurelinux", "3.0", "tdnf")])
    func othersCannotHaveTheNewPackagesBesideTheOld(_ id: String, _ versionID: String, _ program: String) throws {
        let facts = Self.running(
            Self.older,
            fabricManager: Self.older,
            offered: [Self.package("nvidia-fabricmanager")]
        ).with {
            $0.host.osRelease = .present(OSRelease(id: id, versionID: versionID, prettyName: nil))
            $0.build.packageTools = .present([program])
        }
        let problem = try #require(Self.install(facts).problems.first)
        #expect(problem.code == .fabricManagerMissing && problem.remedy.text.contains("gpu-agent uninstall"))
        #expect(problem.observed.contains("\(program) cannot have the new ones ready"))
        let stopped = Self.install(facts.with(Self.stop))
        let steps: [StepID] = [.removeFabricPackages, .fabricPackages, .fabricManager]
        #expect(fabric(stopped) == steps && stopped.problems.isEmpty)
    }

    @Test func anInterruptedUpgradeKnowsWhatItInstalled() {
        let facts = Self.running(Self.older, fabricManager: Self.older, offered: Self.offered).with(Self.stop)
        let plan = Self.install(facts)
        let unloaded = facts.with {
            $0.driver.loadedVersion = .absent
            $0.driver.surroundings?.programs?["nv-fabricmanager"]?.version = nil
            $0.driver.surroundings?.programs?["nv-fabricmanager"]?.isRunning = nil
        }
        let count = plan.steps.count { $0.id != .finish && $0.id != .verify }
        let index = plan.steps.firstIndex { $0.id == .fabricPackages } ?? count
        let before = Installs.journal(plan, steps: index)
        #expect(fabric(Self.install(unloaded, journal: before)).contains(.fabricPackages))
        let after = Installs.journal(plan, steps: index + 1)
        #expect(fabric(Self.install(unloaded, journal: after)) == [.fabricManager])
    }

    /// The way back from a newer driver to `version`, with files that the agent kept.
    private static func goBack(
        kept: [String: [OfferedPackage]],
        offered: [OfferedPackage] = [],
        buildPackages: Bool = true
    ) throws -> Plan {
        let facts = fresh(offered).with {
            $0.build.ownFabricPackages = .present(["nvidia-fabricmanager-610"])
            $0.driver.surroundings = surroundings(DriverProgram(path: "/usr/bin/nv-fabricmanager"))
            $0.build.keptFabricPackages = kept.isEmpty ? .absent : .present(kept)
        }
        var decision = Installs.plan(facts).decision
        decision.driver?.kind = .datacenter
        decision.fabricManager = need
        let former = try #require(Installs.own.driver.record.value)
        var record = former
        (record.state, record.former) = (.changing, FormerDriver(former))
        let failure = Finding(.installerFailed, observed: "exit 1", expected: "exit 0", remedy: "see the log")
        decision.failed = FailedInstall(record: record, failure: failure, at: Timestamp(1))
        return Planner(buildPackages: buildPackages).plan(facts, decision, journal: nil)
    }

    @Test func theWayBackInstallsTheFilesThatStayed() throws {
        let kept = [Self.version: Self.offered, "610.11.02": [Self.package("nvidia-fabricmanager-610", "610.11.02-1")]]
        let plan = try Self.goBack(kept: kept, offered: Self.offered)
        // The repository is not asked.
        #expect(fabric(plan) == [.fabricPackages, .fabricManager])
        let environment = try environment(.fabricPackages, plan)
        #expect(environment["GPU_AGENT_FILES"] == "\(HostLayout.fabricFiles)/\(Self.version)")
        #expect(environment["GPU_AGENT_PINS"] == "nvidia-fabricmanager-595=595.91.07-1")
        #expect(environment["GPU_AGENT_REPLACES"] == "nvidia-fabricmanager-610")
        // Without the files, the repository can still help.
        let other = try Self.goBack(kept: ["610.11.02": kept["610.11.02"] ?? []], offered: Self.offered)
        #expect(fabric(other) == [.downloadFabricPackages, .fabricPackages, .fabricManager])
        #expect(fabric(try Self.goBack(kept: [:])) == [])
        #expect(fabric(try Self.goBack(kept: kept, buildPackages: false)) == [])
    }

    @Test func aDirectoryCanHaveThePackages() throws {
        let digest = Checksum(.sha256, String(repeating: "ab", count: 32))
        let files = ["nvidia-fabricmanager-595_595.91.07-1_amd64.deb", "make_4.3-4_amd64.deb"]
        let bundle = PackageBundle(
            kernel: NodeFacts.kernel,
            system: "ubuntu 22.04",
            architecture: .x86_64,
            names: ["make", "nvidia-fabricmanager-595"],
            directory: "kernel-x",
            files: files.map { PackageBundle.File(fileName: $0, digest: digest, size: 1) }
        )
        let facts = Self.fresh().with { $0.build.bundle = .present(bundle) }
        let plan = Self.install(facts, archive: Self.archive, source: .directory("/mnt/drivers"))
        #expect(fabric(plan) == [.downloadFabricPackages, .fabricPackages, .fabricManager])
        let step = try #require(plan.steps.first { $0.id == .downloadFabricPackages })
        #expect(step.effects.count { $0.kind == "copy" } == 2)
        #expect(step.title.hasSuffix(" with apt-get from /mnt/drivers/kernel-x"))
    }
}
