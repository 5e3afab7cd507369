import FoundationEssentials
import Host
import Logging
import NodeModel
import Support
import Synchronization
import TestSupport
import Testing

@testable import Agent

/// A change of the MIG instances, by whatever program, starts an inspection.
@Suite(.timeLimit(.minutes(2))) struct MIGChangeWatcherTests {
    private static let base = "proc/driver/nvidia/capabilities"
    private let tree: TemporaryDirectory
    private let root: HostRoot

    init() throws {
        tree = try TemporaryDirectory()
        root = try HostRoot(tree.path)
    }

    private func add(_ instance: String) throws { try tree.write("\(Self.base)/\(instance)/access", "x") }
    private func remove(_ path: String) throws {
        try FileManager.default.removeItem(atPath: tree.path("\(Self.base)/\(path)"))
    }

    @Test func theDigestIsThatOfTheInstances() throws {
        let probe = MIGInstanceProbe(root: root)
        let none = try probe.digest()
        try tree.write("\(Self.base)/mig/config", "x")
        try tree.write("\(Self.base)/gpu0/fabric-imex-mgmt", "x")
        try tree.makeDirectory("\(Self.base)/gpu0/mig")
        #expect(try probe.digest() == none, "a driver without MIG devices")
        var seen = [none]
        for instance in ["gpu0/mig/gi1", "gpu0/mig/gi1/ci0", "gpu0/mig/gi1/ci1", "gpu1/mig/gi1", "gpu1/mig/gi2/ci0"] {
            try add(instance)
            let digest = try probe.digest()
            #expect(!seen.contains(digest), "\(instance)")
            seen.append(digest)
        }
        try tree.write("\(Self.base)/gpu1/mig/gi2/ci0/access", "other")
        #expect(try probe.digest() == seen.last)
        try remove("gpu1/mig/gi2/ci0")
        #expect(try !seen.contains(probe.digest()))
        try remove("gpu1/mig/gi2")
        #expect(try probe.digest() == seen[4])
    }

    /// Counts the rings of a watcher while `body` runs, which begins after its first reading.
    private func watching(_ body: (Rings) async throws -> Void) async throws {
        let (wakeUp, rings) = (Bell(), Rings())
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let watcher = MIGChangeWatcher(root: root, wakeUp: wakeUp, pause: .milliseconds(20), logger: logger)
        let running = Task { try await watcher.run() }
        let counting = Task { for await _ in wakeUp.calls { rings.count.withLock { $0 += 1 } } }
        defer {
            running.cancel()
            counting.cancel()
        }
        try await Task.sleep(for: .milliseconds(500))
        try await body(rings)
    }

    @Test func aChangeWakesTheReconciler() async throws {
        try add("gpu0/mig/gi1/ci0")
        try await watching { rings in
            #expect(rings.value == 0, "what was there before is no change")
            try add("gpu0/mig/gi2/ci0")
            try await eventually("a new instance") { rings.value > 0 }
            try await Task.sleep(for: .milliseconds(300))
            let before = rings.value
            try await Task.sleep(for: .milliseconds(300))
            #expect(rings.value == before, "one change is not reported again")
            try remove("gpu0/mig")
            try await eventually("the instances are gone") { rings.value > before }
        }
    }

    /// What cannot be read for some time is no change.
    @Test func anErrorIsNoChange() async throws {
        try add("gpu0/mig/gi1/ci0")
        try await watching { rings in
            // A file in the place of a directory cannot be listed.
            try tree.write("\(Self.base)/gpu0/mig/gi2", "x")
            #expect(throws: HostError.self) { try MIGInstanceProbe(root: root).digest() }
            try await Task.sleep(for: .milliseconds(300))
            try remove("gpu0/mig/gi2")
            try await Task.sleep(for: .milliseconds(300))
            #expect(rings.value == 0)
        }
    }

    private final class Rings: Sendable {
        let count = Mutex(0)
        var value: Int { count.withLock(\.self) }
    }
}
