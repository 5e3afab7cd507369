import NodeModel
import Planning
import Selection
import Support
import TestSupport
import Testing

/// When the agent installs prebuilt modules for the kernel of the next boot.
@Suite struct PrebuiltAheadPlanTests {
    private static let release = "5.15.0-1099-azure"
    private static let version = "595.71.05"
    private static let offered = NodeFacts.prebuilt(version, kernel: release)
    private static let modules = "linux-modules-nvidia-595-server-open-\(release)"

    /// A node with a driver from packages, on which a kernel without modules waits for a boot.
    private static let waiting = NodeFacts.h100Ready.with {
        $0.driver.record = $0.driver.record.fromPackages
        $0.host.pendingKernel = kernel()
        $0.build.packageTools = .present(["apt-get"])
        $0.build.prebuiltAhead = .present(offered)
    }

    private static func kernel(
        _ release: String = release,
        module: String? = nil,
        hasModule: Bool = false
    ) -> Reading<PendingKernel> {
        let found = hasModule || module != nil
        return .present(PendingKernel(release: release, hasModule: found, moduleVersion: module, hasHeaders: true))
    }

    private static func plan(
        _ facts: NodeFacts = waiting,
        _ planner: Planner = Planner(),
        journal: Journal? = nil
    ) -> Plan {
        planner.plan(facts, Decision(action: .adopt, summary: "adopt"), journal: journal)
    }

    private static func ahead(_ plan: Plan) -> PlannedStep? { plan.steps.first { $0.id == .modulesAhead } }

    @Test func addsThePackageToThoseOfTheDriver() throws {
        let plan = Self.plan()
        let step = try #require(Self.ahead(plan))
        #expect(plan.steps.last == step && plan.aheadProblem == nil)
        #expect(!plan.steps.contains { [.buildAhead, .headersAhead].contains($0.id) })
        #expect(step.title == "install \(Self.modules) with apt-get for the next boot")
        #expect(!step.disrupts && !step.changesDriver && StepID.known.contains(step.id))
        // The record of the driver's packages removes this package, too.
        #expect(step.inverse.isEmpty && step.leaves == nil)
        #expect(step.job == "modules-ahead-595.71.05-5.15.0-1099-azure")
        guard case .job(let job) = step.effects.first(where: { $0.kind == "job" }) else {
            Issue.record("no job")
            return
        }
        #expect(job.command.last == Self.modules && job.command.contains(HostLayout.driverPackages))
        #expect(job.environment["GPU_AGENT_PINS"] == "\(Self.modules)=5.15.0-1089.98")
    }

    @Test func worksWithSecureBootBecauseTheModulesAreSigned() {
        #expect(Self.ahead(Self.plan(Self.waiting.with { $0.host.secureBoot = .present(true) })) != nil)
    }

    @Test func aModuleOfAnotherVersionDoesNotFit() {
        let stale = Self.waiting.with { $0.host.pendingKernel = Self.kernel(module: "580.105.08") }
        #expect(Self.ahead(Self.plan(stale)) != nil)
    }

    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var facts: NodeFacts
        /// A part of the reason; nil when there is nothing to say.
        var problem: String?

