import FoundationEssentials
import Health
import Host
import NodeModel
import Planning
import Reporting
import Selection
import Support
import TestSupport

/// The files that the agent keeps on the host. Somebody else can have written them.
extension Properties {
    mutating func checkJournal(_ bytes: [UInt8]) {
        guard let data = try? EarlierNames.upgraded(Data(bytes)),
            let journal = try? JSONDecoder().decode(Journal.self, from: data)
        else { return }
        if let again = try? JSONDecoder().decode(Journal.self, from: JSONEncoder().encode(journal)) {
            expect(again.steps.map(\.step) == journal.steps.map(\.step), "a written journal has the same steps")
            expect(again.record == journal.record, "a written journal has the same record")
        } else {
            expect(false, "a journal that was read can be written and read again")
        }
        for facts in [NodeFacts.h100, .h100Ready] {
            let recorded = facts.with { $0.driver.record = journal.record.map { .present($0) } ?? .absent }
            checkNode(recorded, journal, nil)
            checkUninstall(Uninstall(journal: .present(journal), facts: recorded))
        }
        var next = journal
        next.settleCutOffSteps(missingIn: [.begin, .finish])
        next.end(.install, at: Timestamp(0))
        expect(next.steps.allSatisfy { ($0.seconds ?? 0).isFinite }, "a step has a duration")
        for finding in journal.steps.compactMap(\.failure) { checkFinding(finding) }
    }

    /// What an uninstall would do and show.
    mutating func checkUninstall(_ plan: Uninstall) {
        for finding in plan.problems { checkFinding(finding) }
        let text = terminalText(UninstallDocument(plan, done: false).text(Style(color: false)))
        expect(text.visibleLines == text, "a text for a terminal has no control characters")
    }

    mutating func checkPublished(_ bytes: [UInt8]) {
        guard let state = try? JSONDecoder().decode(PublishedState.self, from: Data(bytes)) else { return }
        if let at = state.at { expect((0...253_402_300_799).contains(at.seconds), "a time between 1970 and 9999") }
        checkNode(.h100Ready, nil, state)
    }

    mutating func checkJobRecord(_ bytes: [UInt8]) {
        let text = String(decoding: bytes, as: UTF8.self)
        if let status = JobRecord.exitStatus(text) { expect((0...255).contains(status), "a status of a shell") }
        guard let record = try? JSONDecoder().decode(JobRecord.self, from: Data(bytes)) else { return }
        let again = try? JSONDecoder().decode(JobRecord.self, from: JSONEncoder().encode(record))
        expect(again == record, "a written record is read as the same")
    }

    /// What the agent would do and show, whatever it read.
    mutating func checkNode(_ facts: NodeFacts, _ journal: Journal?, _ published: PublishedState?) {
        let catalog = SmallCatalog.catalog
        let decision = Selection(catalog: catalog, policy: Policy()).decide(facts)
        checkDecision(decision, catalog)
        let plan = Planner().plan(facts, decision, journal: journal)
        let report = Checks(facts: facts, plan: plan, lastFailure: journal?.failure).report()
        for finding in report.findings { checkFinding(finding) }
        let document = StatusDocument(
            facts: facts,
            plan: plan,
            report: report,
            journal: journal,
            published: published
        )
        for color in [true, false] {
            let text = terminalText(StatusText(status: document, style: Style(color: color), now: 1e9).text)
            let plain = color ? text.replacing("\u{1B}", with: "") : text
            expect(plain.visibleLines == plain, "a text for a terminal has no control characters")
        }
        _ = Publication.of(facts, plan, report, Policy())
    }

    mutating func checkFinding(_ finding: Finding) {
        for text in [finding.observed, finding.expected, finding.remedy.text] {
            expect(text.visible == text, "a finding has no control characters")
            expect(text.utf8.count <= Finding.textLimit, "a finding is short")
        }
    }
}
