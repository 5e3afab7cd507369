import FoundationEssentials
import Glibc
import Host
import NodeModel
import Support
import TestSupport
import Testing

@Suite struct GPUHistoryStoreTests {
    private let tree: TemporaryDirectory
    private let root: HostRoot
    private var store: GPUHistoryStore { GPUHistoryStore(root: root) }

    init() throws {
        tree = try TemporaryDirectory()
        root = try HostRoot(tree.path)
    }

    private static let file = "var/lib/gpu-agent/gpu-events.json"

    private static func message(_ code: Int, _ sequence: UInt64) -> DriverLog.Message {
        let gpu = PCIAddress(domain: 0, bus: 0x81, device: 0, function: 0)
        return .init(sequence: sequence, microseconds: 0, message: .xid(code, gpu, text: "x"))
    }

    @Test func aHistoryWithoutChangesNeedsNoFile() async throws {
        #expect(try await store.load() == GPUHistory())
        try await store.update { _ in }
        #expect(!tree.exists(Self.file))
    }

    @Test func aChangeIsOnTheDiskAndOnlyForRoot() async throws {
        let isNew = try await store.update { $0.add(Self.message(79, 1), boot: "a", at: Timestamp(1)) }
        #expect(isNew)
        #expect(try await GPUHistoryStore(root: root).load().events.map(\.code) == [79])
        let attributes = try FileManager.default.attributesOfItem(atPath: tree.path(Self.file))
        #expect(attributes[.posixPermissions] as? Int == 0o600)
    }

    /// Many processes can change it: no change is lost.
    @Test func changesAtTheSameTimeAreAllKept() async throws {
        let store = store
        await withTaskGroup { group in
            for code in 1...20 {
                group.addTask {
                    _ = try? await store.update {
                        $0.add(Self.message(code, UInt64(code)), boot: "a", at: Timestamp(1))
                    }
                }
            }
        }
        #expect(Set(try await store.load().events.compactMap(\.code)) == Set(1...20))
    }

    @Test func aFileThatIsNoHistoryIsPutAside() async throws {
        try tree.write(Self.file, "{")
        await #expect(throws: HostError.self) { try await store.load() }
        try await store.update { _ = $0.add(Self.message(79, 1), boot: "a", at: Timestamp(1)) }
        #expect(try await store.load().events.count == 1)
        #expect(tree.exists(Self.file + ".bad"))
    }

    @Test func aDraftOfAKilledAgentIsRemoved() async throws {
        try tree.write("var/lib/gpu-agent/.gpu-events.json.17.4711.new", "{")
        try await store.update { _ = $0.add(Self.message(79, 1), boot: "a", at: Timestamp(1)) }
        #expect(try root.list("/var/lib/gpu-agent") == ["gpu-events.json"])
    }

    @Test func aProcessThatHoldsTheFileIsNamed() async throws {
        try await store.update { _ = $0.add(Self.message(79, 1), boot: "a", at: Timestamp(1)) }
        let lock = open(tree.path("run/gpu-agent/gpu-events.lock"), O_RDWR)
        defer { close(lock) }
        #expect(flock(lock, LOCK_EX) == 0)
        let error = await #expect(throws: HostError.self) { try await store.update { $0.events = [] } }
        guard case .lockHeld? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(try await store.load().events.count == 1)
    }
}
