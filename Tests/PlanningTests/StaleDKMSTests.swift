import NodeModel
import Planning
import Selection
import Support
import TestSupport
import Testing

/// Trees in DKMS whose source is gone, at which DKMS stops.
@Suite struct StaleDKMSTests {
    private static let stale = DKMSTree(name: "nvidia", version: "535.54.03", kernels: [], lacksSource: true)

    /// A node without a driver, with DKMS and a tree that an earlier driver left.
    private static let facts = NodeFacts.rtxProVGPU.with {
        $0.build.dkms = .present("/usr/sbin/dkms")
        $0.build.packageTools = .present(["apt-get"])
        $0.claims.dkms = .present([stale])
    }

    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var facts: NodeFacts

        init(_ name: String, _ change: (inout NodeFacts) -> Void) {
            testDescription = name
            facts = StaleDKMSTests.facts.with(change)
        }
    }

    static let cases = [
        Case("a tree with its source") {
            $0.claims.dkms = .present([DKMSTree(name: "nvidia", version: "535.54.03", kernels: [])])
        },
        Case("a version that is none of a driver") {
            $0.claims.dkms = .present([DKMSTree(name: "nvidia", version: "trunk", kernels: [], lacksSource: true)])
        },
        Case("the version that is loaded") { $0.driver = .loaded("535.54.03", .open, kind: .grid) },
        Case("the version of the module for this kernel") {
            $0.driver = DriverFacts.loaded("535.54.03", .open, kind: .grid).unloaded
        },
        Case("the loaded version is not known") { $0.driver.loadedVersion = .unreadable(.denied) },
        Case("the loaded version was not read") { $0.driver.loadedVersion = .skipped("not asked") },
        Case("the module for this kernel is not known") { $0.driver.moduleFile = .unreadable(.denied) },
        Case("no DKMS") { $0.build.dkms = .absent },
        Case("DKMS is not known") { $0.build.dkms = .unreadable(.denied) },
        Case("the trees cannot be read") { $0.claims.dkms = .unreadable(.denied) },
    ]

    @Test(arguments: cases)
    func removesNothing(_ row: Case) {
        #expect(row.facts.staleDKMSTrees.isEmpty)
        #expect(!Installs.plan(row.facts).steps.map(\.id).contains(.staleDKMS))
    }

    @Test func removesThemBeforeThePackages() throws {
        let bare = Self.facts.with {
            $0.build.headersRelease = .absent
            let good = DKMSTree(name: "nvidia", version: "570.86.10", kernels: ["6.8.0"])
            $0.claims.dkms = .present([good, Self.stale])
        }
        let plan = Installs.plan(bare)
        #expect(plan.problems.isEmpty)
        #expect(plan.steps.map(\.id).prefix(4) == [.begin, .staleDKMS, .buildPackages, .download])
        let step = plan.steps[1]
        #expect(step.title == "remove nvidia/535.54.03 from DKMS, because its source is gone")
        #expect(step.changes == "/var/lib/dkms/nvidia/535.54.03")
        #expect(!step.disrupts && !step.changesDriver && step.leaves != nil)
        #expect(StepID.known.isSuperset(of: [.staleDKMS, .staleDKMSAhead]))
        guard case .run(let commands) = step.effects.first else {
            Issue.record("no command")
            return
        }
        #expect(commands.count == 1 && commands[0].suffix(2) == ["remove-stale-dkms", "nvidia/535.54.03"])
    }

    /// `dkms remove` leaves a tree that a power failure left with a part of its modules, and `dkms add` refuses it.
    @Test func removesATreeThatIsHalfBuilt() {
        let half = DKMSTree(name: "nvidia", version: "595.91.07", kernels: ["6.8.0"], isHalfBuilt: true)
        let plan = Installs.plan(Self.facts.with { $0.claims.dkms = .present([half]) })
        #expect(plan.steps.map(\.id).prefix(3) == [.begin, .staleDKMS, .download])
        #expect(plan.steps[1].title == "remove nvidia/595.91.07 from DKMS, because its build was interrupted")
        let both = Installs.plan(Self.facts.with { $0.claims.dkms = .present([half, Self.stale]) })
        #expect(both.steps[1].title.hasSuffix("from DKMS, because DKMS can neither build nor remove them"))
    }

    /// The installer registers its version with DKMS, which then builds it.
    @Test func removesThemBeforeTheInstallerUsesDKMS() {
        #expect(Installs.plan(Self.facts).steps.map(\.id).prefix(3) == [.begin, .staleDKMS, .download])
        let damaged = Self.facts.with {
            $0.driver.moduleFile = .unreadable(ReadFailure(.malformed, "no kernel module"))
        }
        #expect(Installs.plan(damaged).steps.map(\.id).contains(.staleDKMS))
    }

    /// `dkms remove` would not find what the step before removed.
    @Test func aTakeoverLeavesThemToThisStep() throws {
        let facts = Self.facts.with {
            $0.driver = .loaded("580.105.08", .open, kind: .grid)
            $0.claims.aksMarker = .present(AKSMarker(version: "580.105.08", kind: "grid", kernel: nil))
            let own = DKMSTree(name: "nvidia", version: "580.105.08", kernels: [])
            $0.claims.dkms = .present([own, Self.stale])
        }
        let removal = try #require(facts.removal(of: .aksImage))
        let commands = removal.commands.filter { $0[0] == "dkms" }
        #expect(commands == [["dkms", "remove", "nvidia/580.105.08", "--all"]])
        let steps = Installs.plan(facts, takesOver: .aksImage).steps.map(\.id)
        let (first, second) = (steps.firstIndex(of: .staleDKMS), steps.firstIndex(of: .remove))
        #expect(try #require(first) < #require(second))
    }

    @Test func aHostWithItsDriverIsLeftAlone() {
        let own = Self.facts.with { $0.driver = .loaded(Installs.version, .open, kind: .grid, record: .installed) }
        let adopted = Decision(action: .adopt, driver: Installs.plan(Self.facts).decision.driver, summary: "adopt")
        #expect(own.staleDKMSTrees.map(\.id) == ["nvidia/535.54.03"])
        #expect(!Planner().plan(own, adopted, journal: nil).steps.map(\.id).contains(.staleDKMS))
    }
}
