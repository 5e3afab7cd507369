import NodeModel
import TestSupport
import Testing

@testable import Host

@Suite struct JournalStoreTests {
    private let tree: TemporaryDirectory
    private let store: JournalStore

    init() throws {
        tree = try TemporaryDirectory()
        store = JournalStore(root: try HostRoot(tree.path))
    }

    @Test func keepsAJournal() async throws {
        #expect(try await store.load() == nil)
        var journal = Journal()
        journal.begin(.download, at: 1_795_752_625.588)
        journal.end(.download, at: 1_795_752_628.088)
        try await store.save(journal)
        #expect(try await store.load() == journal)
        #expect(
            try tree.text("var/lib/gpu-agent/journal.json") == """
                {
                  "apiVersion" : "gpu-agent/v1",
                  "durations" : {
                    "download" : 2.5
                  },
                  "kind" : "Journal",
                  "steps" : [
                    {
                      "inverse" : [

                      ],
                      "seconds" : 2.5,
                      "startedAt" : "2026-11-27T04:10:25.588Z",
                      "state" : "done",
                      "step" : "download"
                    }
                  ]
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
        let journal = Journal()
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
        await #expect(throws: HostError.self) { try await store.save(Journal()) }
    }
}
