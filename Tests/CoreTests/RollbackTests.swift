import Catalog
import CoreSupport
import Health
import NodeModel
import Planning
import Selection
import Support
import TestSupport
import Testing

/// Decisions and plans on a node on which a driver has failed that replaced the agent's own one.
///
/// The old driver is the datacenter driver 595.71.05, and the configuration asks for branch 580.
@Suite struct RollbackTests {
    private static let old = Driver.datacenter595
    private static let new = Driver.datacenter580
    private static let policy = Policy(branch: 580)

    /// The failed install of the driver that the configuration asks for.
    private static func failed(
        kept: String? = "NVIDIA-old.run",
        hash: String? = nil,
        kernel: String = NodeFacts.kernel,
        retried: Bool? = nil
    ) throws -> FailedInstall {
        let catalog = try fourDriverCatalog()
        let entry = try #require(catalog.drivers.first { $0.version.description == "580.159.04" })
        var former = try #require(NodeFacts.h100Ready.driver.record.value)
        former.keptPackage = kept
        let record = InstallRecord(
            state: .changing,
            kind: .datacenter,
            version: "580.159.04",
            kernelModuleType: .open,
            replaces: former.version,
            former: FormerDriver(former),
            kernelRelease: kernel,
            artifactHash: try hash ?? #require(entry.artifact.digest?.hex)
        )
        let finding = Finding(.installerFailed, observed: "exit 1", expected: "exit 0", remedy: "see the log")
        var failed = FailedInstall(record: record, failure: finding, at: Timestamp(7))
        failed.isRetried = retried
        return failed
    }

    private func decide(
        _ failed: FailedInstall,
        _ policy: Policy = policy,
        _ change: (inout NodeFacts) -> Void = { _ in }
    ) throws -> Decision {
        Selection(catalog: try fourDriverCatalog(), policy: policy).decide(Self.facts(failed, change))
    }

    private static func facts(_ failed: FailedInstall, _ change: (inout NodeFacts) -> Void) -> NodeFacts {
        NodeFacts.h100Ready.with {
            $0.driver.failed = failed
            change(&$0)
        }
    }

    /// The host as the failed install left it: its record, and a driver of these parts.
    private static func broken(_ failed: FailedInstall, _ driver: DriverFacts) -> (inout NodeFacts) -> Void {
        { facts in
            facts.driver = driver
            facts.driver.record = .present(failed.record)
            facts.driver.failed = failed
        }
    }

    @Test func keepsTheOldDriverAndSaysWhy() throws {
        let decision = try decide(try Self.failed())
        #expect(SelectionCase.Expected(decision) == .adopt(Self.old, .gpuAgent))
        #expect(decision.failed?.record.version == "580.159.04")
        #expect(decision.evidence.contains { $0.statement.contains("installer-failed: exit 1") })
        let facts = Self.facts(try Self.failed()) { _ in }
        let plan = Planner().plan(facts, decision, journal: nil)
        #expect(plan.steps.isEmpty && plan.obstacles.isEmpty)
        let report = Checks(facts: facts, plan: plan).report()
        #expect(report.verdict == .ready)
        #expect(report.finding(.driverRolledBack)?.state == .notice)
        #expect(report.nextAction.contains("Correct the cause of installer-failed"))
    }

    /// After a boot, the old driver is only loaded.
    @Test func loadsTheOldDriverAfterABoot() throws {
        let facts = Self.facts(try Self.failed()) { $0.driver = $0.driver.unloaded }
        let decision = Selection(catalog: try fourDriverCatalog(), policy: Self.policy).decide(facts)
        #expect(SelectionCase.Expected(decision) == .adopt(Self.old, .gpuAgent))
        #expect(Planner().plan(facts, decision, journal: nil).steps.map(\.id) == [.load, .verify])
    }

    @Test func doesNotWaitForADrainBecauseOfADriverThatFailed() throws {
        let decision = try decide(try Self.failed()) {
            $0.claims.deviceUsers = .present([DeviceUser(pid: 7, command: "python3", nodes: ["nvidia0"])])
        }
        #expect(SelectionCase.Expected(decision) == .adopt(Self.old, .gpuAgent))
    }

