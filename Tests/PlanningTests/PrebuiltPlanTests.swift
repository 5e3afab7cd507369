import NodeModel
import Planning
import Selection
import Support
import TestSupport
import Testing

/// Plans of a driver from packages of the distribution.
@Suite struct PrebuiltPlanTests {
    private static let version = "580.105.08"
    private static let facts = NodeFacts.h100.with {
        ($0.build.compiler, $0.build.make, $0.build.headersRelease) = (.absent, .absent, .absent)
        $0.host.secureBoot = .present(true)
        $0.build.packageTools = .present(["apt-get"])
    }

    private static func plan(
        _ facts: NodeFacts = facts,
        takesOver: DriverOwner? = nil,
        journal: Journal? = nil
    ) -> Plan {
        let driver = DriverVersion(version).map {
            DriverTarget(
                kind: .datacenter,
                version: $0,
                kernelModuleType: .open,
                packages: NodeFacts.prebuilt(version)
            )
        }
        var decision = Decision(action: .install, driver: driver, summary: "install")
        decision.takesOver = takesOver
        return Planner().plan(facts, decision, journal: journal)
    }

    private static let names = NodeFacts.prebuilt(version).map(\.name)

    @Test func needsNeitherADownloadNorABuild() throws {
        let plan = Self.plan()
        #expect(plan.problems.isEmpty)
        #expect(plan.steps.map(\.id) == [.begin, .downloadPackages, .driverPackages, .load, .verify, .finish])
        let step = try #require(plan.steps.first { $0.id == .driverPackages })
        #expect(step.title == "install the datacenter driver \(Self.version) with open kernel modules with apt-get")
        #expect(step.changesDriver && !step.disrupts)
        #expect(step.inverse.map(\.id) == [.removeDriverPackages])
        guard case .job(let job) = step.effects.last else {
            Issue.record("no job")
            return
        }
        #expect(job.name == "driver-packages-\(Self.version)")
        #expect(job.command.suffix(Self.names.count) == Self.names[...])
        #expect(job.command.contains("/var/lib/gpu-agent/driver-packages"))
        let pin = "nvidia-utils-580-server=580.105.08-0ubuntu0.22.04.1"
        #expect(job.environment["GPU_AGENT_PINS"]?.split(separator: " ").contains(pin[...]) == true)
        let record = try #require(Self.record(of: plan))
        #expect(record.packages == Self.names && record.state == .started && record.former == nil)
    }

    /// The repositories decide which driver comes, so the plan ends there.
    ///
    /// A second refresh would not help either.
    @Test func refreshesTheIndexOnceBeforeTheChoice() throws {
        var decision = Decision(action: .install, summary: "refresh")
        decision.unreadIndex = Finding(.prebuiltModulesMissing, observed: "empty", expected: "modules", remedy: "none")
        let plan = Planner().plan(Self.facts, decision, journal: nil)
        #expect(plan.problems.isEmpty && plan.steps.map(\.id) == [.packageIndex])
        let step = try #require(plan.steps.first)
        #expect(!step.disrupts && !step.changesDriver && step.inverse.isEmpty)
        #expect(step.deadlineSeconds > PackageJob.usualPatience)

        var journal = Journal()
        journal.begin(step, at: Timestamp(1))
        #expect(Planner().plan(Self.facts, decision, journal: journal).steps.map(\.id) == [.packageIndex])
        journal.end(.packageIndex, at: Timestamp(2))
        let again = Planner().plan(Self.facts, decision, journal: journal)
        #expect(again.steps.isEmpty && again.obstacles.map(\.code) == [.prebuiltModulesMissing])
        #expect(again.decision.action == .blocked)
    }

    /// apt-get configures what an earlier install left, and would stop there again.
    @Test func removesWhatStopsDKMSBeforeThePackages() {
        let plan = Self.plan(
            Self.facts.with {
                $0.build.dkms = .present("/usr/sbin/dkms")
                let stale = DKMSTree(name: "nvidia", version: "535.54.03", kernels: [], lacksSource: true)
                $0.claims.dkms = .present([stale])
            }
        )
        #expect(plan.steps.map(\.id).prefix(3) == [.begin, .staleDKMS, .downloadPackages])
    }

    /// The record that the first step of a plan writes.
    private static func record(of plan: Plan) -> InstallRecord? {
        plan.steps.first?.effects.lazy.compactMap { effect in
            if case .record(let record) = effect { record } else { nil }
        }.first
    }

