import FoundationEssentials
import Glibc
import Host
import TestSupport
import Testing

@Suite struct HandoverStoreTests {
    private let tree: TemporaryDirectory
    private let root: HostRoot
    private var store: HandoverStore { HandoverStore(root: root) }

    private static let directory = "run/nvidia/validations"
    private static let cuda = "/run/nvidia/validations/cuda-ready"
    private static let record = "run/gpu-agent/handover.json"

    init() throws {
        tree = try TemporaryDirectory()
        root = try HostRoot(tree.path)
    }

    private func cuda() throws -> String { try tree.text(String(Self.cuda.dropFirst())) }
    private var hasCUDA: Bool { tree.exists(Self.cuda) }

    @Test func makesAFileAndTakesItAway() async throws {
        #expect(try await store.apply(["cuda-ready": "yes\n"]).made == [Self.cuda])
        #expect(try cuda() == "yes\n")
        // Another process of the agent knows it from the record.
        let later = try await HandoverStore(root: root).apply(["cuda-ready": "yes\n"])
        #expect(later == HandoverStore.Outcome())
        #expect(try await store.withdraw().withdrawn == [Self.cuda])
        #expect(!hasCUDA && tree.exists(Self.directory))
        #expect(try await store.withdraw() == HandoverStore.Outcome())
        #expect(try FileManager.default.contentsOfDirectory(atPath: tree.path(Self.directory)) == [])
    }

    @Test func nothingToDoLeavesNoTrace() async throws {
        #expect(try await store.apply([:]) == HandoverStore.Outcome())
        #expect(!tree.exists("run"))
    }

    @Test func changesItsOwnFile() async throws {
        _ = try await store.apply(["cuda-ready": "old"])
        let done = try await store.apply(["cuda-ready": "new"])
        #expect((done.withdrawn, done.made) == ([Self.cuda], [Self.cuda]))
        #expect(try cuda() == "new")
    }

    @Test func keepsWhatIsNotKnown() async throws {
        _ = try await store.apply(["cuda-ready": "yes", "driver-ready": "yes"])
        let done = try await store.apply([:], keeping: ["cuda-ready"])
        #expect(done.withdrawn == ["/run/nvidia/validations/driver-ready"] && hasCUDA)
        #expect(try await store.withdraw().withdrawn == [Self.cuda])
    }

    @Test func neitherReplacesNorRemovesTheFileOfSomebodyElse() async throws {
        try tree.write(Self.cuda, "theirs")
        #expect(try await store.apply(["cuda-ready": "yes"]).foreign == [Self.cuda])
        #expect(try await store.withdraw() == HandoverStore.Outcome())
        #expect(try cuda() == "theirs")
    }

    /// The validator of the operator removes each file, and makes it again.
    @Test(arguments: ["theirs", "yes"])
    func leavesAFileThatReplacedItsOwn(_ content: String) async throws {
        _ = try await store.apply(["cuda-ready": "yes"])
        let path = tree.path(String(Self.cuda.dropFirst()))
        // Without the rename, the file system could give the new file the number of the old one.
        try tree.write("\(Self.directory)/new", content)
        #expect(rename(tree.path("\(Self.directory)/new"), path) == 0)
        #expect(try await store.withdraw().withdrawn == [])
        #expect(try cuda() == content)
    }

    @Test func leavesAFileThatSomebodyChanged() async throws {
        _ = try await store.apply(["cuda-ready": "yes"])
        // It is the same file with other content.
        try tree.write(String(Self.cuda.dropFirst()), "no!")
        #expect(try await store.withdraw().withdrawn == [])
        #expect(hasCUDA)
    }

    @Test func aFileThatIsGoneIsMadeAgain() async throws {
        _ = try await store.apply(["cuda-ready": "yes"])
        try FileManager.default.removeItem(atPath: tree.path(String(Self.cuda.dropFirst())))
        #expect(try await store.apply(["cuda-ready": "yes"]).made == [Self.cuda])
    }

    @Test func aRecordThatIsNoneMakesNothingItsOwn() async throws {
        _ = try await store.apply(["cuda-ready": "yes"])
        try tree.write(Self.record, "{")
        #expect(try await store.withdraw().withdrawn == [])
        #expect(hasCUDA)
    }

    /// Each inspection finds the file of somebody else again.
    @Test func writesNothingForAFileOfSomebodyElse() async throws {
        try tree.write(Self.cuda, "theirs")
        #expect(try await store.apply(["cuda-ready": "yes"]).foreign == [Self.cuda])
        #expect(!tree.exists(Self.record))
        #expect(try FileManager.default.contentsOfDirectory(atPath: tree.path(Self.directory)) == ["cuda-ready"])
    }

    /// An agent that was killed left a file that had no name yet.
    @Test(arguments: [true, false])
    func takesAwayWhatAKilledAgentLeft(_ isWanted: Bool) async throws {
        _ = try await store.apply(["cuda-ready": "yes"])
        try FileManager.default.removeItem(atPath: tree.path(String(Self.cuda.dropFirst())))
        try tree.write("\(Self.directory)/.cuda-ready.1.2.new", "y")
        _ = try await store.apply(isWanted ? ["cuda-ready": "yes"] : [:])
        let left = try FileManager.default.contentsOfDirectory(atPath: tree.path(Self.directory))
        #expect(left == (isWanted ? ["cuda-ready"] : []))
    }
}