    struct Tried: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var hash: String?
        var kernel = NodeFacts.kernel
        var retried: Bool?
    }

    /// What failed was this package for this kernel, and the daemon tried it.
    @Test(arguments: [
        Tried(testDescription: "an operator asks for it", retried: true),
        Tried(testDescription: "the kernel is another one", kernel: "6.1.0-1"),
        Tried(testDescription: "the package is another one", hash: String(repeating: "0", count: 64)),
    ])
    func triesTheNewDriver(_ row: Tried) throws {
        let decision = try decide(try Self.failed(hash: row.hash, kernel: row.kernel, retried: row.retried))
        #expect(SelectionCase.Expected(decision) == .install(Self.new))
        #expect(decision.failed == nil)
    }

    @Test func anotherSelectionCounts() throws {
        let decision = try decide(try Self.failed(), Policy())
        #expect(SelectionCase.Expected(decision) == .adopt(Self.old, .gpuAgent) && decision.failed == nil)
        let other = try decide(try Self.failed(), Policy(kernelModuleType: .proprietary))
        #expect(other.action == .install && other.failed == nil)
    }

    struct Left: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var driver: DriverFacts
        var steps: [StepID]
    }

    static let left = [
        Left(testDescription: "nothing", driver: .none, steps: [.begin, .download, .install, .load, .verify, .finish]),
        Left(
            testDescription: "the whole new driver",
            driver: .loaded("580.159.04", .open, kind: .datacenter),
            steps: [.begin, .download, .unload, .install, .load, .verify, .finish]
        ),
        Left(
            testDescription: "parts of both",
            driver: {
                var parts = DriverFacts.loaded("595.71.05", .open, kind: .datacenter).unloaded
                parts.nvmlLibrary = .present(LibraryFile(path: "/usr/lib/x", version: "580.159.04"))
                return parts
            }(),
            steps: [.begin, .download, .install, .load, .verify, .finish]
        ),
        Left(
            testDescription: "the whole old driver",
            driver: .loaded("595.71.05", .open, kind: .datacenter).unloaded,
            steps: [.begin, .install, .load, .verify, .finish]
        ),
    ]

    @Test(arguments: left)
    func goesBackFromWhatTheFailedInstallLeft(_ row: Left) throws {
        let failed = try Self.failed()
        let facts = Self.facts(failed, Self.broken(failed, row.driver))
        let decision = Selection(catalog: try fourDriverCatalog(), policy: Self.policy).decide(facts)
        #expect(SelectionCase.Expected(decision) == .install(Self.old))
        let plan = Planner().plan(facts, decision, journal: Journal(record: failed.record))
        #expect(plan.goesBack && plan.problems.isEmpty)
        #expect(plan.steps.map(\.id) == row.steps)
        // The old package is kept, and the record owns both drivers from the first step on.
        let begin = try #require(plan.steps.first?.effects)
        #expect(begin.contains(.keepOnly(["NVIDIA-old.run"], directory: HostLayout.packages)))
        guard case .record(let record?) = begin.first(where: { $0.kind == "record" }) else { throw NoRecord() }
        #expect(record.state == .changing && record.owns("595.71.05") && record.owns("580.159.04"))
        #expect(record.former == nil)
        // An uninstall after it removes the driver.
        let install = try #require(plan.steps.first { $0.id == .install })
        #expect(install.inverse.map(\.id.rawValue) == ["uninstall"] && install.leaves == nil)
        #expect((install.job == nil) == (row.testDescription == "the whole old driver"))
    }

    private struct NoRecord: Error {}

    /// A node that takes its packages from a directory makes no connection, also when the kept package is damaged.
    @Test func goesBackWithoutANetwork() throws {
        let failed = try Self.failed()
        let facts = Self.facts(failed, Self.broken(failed, .none))
        let decision = Selection(catalog: try fourDriverCatalog(), policy: Self.policy).decide(facts)
        let plan = Planner(source: .directory("/srv")).plan(facts, decision, journal: Journal(record: failed.record))
        #expect(plan.steps.map(\.id) == [.begin, .copy, .install, .load, .verify, .finish])
        #expect(plan.steps[1].title == "verify the kept package NVIDIA-old.run")
        #expect(!plan.steps.contains { $0.effects.contains { $0.kind == "download" } })
    }

    /// The files of the old driver look whole, but it does not work.
    @Test func installsTheOldDriverWhenItsFilesDoNotWork() throws {
        let failed = try Self.failed()
        let driver = DriverFacts.loaded("595.71.05", .open, kind: .datacenter)
        var facts = Self.facts(failed, Self.broken(failed, driver.unloaded))
        let selection = Selection(catalog: try fourDriverCatalog(), policy: Self.policy)
        let first = Planner().plan(facts, selection.decide(facts), journal: Journal(record: failed.record))
        var journal = Journal()
        journal.failed = failed
        for step in first.steps.prefix(4) {
            journal.begin(step, at: Timestamp(1))
            for case .record(let record) in step.effects { journal.setRecord(record) }
            journal.end(step.id, at: 2, failure: step.id == .verify ? failed.failure : nil)
        }
        #expect(journal.failed == failed && !journal.isGoingBack)
        facts.driver = driver
        (facts.driver.record, facts.driver.failed) = (.present(try #require(journal.record)), failed)
        let again = Planner().plan(facts, selection.decide(facts), journal: journal)
        #expect(again.steps.map(\.id) == [.download, .unload, .install, .load, .verify, .finish])
    }

    /// Without the package of the old driver, only another try is left.
    @Test func triesTheNewDriverAgainWhenThereIsNoWayBack() throws {
        let failed = try Self.failed(kept: nil)
        let decision = try decide(failed, Self.policy, Self.broken(failed, .none))
        #expect(SelectionCase.Expected(decision) == .install(Self.new) && decision.failed == nil)
        let whole = try decide(
            failed,
            Self.policy,
            Self.broken(failed, .loaded("595.71.05", .open, kind: .datacenter).unloaded)
        )
        #expect(SelectionCase.Expected(whole) == .install(Self.old))
    }

    /// Only an install of a driver in place of the agent's own one knows the way back.
    @Test func recordsTheWayBack() throws {
        func former(_ facts: NodeFacts, _ policy: Policy) throws -> FormerDriver? {
            let plan = try Plan.made(for: facts, policy: policy)
            let begin = try #require(plan.steps.first?.effects)
            guard case .record(let record?) = begin.first(where: { $0.kind == "record" }) else { throw NoRecord() }
            return record.former
        }
        let own = NodeFacts.h100Ready.driver.record.value
        #expect(try former(.h100Ready, Self.policy) == own.map(FormerDriver.init))
        #expect(try former(.rtxProVGPU, Policy()) == nil)
        let sameForNewKernel = NodeFacts.h100Ready.with {
            $0.driver = $0.driver.unloaded
            $0.driver.moduleFile = .absent
            $0.host.kernelRelease = .present("5.15.0-1090-azure")
            $0.build.headersRelease = .present("5.15.0-1090-azure")
            let hash = try? fourDriverCatalog().drivers.first { $0.version.description == "595.71.05" }?.artifact
                .digest?.hex
            if let hash, var record = own {
                record.artifactHash = hash
                $0.driver.record = .present(record)
            }
        }
        #expect(try former(sameForNewKernel, Policy()) == nil)
    }

    /// The agent keeps the package only on a disk with much room.
    @Test(arguments: [(50000, true), (3000, false)])
    func keepsThePackageWhenThereIsRoom(_ free: Int, _ isKept: Bool) throws {
        let facts = NodeFacts.rtxProVGPU.with {
            $0.build.freeSpace = [FreeSpace(path: "/var/lib", mebibytes: .present(free))]
        }
        let finish = try #require(try Plan.made(for: facts).steps.last)
        guard case .keepOnly(let names, _) = finish.effects.first else { throw NoRecord() }
        #expect(names.isEmpty != isKept)
    }
}
