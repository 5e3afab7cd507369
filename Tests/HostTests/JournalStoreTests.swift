import NodeModel
import TestSupport
import Testing

@testable import Host

@Suite struct JournalStoreTests {
    private struct Journal: Codable, Equatable {
        var steps: [String]
        var version: Int
    }

    private let tree: TemporaryDirectory
    private let store: JournalStore<Journal>

    init() throws {
        tree = try TemporaryDirectory()
        store = JournalStore(root: try HostRoot(tree.path))
    }

    @Test func keepsAJournal() async throws {
        #expect(try await store.load() == nil)
        let journal = Journal(steps: ["download", "install"], version: 1)
        try await store.save(journal)
        #expect(try await store.load() == journal)
        #expect(
            try tree.text("var/lib/gpu-agent/journal.json") == """
                {
                  "steps" : [
                    "download",
                    "install"
                  ],
                  "version" : 1
                }

                """
        )
    }

    @Test(arguments: ["", "{\"steps\": [", "{\"steps\": []}"])
    func putsAMalformedJournalAside(_ text: String) async throws {
        try tree.write("var/lib/gpu-agent/journal.json", text)
        await #expect { try await store.load() } throws: { error in
            guard case HostError.malformed(let path, cause: _) = error else { return false }
            return path == "/var/lib/gpu-agent/journal.json"
        }
        #expect(try await store.quarantine() == "/var/lib/gpu-agent/journal.json.bad")
        #expect(try tree.text("var/lib/gpu-agent/journal.json.bad") == text)
        #expect(try await store.load() == nil)
    }

    @Test func removesWhatKilledWritersLeft() async throws {
        let journal = Journal(steps: ["download"], version: 1)
        try await store.save(journal)
        for name in [".journal.json.17.4711.new", ".other.json.17.4711.new", "journal.json.bad"] {
            try tree.write("var/lib/gpu-agent/\(name)", "{")
        }
        try await store.removeDrafts()
        #expect(!tree.exists("var/lib/gpu-agent/.journal.json.17.4711.new"))
        #expect(tree.exists("var/lib/gpu-agent/.other.json.17.4711.new"))
        #expect(tree.exists("var/lib/gpu-agent/journal.json.bad"))
        #expect(try await store.load() == journal)
    }

    @Test func saysThatAJournalCannotBeRead() async throws {
        try tree.makeDirectory("var/lib/gpu-agent/journal.json/x")
        await #expect(throws: HostError.self) { try await store.load() }
        await #expect(throws: HostError.self) { try await store.save(Journal(steps: [], version: 1)) }
    }
}
