import CoreSupport
import Health
import NodeModel
import Planning
import Support
import TestSupport
import Testing

/// What the checks say about the publication in the cluster, and what becomes of the verdict that a person sees.
@Suite struct PublicationChecksTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var name: String
        var published: PublishedState?
        var verdict: Verdict
        var reason: ReasonCode?
        var observed: [String] = []
        var next: String?
        var testDescription: String { name }
    }

    private static let at = Timestamp(1_795_219_200)

    static let cases: [Case] = [
        Case(name: "a node without a cluster", published: nil, verdict: .ready),
        Case(name: "no attempt yet", published: PublishedState(node: "gpu-1"), verdict: .ready),
        Case(name: "published", published: PublishedState(node: "gpu-1", at: at), verdict: .ready),
        Case(
            name: "the API server never answered",
            published: PublishedState(node: "gpu-1", failure: "get node gpu-1 failed: connection refused"),
            verdict: .degraded,
            reason: .publicationFailed,
            observed: ["connection refused", "No publication has succeeded yet."],
            next: "Restore the connection"
        ),
        Case(
            name: "the API server stopped to answer",
            published: PublishedState(node: "gpu-1", at: at, failure: "get node gpu-1 timed out"),
            verdict: .degraded,
            reason: .publicationFailed,
            observed: ["The last success was at 2026-11-21T00:00:00.000Z."],
            next: "Restore the connection"
        ),
        Case(
            name: "a policy refuses",
            published: PublishedState(node: "gpu-1", at: at, failure: "policy 'p' denied request", isRefused: true),
            verdict: .degraded,
            reason: .publicationFailed,
            observed: ["policy 'p' denied request"],
            next: "Correct the rights"
        ),
        Case(
            name: "a right to write the conditions is missing",
            published: PublishedState(
                node: "gpu-1",
                at: at,
                conditionsFailure: "cannot patch resource \"nodes/status\"",
                areConditionsRefused: true
            ),
            verdict: .degraded,
            reason: .publicationFailed,
            observed: ["cannot patch resource \"nodes/status\"", "Its labels and its taint are up to date."],
            next: "Correct the rights"
        ),
        Case(
            name: "the conditions cannot be written",
            published: PublishedState(node: "gpu-1", at: at, conditionsFailure: "the API server is busy"),
            verdict: .degraded,
            reason: .publicationFailed,
            observed: ["cannot write its node conditions: the API server is busy."],
            next: "Restore the connection"
        ),
        Case(
            name: "nothing can be written",
            published: PublishedState(
                node: "gpu-1",
                conditionsFailure: "the API server is busy",
                failure: "get node gpu-1 failed: connection refused"
            ),
            verdict: .degraded,
            reason: .publicationFailed,
            observed: ["connection refused", "No publication has succeeded yet."]
        ),
        Case(
            name: "another client changes the verdict",
            published: PublishedState(
                node: "gpu-1",
                at: at,
                contested: [ContestedField(field: "the label gpu-agent.dev/verdict", managers: ["argocd"])]
            ),
            verdict: .degraded,
            reason: .fieldContested,
            observed: ["The field manager 'argocd' keeps changing the label gpu-agent.dev/verdict."],
            next: "Configure the other client"
        ),
        Case(
            name: "another client removes the taint",
            published: PublishedState(
                node: "gpu-1",
                at: at,
                contested: [ContestedField(field: "the taint gpu-agent.dev/not-ready", managers: [])]
            ),
            verdict: .degraded,
            reason: .fieldContested,
            observed: ["A client keeps removing the taint gpu-agent.dev/not-ready."]
        ),
    ]

    private static func foreign(_ value: String) -> PublishedState {
        let label = ForeignLabel(key: "nvidia.com/gpu.count", value: value, wanted: "1", managers: ["nfd-master"])
        return PublishedState(node: "gpu-1", at: at, foreignLabels: [label])
    }

    /// Feature discovery may need a minute to notice a change of the GPUs.
    @Test(arguments: [("1", Finding.State.pass, "with the same values"), ("8", .notice, "is '8' in place of '1'")])
    func namesTheOwnerOfLabelsAndStaysReady(_ value: String, _ state: Finding.State, _ part: String) throws {
        let report = Checks(facts: .h100Ready, plan: .adoptedH100, published: Self.foreign(value)).report()
        #expect(report.verdict == .ready)
        let finding = try #require(report.findings.first { $0.code == .labelsForeign })
        #expect(finding.state == state && finding.observed.contains("'nfd-master'") && finding.observed.contains(part))
    }

    @Test(arguments: cases)
    func degradesAReadyNode(_ test: Case) throws {
        let report = Checks(facts: .h100Ready, plan: .adoptedH100, published: test.published).report()
        #expect(report.verdict == test.verdict && report.reason == test.reason)
        let finding = report.findings.first { $0.code == test.reason }
        for part in test.observed { #expect(finding?.observed.contains(part) == true, "\(finding?.observed ?? "")") }
        if let next = test.next { #expect(report.nextAction.hasPrefix(next), "\(report.nextAction)") }
        let passed = report.findings.contains { $0.code == .publicationFailed && $0.state == .pass }
        let isUpToDate = test.published?.failure == nil && test.published?.conditionsFailure == nil
        #expect(passed == (test.published?.at != nil && isUpToDate))
    }

    /// The daemon publishes the verdict on the GPUs, whatever became of the last publication.
    @Test func whatIsPublishedDoesNotDependOnThePublication() {
        let report = Checks(facts: .h100Ready, plan: .adoptedH100).report()
        #expect(report.verdict == .ready)
        #expect(!report.findings.contains { [.publicationFailed, .fieldContested].contains($0.code) })
    }

    @Test func aFailedCheckOfTheGPUsStaysTheReason() {
        let published = PublishedState(node: "gpu-1", failure: "connection refused")
        let facts = NodeFacts.h100Ready.with { $0.vendor = .unreadable(ReadFailure(.vendor, "driver not loaded")) }
        let report = Checks(facts: facts, plan: .adoptedH100, published: published).report()
        #expect(report.reason != .publicationFailed)
        #expect(report.findings.contains { $0.code == .publicationFailed })
    }

    /// A startup taint stays on such a node too.
    @Test func aNodeWithoutAGPUKeepsItsVerdictAndSaysIt() throws {
        let published = PublishedState(node: "gpu-1", failure: "connection refused")
        let report = Checks(facts: .noGPU, plan: try .made(for: .noGPU), published: published).report()
        #expect(report.verdict == .noGPU)
        #expect(report.findings.map(\.code) == [.noGPU, .publicationFailed])
        #expect(report.nextAction.hasPrefix("Restore the connection"))
    }
}