    /// The fabric manager of another version does not start.
    @Test func bringsTheFabricManagerThatTheMachineNeeds() throws {
        let need = FabricManagerNeed(isNeeded: true, why: "NVSwitch connects the GPUs.")
        let none = FabricManagerNeed(isNeeded: false, why: "No NVSwitch.")
        let name = "nvidia-fabricmanager-580"
        let rows: [(FabricManagerNeed?, String?, Bool?, Bool, Bool)] = [
            (need, "\(Self.version)-0ubuntu0.22.04.1", true, true, true),
            (need, "\(Self.version)-0ubuntu0.22.04.1", nil, true, false),
            (need, "580.95.05-0ubuntu0.22.04.1", true, false, false), (need, nil, true, false, false),
            (none, "\(Self.version)-0ubuntu0.22.04.1", true, false, false),
        ]
        for (need, offered, hasSystemd, isInstalled, isStarted) in rows {
            let packages = offered.map { [OfferedPackage(name: name, version: $0)] } ?? []
            let facts = Self.facts.offering(NodeFacts.prebuilt(Self.version), packages).with {
                $0.driver.surroundings = DriverSurroundings(hasSystemd: hasSystemd)
            }
            var decision = Self.plan(facts).decision
            decision.fabricManager = need
            let plan = Planner().plan(facts, decision, journal: nil)
            let record = try #require(Self.record(of: plan))
            #expect(record.packages == Self.names + (isInstalled ? [name] : []))
            let start: [StepID] = isStarted ? [.fabricManager] : []
            #expect(
                plan.steps.map(\.id) == [.begin, .downloadPackages, .driverPackages, .load] + start + [
                    .verify, .finish,
                ]
            )
            for step in plan.steps.flatMap({ [$0] + $0.inverse }) { #expect(StepID.known.contains(step.id)) }
        }
    }

    @Test func aFullDiskIsAProblem() {
        let small = Self.facts.with {
            $0.build.freeSpace = [FreeSpace(path: "/usr", mebibytes: .present(1000), fileSystem: "1")]
        }
        #expect(Self.plan(small).problems.map(\.code) == [.diskSpace])
    }

    /// The agent keeps the source of its driver, but the configuration forbids the connection to the repositories.
    @Test func downloadsNothingWhenTheConfigurationForbidsIt() throws {
        let decision = Self.plan().decision
        let rows: [(PackageSource?, Bool, String?)] = [
            (.directory("/mnt/drivers"), true, "with 'driver.source: file:///mnt/drivers', it makes no connection."),
            (.directory("/mnt/drivers"), false, "it makes no connection."), (.packages, true, nil), (.auto, false, nil),
            (nil, true, nil), (nil, false, "but with 'driver.buildPackages: false', it installs no packages."),
            (.runfile, false, "it installs no packages."),
        ]
        for (source, allowed, text) in rows {
            let planner = Planner(source: source, buildPackages: allowed)
            let plan = planner.plan(Self.facts, decision, journal: nil)
            #expect(plan.steps.isEmpty == (text != nil))
            #expect(plan.problems.map(\.code) == (text == nil ? [] : [.driverSourceChange]))
            guard let text else { continue }
            #expect(plan.problems.first?.observed.hasSuffix(text) == true, "\(plan.problems)")
            // What is left of an install that has its packages needs no connection.
            let installed = Self.facts.with {
                $0.driver.moduleFile = .present(ModuleFile(path: "/a", version: Self.version, kernelModuleType: .open))
                $0.driver.nvmlLibrary = .present(LibraryFile(path: "/b", version: Self.version))
                $0.driver.cudaLibrary = .present(LibraryFile(path: "/c", version: Self.version))
            }
            let rest = planner.plan(installed, decision, journal: Installs.journal(Self.plan(), steps: 3))
            #expect(rest.steps.map(\.id) == [.load, .verify, .finish] && rest.problems.isEmpty)
        }
    }

    @Test func goesOnWhereItStopped() {
        let plan = Self.plan()
        let rest: [StepID] = [.downloadPackages, .driverPackages, .load, .verify, .finish]
        for count in 2...3 {
            let during = Installs.journal(plan, steps: count, cutOff: true)
            #expect(Self.plan(journal: during).steps.map(\.id) == rest)
        }
        let after = Installs.journal(plan, steps: 3)
        let installed = Self.facts.with {
            $0.driver.moduleFile = .present(ModuleFile(path: "/a", version: Self.version, kernelModuleType: .open))
            $0.driver.nvmlLibrary = .present(LibraryFile(path: "/b", version: Self.version))
            $0.driver.cudaLibrary = .present(LibraryFile(path: "/c", version: Self.version))
        }
        let noCUDA = installed.with { $0.driver.cudaLibrary = .absent }
        #expect(Self.plan(noCUDA, journal: after).steps.map(\.id) == rest)
        #expect(Self.plan(installed, journal: after).steps.map(\.id) == [.load, .verify, .finish])
        // Somebody removed the packages meanwhile.
        #expect(Self.plan(journal: after).steps.map(\.id) == rest)
    }

