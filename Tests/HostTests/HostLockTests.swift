import Glibc
import NodeModel
import Support
import Synchronization
import TestSupport
import Testing

@testable import Host

@Suite struct HostLockTests {
    private let tree: TemporaryDirectory
    private let root: HostRoot

    init() throws {
        tree = try TemporaryDirectory()
        root = try HostRoot(tree.path)
    }

    @Test func namesTheHolder() async throws {
        let first = try await HostLock.acquire(on: root, deadline: .zero, as: "gpu-agent install")
        await #expect {
            try await HostLock.acquire(on: root, deadline: .milliseconds(120))
        } throws: { error in
            "\(error)" == "another process holds the lock /run/gpu-agent/lock "
                + "(\(getpid()) gpu-agent install, waited 0.12 seconds)"
        }
        first.release()
        first.release()
        #expect(try tree.text("run/gpu-agent/lock") == "")
        let second = try await HostLock.acquire(on: root, deadline: .zero, as: "second")
        #expect(try tree.text("run/gpu-agent/lock") == "\(getpid()) second\n")
        second.release()
    }

    /// Whoever waits must be able to find the holder: its command, its pod, and since when it has the lock.
    @Test func saysWhoItWaitsFor() async throws {
        let time = Timestamp(1_795_000_000)
        let name = HostLock.holderName(command: "gpu-agent run", pod: "gpu-agent-x7k2p", since: time)
        #expect(name == "gpu-agent run in pod gpu-agent-x7k2p since 2026-11-18T11:06:40Z")
        #expect(
            HostLock.holderName(command: "gpu-agent install", since: time).hasPrefix("gpu-agent install since 2026")
        )
        let first = try await HostLock.acquire(on: root, deadline: .zero, as: name)
        let holders = Mutex<[String]>([])
        await #expect(throws: HostError.self) {
            try await HostLock.acquire(on: root, deadline: .milliseconds(200)) { holder in
                holders.withLock { $0.append(holder) }
            }
        }
        #expect(holders.withLock(\.self) == ["\(getpid()) \(name)"])
        first.release()
        try await HostLock.acquire(on: root, deadline: .zero) { holder in
            holders.withLock { $0.append(holder) }
        }.release()
        #expect(holders.withLock(\.count) == 1)
    }

    @Test func tellsNobodyFromSomebody() async throws {
        #expect(await HostLock.holder(on: root) == .absent)
        let lock = try await HostLock.acquire(on: root, deadline: .zero, as: "gpu-agent install")
        #expect(await HostLock.holder(on: root) == .present("\(getpid()) gpu-agent install"))
        lock.release()
        #expect(await HostLock.holder(on: root) == .absent)
    }

    @Test(.enabled(if: geteuid() == 0, "needs root, to give it up"))
    func saysThatItCannotTellWithoutRights() async throws {
        let lock = try await HostLock.acquire(on: root, deadline: .zero)
        defer { lock.release() }
        let path = tree.path
        await #expect(processExitsWith: .success) { [path = path as String] in
            let root = try HostRoot(path)
            #expect(setuid(65534) == 0)
            #expect(await HostLock.holder(on: root).failure?.reason == .permission)
        }
    }

    @Test func hasOneHolderAtATime() async throws {
        let root = root
        let holders = Counter()
        try await withThrowingTaskGroup { group in
            for _ in 0..<8 {
                group.addTask {
                    let lock = try await HostLock.acquire(on: root, deadline: .seconds(60))
                    #expect(holders.change(by: 1) == 1)
                    await Task.yield()
                    _ = holders.change(by: -1)
                    lock.release()
                }
            }
            try await group.waitForAll()
        }
    }

    @Test func isFreeWhenItsHolderWasKilled() async throws {
        let path = tree.path
        await #expect(processExitsWith: .signal(SIGKILL)) { [path = path as String] in
            let lock = try await HostLock.acquire(on: try HostRoot(path), deadline: .zero, as: "the dead one")
            kill(getpid(), SIGKILL)
            lock.release()
        }
        #expect(try tree.text("run/gpu-agent/lock").hasSuffix("the dead one\n"))
        try await HostLock.acquire(on: root, deadline: .zero).release()
    }

    @Test func givesUpWhenItIsCancelled() async throws {
        let first = try await HostLock.acquire(on: root, deadline: .zero)
        defer { first.release() }
        let root = root
        let waiting = Task { try await HostLock.acquire(on: root, deadline: .seconds(600)).release() }
        waiting.cancel()
        await #expect { try await waiting.value } throws: { error in
            if case HostError.waitCancelled = error { true } else { false }
        }
    }
}

private final class Counter: Sendable {
    private let value = Mutex(0)

    func change(by amount: Int) -> Int {
        value.withLock {
            $0 += amount
            return $0
        }
    }
}
