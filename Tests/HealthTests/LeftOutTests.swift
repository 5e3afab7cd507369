import CoreSupport
import Health
import NodeModel
import TestSupport
import Testing

/// Checks that somebody leaves out, and failures for which it is useless to wait.
@Suite struct LeftOutTests {
    private func report(_ facts: NodeFacts, leavingOut codes: [ReasonCode]) throws -> NodeReport {
        var checks = Checks(facts: facts, plan: try .made(for: facts))
        checks.leftOut = Dictionary(uniqueKeysWithValues: codes.map { ($0, "left out by --skip") })
        return checks.report()
    }

    @Test func nothingChangesWithoutAWish() throws {
        for facts in [NodeFacts.h100, .h100Ready, .rtxProReady, .noGPU, .unknownGPU] {
            #expect(try report(facts, leavingOut: []) == .made(for: facts))
        }
    }

    /// Otherwise a node without a driver would pass.
    @Test func aDriverThatIsAwayIsNotLeftOut() throws {
        let facts = NodeFacts.h100Ready.with {
            $0.driver = $0.driver.unloaded
            $0.vendor = .present(VendorFacts(nvml: .unreadable(ReadFailure(.vendor, "9")), cuda: .absent))
        }
        let whole = try NodeReport.made(for: facts)
        #expect(whole.reason == .driverNotLoaded && whole.finding(.nvmlUnavailable) == nil)
        let rest = try report(facts, leavingOut: [.driverNotLoaded])
        #expect(rest.verdict == .notReady && rest.reason == .driverNotLoaded)
        #expect(rest.nextAction.contains("driver-not-loaded"))
        #expect(rest.finding(.driverNotLoaded)?.state == .skipped)
        #expect(rest.finding(.driverNotLoaded)?.observed == "left out by --skip")
    }

    /// Nodes on which no other check applies after the one that is left out.
    static let brokenNodes: [(what: String, code: ReasonCode, facts: NodeFacts)] = [
        ("no driver fits", .unknownGPU, .unknownGPU),
        ("NVML fails", .nvmlUnavailable, NodeFacts.h100Ready.failing(nvml: ReadFailure(.vendor, "9"))),
        ("NVML hangs", .nvmlHang, NodeFacts.h100Ready.failing(nvml: ReadFailure(.hang, "no answer"))),
        ("CUDA fails", .cudaFailed, NodeFacts.h100Ready.failing(cuda: ReadFailure(.vendor, "999"))),
        ("CUDA hangs", .cudaHang, NodeFacts.h100Ready.failing(cuda: ReadFailure(.hang, "no answer"))),
    ]

    @Test(arguments: brokenNodes)
    func nothingPassesWithoutAProof(_ what: String, _ code: ReasonCode, _ facts: NodeFacts) throws {
        let whole = try NodeReport.made(for: facts)
        #expect(![.ready, .degraded].contains(whole.verdict), "\(what)")
        let rest = try report(facts, leavingOut: [code])
        #expect(![.ready, .degraded].contains(rest.verdict), "\(what): \(rest.nextAction)")
    }

    /// A vGPU without a license works, but slowly.
    ///
    /// Who leaves the license out can have a reason.
    @Test func aLicenseIsLeftOut() throws {
        let facts = NodeFacts.rtxProReady.withNVML {
            $0.gpus[0].license = .present(LicenseFacts(licensed: false, product: nil))
        }
        #expect(try NodeReport.made(for: facts).verdict == .notReady)
        let codes = CheckChoice(["license"]).codes
        #expect(try report(facts, leavingOut: codes.sorted { $0.rawValue < $1.rawValue }).verdict == .ready)
    }

    @Test func aFailureThatIsLeftOutDecidesNothing() throws {
        let facts = NodeFacts.h100Ready.with { facts in
            facts.driver.record = .absent
            facts = facts.withGPU { $0.id.device = 0xffff }
        }
        #expect(try NodeReport.made(for: facts).verdict == .degraded)
        let rest = try report(facts, leavingOut: [.unknownGPU])
        #expect(rest.verdict == .ready && rest.reason == nil)
        #expect(rest.nextAction == "Nothing to do: no check that ran has failed.")
    }

    /// At level 1, nobody asks CUDA, and the rest of the node is weighed as on a node that works.
    @Test func withoutCUDATheNodeIsJudgedByNVML() throws {
        let facts = NodeFacts.h100Ready.with {
            var vendor = $0.vendor.value ?? VendorFacts(nvml: .absent, cuda: .absent)
            vendor.cuda = .skipped("nobody asked for a test of CUDA")
            $0.vendor = .present(vendor)
        }
        #expect(try NodeReport.made(for: facts).verdict == .unknown)
        let rest = try report(facts, leavingOut: [.cudaHang, .cudaFailed, .cudaPeerFailed])
        #expect(rest.verdict == .ready)
        #expect(rest.readiness == .unknown)
        #expect(rest.finding(.cudaFailed)?.state == .skipped)
        let lost = facts.withNVML { $0.gpus = [] }
        #expect(try report(lost, leavingOut: [.cudaHang, .cudaFailed, .cudaPeerFailed]).verdict == .notReady)
    }

    @Test func wordsNameChecksAndSections() {
        let choice = CheckChoice(["license,cuda-failed", "publication", "cuda-faild,driver"])
        #expect(choice.unknown == ["cuda-faild"])
        #expect(choice.codes.isSuperset(of: [.cudaFailed, .licenseMissing, .publicationFailed, .driverMissing]))
        #expect(!choice.codes.contains(.gpuCount))
        let sections = Check.Group.allCases.map(\.word)
        #expect(sections.allSatisfy { CheckChoice([$0]).unknown.isEmpty && !CheckChoice([$0]).codes.isEmpty })
        #expect(Set(CheckChoice.words).count == CheckChoice.words.count)
    }

    @Test(arguments: [
        (ReasonCode.noDriverFits, true), (.immutableSystem, true), (.unknownGPU, true), (.rebootRequired, true),
        (.poolConflict, true), (.driverMissing, false), (.compilerMissing, false), (.diskSpace, false),
        (.packageManagerBusy, false), (.downloadFailed, false), (.downloadHashMismatch, false), (.cudaFailed, false),
        (.expectationNotMet, false),
    ])
    func onlySomeFailuresLast(_ code: ReasonCode, _ lasts: Bool) {
        let failed = Finding(code, observed: "x", expected: "y")
        let report = NodeReport(verdict: .notReady, reason: code, nextAction: "x", findings: [failed])
        #expect((report.lastingFailure == failed) == lasts)
        var installing = report
        installing.verdict = .installing
        #expect(installing.lastingFailure == nil)
        var warned = report
        warned.findings[0].state = .warning
        #expect(warned.lastingFailure == nil)
    }
}

extension NodeFacts {
    /// The same node, on which NVML fails and CUDA is not tested.
    fileprivate func failing(nvml: ReadFailure) -> NodeFacts {
        with { $0.vendor = .present(VendorFacts(nvml: .unreadable(nvml), cuda: .absent)) }
    }

    /// The same node, with a test of CUDA that ended with this failure.
    fileprivate func failing(cuda: ReadFailure) -> NodeFacts {
        with { facts in
            var vendor = facts.vendor.value ?? VendorFacts(nvml: .absent, cuda: .absent)
            vendor.cuda = .unreadable(cuda)
            facts.vendor = .present(vendor)
        }
    }
}
