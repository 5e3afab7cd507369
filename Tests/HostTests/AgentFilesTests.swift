import Glibc
import HostSupport
import NodeModel
import TestSupport
import Testing

@testable import Host

/// The agent's own files and directories, when somebody put something else in their place.
@Suite(.timeLimit(.minutes(1))) struct AgentFilesTests {
    private let tree: TemporaryDirectory
    private let root: HostRoot

    init() throws {
        tree = try TemporaryDirectory()
        root = try HostRoot(tree.path)
        try tree.write("etc/passwd", "root:x:0:0")
    }

    enum Obstacle: String, CaseIterable { case pipe, link, circle, secondName, directory }

    private func put(_ obstacle: Obstacle, _ name: String) throws {
        try tree.write("\(name).beside", "")
        let path = tree.path(name)
        switch obstacle {
        case .pipe: #expect(mkfifo(path, 0o600) == 0)
        case .link: try tree.link(name, to: "/etc/passwd")
        case .circle: try tree.link(name, to: name.split(separator: "/").last.map(String.init) ?? "")
        case .secondName: #expect(link(tree.path("etc/passwd"), path) == 0)
        case .directory: try tree.makeDirectory("\(name)/inside")
        }
    }

    // MARK: The lock

    @Test(arguments: Obstacle.allCases)
    func theLockIsTakenWhateverLiesInItsPlace(_ obstacle: Obstacle) async throws {
        try put(obstacle, "run/gpu-agent/lock")
        // It answers at once, and without following a link.
        let holder = await HostLock.holder(on: root)
        #expect(obstacle == .secondName ? holder == .absent : holder.failure != nil, "\(holder)")
        let lock = try await HostLock.acquire(on: root, deadline: .zero, as: "gpu-agent install")
        #expect(await HostLock.holder(on: root) == .present("\(getpid()) gpu-agent install"))
        lock.release()
        #expect(try tree.text("etc/passwd") == "root:x:0:0")
        #expect(try root.list("/run/gpu-agent") == ["lock", "lock.bad", "lock.beside"])
    }

    @Test func anEarlierObstacleIsReplaced() async throws {
        try put(.directory, "run/gpu-agent/lock.bad")
        try put(.pipe, "run/gpu-agent/lock")
        try await HostLock.acquire(on: root, deadline: .zero).release()
        #expect(try root.status("/run/gpu-agent/lock.bad")?.kind == .pipe)
    }

    @Test func aHugeLockFileIsNotRead() async throws {
        let lock = try await HostLock.acquire(on: root, deadline: .zero, as: "gpu-agent install")
        defer { lock.release() }
        #expect(truncate(tree.path("run/gpu-agent/lock"), 3 << 30) == 0)
        #expect(await HostLock.holder(on: root) == .present("an unknown process"))
    }

    // MARK: Directories

    private static let directories = ["/run/gpu-agent", "/var/lib/gpu-agent", "/var/log/gpu-agent"]

    private func refusal(_ path: HostPath) -> String? {
        do throws(HostError) {
            try root.makeDirectories(path)
            return nil
        } catch { return "\(error)" }
    }

    @Test(arguments: directories)
    func aLinkInPlaceOfADirectoryIsNotFollowed(_ path: String) throws {
        let directory = try #require(HostPath(absolute: path))
        try tree.link(path, to: "/etc")
        let expected = "\(path) is not safe to use: it is a symbolic link"
        #expect(refusal(directory) == expected)
        #expect(refusal(directory.appending("deep/down")) == expected)
        #expect(throws: HostError.self) { try root.openDirectory(directory, create: true) }
        #expect(try root.list("/etc") == ["passwd"])
    }

    @Test(.enabled(if: geteuid() == 0, "needs root, to give a directory away"))
    func aDirectoryMustBelongToRootAlone() throws {
        try tree.makeDirectory("var/lib/gpu-agent/jobs")
        #expect(chmod(tree.path("var/lib/gpu-agent"), 0o777) == 0)
        #expect(refusal("/var/lib/gpu-agent/jobs")?.hasSuffix("users other than root can write to it") == true)
        #expect(chmod(tree.path("var/lib/gpu-agent"), 0o755) == 0)
        #expect(refusal("/var/lib/gpu-agent/jobs") == nil)
        #expect(chown(tree.path("var/lib/gpu-agent/jobs"), 4711, 0) == 0)
        #expect(
            refusal("/var/lib/gpu-agent/jobs/x")?.hasSuffix("jobs is not safe to use: it belongs to user 4711") == true
        )
    }

    /// `/var/log` can be a link, as on immutable systems: that is the host's own way.
    @Test func aLinkAboveTheOwnDirectoryIsFollowed() throws {
        try tree.makeDirectory("mnt/log")
        try tree.link("var/log", to: "/mnt/log")
        #expect(refusal("/var/log/gpu-agent") == nil)
        #expect(try root.isDirectory("/mnt/log/gpu-agent"))
    }

    // MARK: The journal

    @Test(arguments: [Obstacle.pipe, .link, .circle, .directory])
    func whatIsNoJournalIsPutAside(_ obstacle: Obstacle) async throws {
        try put(obstacle, "var/lib/gpu-agent/journal.json")
        let store = JournalStore(root: root)
        await #expect { try await store.load() } throws: { error in
            if case HostError.malformed = error { true } else { false }
        }
        #expect(try await store.quarantine() == "/var/lib/gpu-agent/journal.json.bad")
        try await store.save(Journal())
        #expect(try await store.load() == Journal())
        #expect(try tree.text("etc/passwd") == "root:x:0:0")
    }

    @Test func aHugeJournalIsPutAside() async throws {
        try tree.write("var/lib/gpu-agent/journal.json", "")
        #expect(truncate(tree.path("var/lib/gpu-agent/journal.json"), 1 << 40) == 0)
        await #expect { try await JournalStore(root: root).load() } throws: { error in
            if case HostError.malformed = error { true } else { false }
        }
    }

    @Test(.enabled(if: PrivateHost.isPossible, PrivateHost.reason), .timeLimit(.minutes(2)))
    func aJournalOfAnotherUserIsNotUsed() async throws {
        try await PrivateHost.with { host in
            let store = JournalStore(root: host.root)
            try await store.save(Journal())
            _ = try await host.commands.run(
                ["chown", "4711", "/var/lib/gpu-agent/journal.json"],
                deadline: .seconds(60)
            )
            await #expect { try await store.load() } throws: { error in
                "\(error)" == "/var/lib/gpu-agent/journal.json is malformed"
            }
        }
    }

    static let newer = [
        (
            #"{"apiVersion": "gpu-agent/v2", "kind": "Journal", "steps": []}"#,
            "a newer version of the agent wrote /var/lib/gpu-agent/journal.json: its apiVersion is 'gpu-agent/v2'"
        ),
        (
            #"""
            {"apiVersion": "gpu-agent/v1", "kind": "Journal", "steps": [
              {"step": "polish", "state": "done", "startedAt": "2027-01-02T03:04:05Z"}]}
            """#,
            "a newer version of the agent wrote /var/lib/gpu-agent/journal.json: it has a step 'polish'"
        ),
    ]

    /// It is neither used nor put aside: the newer version still needs it.
    @Test(arguments: newer)
    func aJournalOfANewerVersionIsRefused(_ text: String, _ message: String) async throws {
        try tree.write("var/lib/gpu-agent/journal.json", text)
        await #expect { try await JournalStore(root: root).load() } throws: { "\($0)" == message }
        #expect(try tree.text("var/lib/gpu-agent/journal.json") == text)
    }

    @Test func onlyRootReadsTheJournal() async throws {
        try await JournalStore(root: root).save(Journal())
        #expect(try root.status("/var/lib/gpu-agent/journal.json")?.mode == 0o600)
    }
}