    /// What runs stays until apt-get has the packages, in the versions of the decision.
    @Test func nothingStopsBeforeThePackagesAreThere() throws {
        let busy = Self.facts.with {
            $0.driver = .loaded("535.1.1", .open, kind: .datacenter, record: .changing)
            $0.driver.nouveauLoaded = .present(true)
            $0.claims.deviceUsers = .present([
                DeviceUser(pid: 7, command: "nvidia-persiste", nodes: ["nvidia0"], unit: "nvidia-persistenced.service")
            ])
        }
        let plan = Self.plan(busy)
        let ids = plan.steps.map(\.id)
        let stops = plan.steps.filter { $0.disrupts || $0.id == .blacklist }.map(\.id)
        #expect(stops == [.blacklist, .release, .unload], "\(ids)")
        #expect(ids.prefix(2) == [.begin, .downloadPackages], "\(ids)")
        let download = plan.steps[1]
        #expect(!download.changesDriver && download.inverse.isEmpty)
        guard case .job(let job) = download.effects.last,
            case .job(let install) = plan.steps.first(where: { $0.id == .driverPackages })?.effects.last
        else {
            Issue.record("no job")
            return
        }
        #expect(job.environment["GPU_AGENT_PINS"] == install.environment["GPU_AGENT_PINS"])
        #expect(job.command.suffix(Self.names.count) == Self.names[...])
        // The first job refreshes the index, and the second one uses the index in which the packages were found.
        #expect(job.environment["GPU_AGENT_DOWNLOADED"] == nil && install.environment["GPU_AGENT_DOWNLOADED"] != nil)
    }

    /// A repository that has a newer version by now is no reason to correct something on the node by hand.
    @Test func aVersionThatIsGoneHasItsOwnRemedy() throws {
        for step in Self.plan().steps.filter({ [.downloadPackages, .driverPackages].contains($0.id) }) {
            let exits = try #require(step.failure.exits)
            #expect(exits.map(\.status) == [80, 81, 82, 85, 83])
            let missing = try #require(exits.first { $0.status == 82 })
            #expect(missing.code == .prebuiltModulesMissing)
            #expect(missing.remedy.hasPrefix("Run 'gpu-agent install': the agent has refreshed the package index"))
        }
    }

    /// Whether apt-get accepts the packages is known too late.
    @Test func doesNotTakeOverTheDriverOfAnotherOwner() throws {
        let foreign = Self.facts.with {
            $0.driver = .loaded("535.1.1", .open, kind: .datacenter)
            $0.claims.runfile = .present("535.1.1")
        }
        let plan = Self.plan(foreign, takesOver: .runfile)
        #expect(plan.steps.isEmpty && plan.problems.map(\.code) == [.driverPackagesFailed])
        #expect(plan.problems.first?.observed.contains("the driver 535.1.1 of another owner") == true)
    }

    // Uninstall

    private static func installed(_ journal: Journal) -> NodeFacts {
        facts.with {
            $0.driver = .loaded(version, .open, kind: .datacenter)
            $0.driver.record = journal.record.map { .present($0) } ?? .absent
            $0.claims.deviceUsers = .present([])
            $0.claims.packages = .present([
                DriverPackage(manager: .dpkg, name: "nvidia-utils-580-server", version: "\(version)-0ubuntu0.22.04.1")
            ])
        }
    }

    @Test func anUninstallRemovesThePackages() {
        let plan = Self.plan()
        let journal = Installs.journal(plan, steps: plan.steps.count)
        let uninstall = Uninstall(journal: .present(journal), facts: Self.installed(journal))
        #expect(uninstall.problems.isEmpty && uninstall.version == Self.version)
        #expect(uninstall.steps.map(\.id.rawValue) == ["unload", "remove-driver-packages", "verify", "forget"])
        #expect(
            uninstall.steps.flatMap(\.effects).contains { effect in
                if case .forgetJobs(let jobs) = effect {
                    jobs.contains("driver-packages-\(Self.version)")
                } else {
                    false
                }
            }
        )
    }

    /// A later install begins and is interrupted before its step, or a journal lost its steps.
    @Test func aRecordIsEnoughForAnUninstall() {
        let plan = Self.plan()
        var journal = Installs.journal(plan, steps: plan.steps.count)
        journal.steps = []
        let uninstall = Uninstall(journal: .present(journal), facts: Self.installed(journal))
        #expect(uninstall.steps.map(\.id.rawValue) == ["unload", "remove-driver-packages", "verify", "forget"])
    }

    @Test func nothingIsBuiltForTheNextKernel() {
        let plan = Self.plan()
        let journal = Installs.journal(plan, steps: plan.steps.count)
        let facts = Self.installed(journal).with {
            $0.host.secureBoot = .present(false)
            $0.build = NodeFacts.h100.build
            $0.host.pendingKernel = .present(
                PendingKernel(release: "5.15.0-1090-azure", hasModule: false, hasHeaders: true)
            )
        }
        #expect(Ahead(facts, Decision(action: .adopt, summary: "keep"), journal: journal).operations.isEmpty)
    }
}
