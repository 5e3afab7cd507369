import NodeModel
import Support
import TestSupport
import Testing

@testable import Agent

/// Texts in the facts that others chose: processes, packages, devices, libraries.
@Suite struct VisibleFactsTests {
    @Test func loseTheirControlCharacters() {
        let facts = NodeFacts.h100Ready.with { facts in
            facts.host.osRelease = .present(OSRelease(id: "evil", versionID: nil, prettyName: "Evil\u{1B}[2JOS\r\n"))
            let users = [DeviceUser(pid: 7, command: "py\u{9B}31m\nforged", nodes: ["nvidia0"])]
            facts.claims.deviceUsers = .present(users)
        }
        let visible = facts.visible
        #expect(visible.host.osRelease.value?.prettyName == "Evil\u{fffd}[2JOS  ")
        #expect(visible.claims.deviceUsers.value?.first?.command == "py\u{fffd}31m forged")
        #expect(
            visible.with {
                $0.host.osRelease = facts.host.osRelease; $0.claims = facts.claims
            } == facts
        )
    }

    @Test func aJournalKeepsItsCommands() throws {
        let uninstall = PlannedStep(
            id: .remove,
            title: "uninstall",
            changes: "the driver",
            deadlineSeconds: 900,
            effects: [.job(Effect.Job(name: "uninstall", command: ["sh", "-ec", "if true\nthen exit 3\nfi"]))],
            failure: StepFailure(.driverRemovalFailed, subject: "the uninstaller")
        )
        var journal = Journal()
        journal.begin(uninstall, at: Timestamp(1_795_219_200))
        journal.steps[0].inverse = [uninstall]
        let failure = Finding(.driverRemovalFailed, observed: "\u{1B}[2Jgone", expected: "b", remedy: "c")
        journal.end(.remove, at: Timestamp(1_795_219_201), failure: failure)
        var clean = journal
        clean.steps[0].failure?.observed = "\u{fffd}[2Jgone"
        #expect(journal.visible == .present(clean))
    }

    /// A value that does not survive the replacement is not used at all.
    @Test func aTextThatCannotBeReplacedIsNotShown() {
        #expect(withoutControls(Picky(text: "plain")) == Picky(text: "plain"))
        #expect(withoutControls(Picky(text: "\u{1B}[2J")) == nil)
        let facts = NodeFacts.unreadable(ReadFailure(.malformed, "why"))
        #expect(facts.visible == facts)
        #expect(facts.pci.value == nil && facts.vendor.value == nil && facts.driver.sources.isEmpty)
    }

    /// Can be read only when it has no U+FFFD.
    private struct Picky: Codable, Equatable {
        var text: String

        init(text: String) { self.text = text }

        init(from decoder: any Decoder) throws {
            text = try decoder.container(keyedBy: CodingKeys.self).decode(String.self, forKey: .text)
            guard !text.contains("\u{fffd}") else { throw MessageError("no") }
        }
    }

    @Test(arguments: [NodeFacts.h100, .h100Ready, .rtxProVGPU, .rtxProReady, .noGPU, .unknownGPU])
    func stayAsTheyAreOtherwise(_ facts: NodeFacts) {
        let quoted = facts.with {
            $0.host.osRelease = .present(OSRelease(id: "x", versionID: nil, prettyName: "a \"quoted\" \\ name / ü"))
        }
        #expect(quoted.visible == quoted)
    }
}
