import Catalog
import NodeModel
import Planning
import Selection
import Support
import TestSupport
import Testing

/// The archive with the fabric manager that stays on the host for the way back to its driver.
extension FabricTests {
    /// The way back to this driver then needs no network.
    @Test func theArchiveStaysBesideThePackage() throws {
        let digest = try #require(Self.archive.digest)
        let file = KeptFile(fileName: Self.archive.fileName, digest: digest)
        func finish(_ facts: NodeFacts) throws -> (kept: [String], record: InstallRecord) {
            let step = try #require(Self.install(facts, archive: Self.archive).steps.first { $0.id == .finish })
            guard case .keepOnly(let names, directory: HostLayout.packages) = step.effects.first,
                case .record(let record?) = step.effects.last
            else { throw Unexpected() }
            return (names, record)
        }
        let kept = try finish(Self.fresh())
        #expect(kept.kept == ["NVIDIA-grid.run", file.fileName] && kept.record.keptFabricManager == file)
        let full = try finish(Self.fresh().with { $0.build.freeSpace = [] })
        #expect(full.kept == [] && full.record.keptFabricManager == nil)

        // The next install keeps it until its end.
        var facts = Self.running(Self.older, fabricManager: nil, own: [])
        var record = try #require(facts.driver.record.value)
        (record.keptPackage, record.keptFabricManager) = ("old.run", file)
        facts.driver.record = .present(record)
        let begin = try #require(Self.install(facts).steps.first)
        #expect(begin.effects.contains(.keepOnly(["old.run", file.fileName], directory: HostLayout.packages)))
    }

    /// A repository needs a network, and can have lost the version.
    @Test func theWayBackInstallsTheArchiveThatStayed() throws {
        let facts = Self.fresh([Self.package("nvidia-fabricmanager-595")])
        #expect(fabric(Self.install(facts, archive: Self.archive)).first == .downloadFabricPackages)
        var decision = Installs.plan(facts).decision
        decision.driver?.kind = .datacenter
        (decision.fabricManager, decision.fabricManagerArchive) = (Self.need, Self.archive)
        var former = try #require(Installs.own.driver.record.value)
        let digest = try #require(Self.archive.digest)
        former.keptFabricManager = KeptFile(fileName: Self.archive.fileName, digest: digest)
        var record = former
        (record.state, record.former) = (.changing, FormerDriver(former))
        let failure = Finding(.installerFailed, observed: "exit 1", expected: "exit 0", remedy: "see the log")
        decision.failed = FailedInstall(record: record, failure: failure, at: Timestamp(1))
        let back = Planner().plan(facts, decision, journal: nil)
        #expect(fabric(back) == [.downloadFabricManager, .installFabricManager, .fabricManager])
        let step = back.steps.first { $0.id == .downloadFabricManager }
        #expect(step?.title == "verify the kept archive \(Self.archive.fileName)")
    }

    private struct Unexpected: Error {}
}
