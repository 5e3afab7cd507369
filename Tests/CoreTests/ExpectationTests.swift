import CoreSupport
import Health
import NodeModel
import Reporting
import Support
import TestSupport
import Testing

/// What the command line says about a node (`gpu-agent validate --expect`).
@Suite struct ExpectationTests {
    @Test func readsEachKeyInItsOrder() {
        let read = Expectations(["kind=grid,version=580.65.06,branch=580", "type=open", "mig=single,gpus=8"])
        #expect(read.problems.isEmpty)
        #expect(
            read.all.map { "\($0.key.rawValue)=\($0.value)" } == [
                "kind=grid", "version=580.65.06", "branch=580", "type=open", "mig=single", "gpus=8",
            ]
        )
    }

    @Test func namesEveryMistakeAtOnce() {
        let read = Expectations(["kind=gird,gpu=8,gpus=many,mig", "gpus=65,branch=570,version=580.65.06,,branch=570"])
        #expect(read.problems.count == 8)
        let words = [
            "'kind=gird': the value of kind is grid or datacenter", "did you mean 'gpus'?", "'gpus=many'",
            "'mig' is not of the form key=value", "'gpus=65'", "'' is not of the form", "branch is there twice",
            "the version 580.65.06 is not of the branch 570",
        ]
        for word in words { #expect(read.problems.contains { $0.contains(word) }, "\(word): \(read.problems)") }
    }

    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var facts: NodeFacts
        var state: Finding.State
        var observed: String

        init(_ expectation: String, _ facts: NodeFacts, _ state: Finding.State, _ observed: String) {
            (testDescription, self.facts, self.state, self.observed) = (expectation, facts, state, observed)
        }

        private static let unreadable = ReadFailure(.hang, "nvmlInit_v2: no answer")
        private static let blind = NodeFacts.h100Ready.with {
            $0.vendor = .present(VendorFacts(nvml: .unreadable(unreadable), cuda: .absent))
        }
        private static let lost = NodeFacts.h100Ready.with { $0.driver.loadedVersion = .unreadable(unreadable) }
        private static let half = NodeFacts.rtxProReady.withNVML { $0.gpus.append(.h100) }

        static let all = [
            Case("kind=datacenter", .h100Ready, .pass, "datacenter"),
            Case("kind=grid", .h100Ready, .failed, "datacenter"),
            Case("kind=grid", .rtxProReady, .pass, "grid"), Case("kind=grid", .h100, .failed, "no driver is loaded"),
            Case("kind=grid", lost, .unknown, "no answer"),
            Case("version=595.71.05", .h100Ready, .pass, "595.71.05"),
            Case("version=595.71.06", .h100Ready, .failed, "595.71.05"),
            Case("version=595.71.05", lost, .unknown, "no answer"),
            Case("branch=595", .h100Ready, .pass, "595.71.05"), Case("branch=580", .h100Ready, .failed, "595.71.05"),
            Case("type=open", .h100Ready, .pass, "open"), Case("type=proprietary", .h100Ready, .failed, "open"),
            Case("type=open", .h100, .failed, "no driver is loaded"),
            Case("mig=none", .h100Ready, .pass, "no GPU is in MIG mode"),
            Case("mig=single", .h100Ready, .failed, "no GPU is in MIG mode"),
            Case("mig=single", .rtxProReady, .pass, "single"), Case("mig=none", .rtxProReady, .failed, "single"),
            Case("mig=mixed", half, .pass, "mixed"), Case("mig=single", half, .failed, "mixed"),
            Case("mig=none", blind, .unknown, "no answer"),
            Case("gpus=1", .h100Ready, .pass, "1 in NVML"), Case("gpus=2", .h100Ready, .failed, "1 in NVML"),
            Case("gpus=2", blind, .failed, "1 on the PCI bus"), Case("gpus=1", blind, .unknown, "1 on the PCI bus"),
            Case("gpus=0", .noGPU, .unknown, "0 on the PCI bus"),
        ]
    }

    @Test(arguments: Case.all)
    func isComparedWithTheNode(_ row: Case) throws {
        let finding = try #require(Expectations([row.testDescription]).findings(row.facts).first)
        #expect(finding.code == .expectationNotMet)
        #expect(finding.state == row.state)
        #expect(finding.observed.contains(row.observed), "\(finding.observed)")
        #expect(row.testDescription.hasSuffix("=\(finding.expected)"))
        #expect(!finding.title.isEmpty && finding.remedy.isEmpty == (row.state == .pass))
    }
}