        init(_ name: String, problem: String? = nil, _ change: (inout NodeFacts) -> Void) {
            testDescription = name
            facts = waiting.with(change)
            self.problem = problem
        }
    }

    static let cases = [
        Case("the running kernel is the newest") { $0.host.pendingKernel = .absent },
        Case("the kernel has the module") { $0.host.pendingKernel = kernel(module: version) },
        Case("the kernel has a compressed module") { $0.host.pendingKernel = kernel(hasModule: true) },
        Case("a release that is not a name") { $0.host.pendingKernel = kernel("5.15.0-$(reboot)-azure") },
        Case("the driver of another owner") { $0.driver.record = .absent },
        Case("a driver from NVIDIA's package") { $0.driver.record = NodeFacts.h100Ready.driver.record },
        Case("an install that did not end") {
            $0.driver.record = $0.driver.record.map { record in
                var record = record
                record.state = .changing
                return record
            }
        },
        Case("another version is loaded") { $0.driver.loadedVersion = .present("580.105.08") },
        Case("no driver is loaded") { $0.driver.loadedVersion = .absent },
        Case("a system without such packages") {
            $0.host.osRelease = .present(OSRelease(id: "debian", versionID: "12", prettyName: nil))
        },
        Case("no package manager") { $0.build.packageTools = .absent },
        Case("nobody asked", problem: "cannot tell which prebuilt modules") { $0.build.prebuiltAhead = nil },
        Case("no answer", problem: "apt-cache: exit 1") {
            $0.build.prebuiltAhead = .unreadable(ReadFailure(.command, "apt-cache: exit 1"))
        },
        Case("no package", problem: "offers \(modules) for this version. 'apt-get update' refreshes") {
            $0.build.prebuiltAhead = .absent
        },
        Case("another version of the driver", problem: "No repository of the node offers \(modules)") {
            $0.build.prebuiltAhead = .present(NodeFacts.prebuilt("595.99.02", kernel: release))
        },
        Case("the other type of modules", problem: "No repository of the node offers \(modules)") {
            $0.build.prebuiltAhead = .present(NodeFacts.prebuilt(version, .proprietary, kernel: release))
        },
        Case("no space", problem: "There is no space for \(modules): /usr has 100 MiB") {
            $0.build.freeSpace = [FreeSpace(path: "/usr", mebibytes: .present(100), fileSystem: "1")]
        },
    ]

    @Test(arguments: cases)
    func installsNothing(_ row: Case) {
        let plan = Self.plan(row.facts)
        #expect(Self.ahead(plan) == nil)
        guard let problem = row.problem else {
            #expect(plan.aheadProblem == nil)
            return
        }
        #expect(plan.aheadProblem?.contains(problem) == true, "\(plan.aheadProblem ?? "")")
    }

    /// NVIDIA signs its packages for RHEL with a key that no kernel trusts, and Red Hat with one that its kernels trust.
    @Test(arguments: [("Red Hat, Inc.", true, true), ("NVIDIA", true, false), ("NVIDIA", false, true)])
    func theNextKernelMustTrustTheKey(_ vendor: String, _ secureBoot: Bool, _ installs: Bool) {
        let name = "kmod-nvidia-open-\(Self.version)-6.12.0-124.21.1"
        let facts = Self.waiting.with {
            $0.host.osRelease = .present(OSRelease(id: "rhel", versionID: "10.1", prettyName: nil))
            $0.host.pendingKernel = Self.kernel("6.12.0-124.21.1.el10_1.x86_64")
            $0.host.secureBoot = .present(secureBoot)
            $0.build.packageTools = .present(["dnf"])
            $0.build.prebuiltAhead = .present([
                OfferedPackage(name: name, version: "3:\(Self.version)-1.el10_1", vendor: vendor),
                OfferedPackage(name: "nvidia-driver-cuda", version: "3:\(Self.version)-1.el10"),
            ])
        }
        let plan = Self.plan(facts)
        #expect(Self.ahead(plan)?.title == (installs ? "install \(name) with dnf for the next boot" : nil))
        #expect((plan.aheadProblem?.contains("the key with which \(name) is signed") == true) == !installs)
    }

    @Test func aConfigurationCanForbidTheRepositories() {
        let rows: [(Planner, String?)] = [
            (Planner(source: .directory("/mnt/drivers")), "it makes no connection."),
            (Planner(buildPackages: false), "it installs no packages."),
            (Planner(source: .packages, buildPackages: false), nil), (Planner(source: .auto), nil),
        ]
        for (planner, problem) in rows {
            let plan = Self.plan(Self.waiting, planner)
            #expect((Self.ahead(plan) == nil) == (problem != nil))
            #expect(plan.aheadProblem?.hasSuffix(problem ?? "-") == (problem == nil ? nil : true))
        }
    }

    /// The package is installed, but the kernel loads another file, or somebody removed the file of the package.
    @Test(arguments: [nil, "580.105.08"]) func whatSucceededIsNotRepeated(_ module: String?) throws {
        let facts = Self.waiting.with { $0.host.pendingKernel = Self.kernel(module: module) }
        let step = try #require(Self.ahead(Self.plan(facts)))
        var journal = Journal(record: facts.driver.record.value)
        journal.begin(step, at: Timestamp(1))
        #expect(Self.ahead(Self.plan(facts, journal: journal)) != nil)
        journal.end(step.id, at: Timestamp(2))
        let plan = Self.plan(facts, journal: journal)
        #expect(plan.steps.isEmpty)
        #expect(plan.aheadProblem?.contains("\(Self.release) would not load the module of \(Self.version)") == true)
    }

    /// The question to the repositories takes long, and the agent asks it in each inspection.
    @Test func asksTheRepositoriesOnlyWhileAnAnswerMatters() throws {
        #expect(Planner().whyAheadNeedsNoPackages(Self.waiting, journal: nil) == nil)
        let planner = Planner(buildPackages: false)
        #expect(planner.whyAheadNeedsNoPackages(Self.waiting, journal: nil)?.contains("installs no packages") == true)
        let step = try #require(Self.ahead(Self.plan()))
        var journal = Journal(record: Self.waiting.driver.record.value)
        journal.begin(step, at: Timestamp(1))
        journal.end(step.id, at: Timestamp(2))
        #expect(Planner().whyAheadNeedsNoPackages(Self.waiting, journal: journal) != nil)
    }

    /// The driver that runs works, whatever happens to the package.
    @Test func whatFailedIsNotRepeatedForTheSameKernelAndDriver() throws {
        let step = try #require(Self.ahead(Self.plan()))
        #expect(step.failure.exits?.map(\.status) == [80, 81, 82, 83, 85])
        #expect(Set(step.failure.exits?.map(\.code) ?? []) == [.buildAheadFailed, .packageManagerBusy])
        func journal(_ code: ReasonCode) -> Journal {
            var journal = Journal(record: Self.waiting.driver.record.value)
            journal.begin(step, at: Timestamp(1))
            let failure = Finding(code, observed: "It would upgrade glibc.", expected: "", remedy: .none)
            journal.end(step.id, at: Timestamp(2), failure: failure)
            return journal
        }
        let failed = journal(.buildAheadFailed)
        #expect(failed.failure == nil && failed.record?.state == .installed)
        #expect(Self.plan(journal: failed).steps.isEmpty)
        #expect(Self.plan(journal: failed).aheadProblem == "It would upgrade glibc.")
        #expect(Self.ahead(Self.plan(journal: journal(.packageManagerBusy))) != nil)
        let newer = "5.15.0-1100-azure"
        let next = Self.waiting.with {
            $0.host.pendingKernel = Self.kernel(newer)
            $0.build.prebuiltAhead = .present(NodeFacts.prebuilt(Self.version, kernel: newer))
        }
        #expect(Self.ahead(Self.plan(next, journal: failed)) != nil)
    }
}
