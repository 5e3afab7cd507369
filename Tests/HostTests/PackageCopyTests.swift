import FoundationEssentials
import Glibc
import Host
import Support
import Synchronization
import SystemPackage
import TestSupport
import Testing

/// Copies a package from a directory of the host.
@Suite(.timeLimit(.minutes(2))) struct PackageCopyTests {
    let bench: DownloadBench
    let host: TemporaryDirectory

    init() throws {
        bench = try DownloadBench()
        host = try TemporaryDirectory()
    }

    private func put(_ bytes: [UInt8], _ name: String = "mnt/drivers/driver.run") throws {
        try host.write(name, bytes: bytes)
    }

    private func copy(
        size: Int? = DownloadBench.file.count,
        sha256: String = DownloadBench.sha256,
        deadline: Duration = .seconds(60),
        into target: FileDescriptor? = nil,
        progress: @Sendable (DownloadProgress) -> Void = { _ in }
    ) async throws(PackageSourceError) -> DownloadResult {
        let copy = PackageCopy(
            source: "/mnt/drivers",
            fileName: "driver.run",
            digest: Checksum(.sha256, sha256),
            size: size,
            deadline: deadline
        )
        let root: HostRoot
        do throws(HostError) { root = try HostRoot(host.path) } catch { throw .fileUnreadable("/", cause: error) }
        return try await copy.run(from: root, into: target ?? bench.descriptor, progress: progress)
    }

    /// The error chain of a copy that must fail.
    private func failure(
        size: Int? = DownloadBench.file.count,
        sha256: String = DownloadBench.sha256,
        deadline: Duration = .seconds(60),
        progress: @Sendable (DownloadProgress) -> Void = { _ in }
    ) async -> String {
        do throws(PackageSourceError) {
            return "\(try await copy(size: size, sha256: sha256, deadline: deadline, progress: progress))"
        } catch { return errorChain(error) }
    }

    @Test(arguments: [DownloadBench.file.count, nil])
    func copiesAndVerifies(_ size: Int?) async throws {
        try put(DownloadBench.file)
        let seen = Mutex<[DownloadProgress]>([])
        let result = try await copy(size: size) { progress in seen.withLock { $0.append(progress) } }
        #expect(result == .downloaded(size: DownloadBench.file.count, resumedFrom: 0))
        #expect(try bench.isDone())
        #expect(seen.withLock { $0.last } == DownloadProgress(received: 3 << 20, total: 3 << 20))
    }

    /// The agent reads its own copy, even when the directory is gone.
    @Test func takesAFinishedCopyWithoutTheDirectory() async throws {
        try bench.put("driver.run", DownloadBench.file)
        #expect(try await copy() == .alreadyThere(size: DownloadBench.file.count))
        #expect(try bench.isDone())
    }

    @Test func replacesWhatADownloadLeft() async throws {
        try put(DownloadBench.file)
        try bench.putRemainder([1, 2, 3], tag: "\"v1\"")
        try bench.put("driver.run", [4])
        _ = try await copy()
        #expect(try bench.isDone())
    }

    @Test func followsLinksInsideTheHostOnly() async throws {
        try put(DownloadBench.file, "srv/real.run")
        try host.link("mnt/drivers/driver.run", to: "/srv/real.run")
        _ = try await copy()
        #expect(try bench.isDone())
    }

    // MARK: Failures

    @Test func saysThatTheDirectoryIsMissing() async throws {
        #expect(await failure() == "the directory /mnt/drivers does not exist")
        try host.write("mnt/drivers", "a file")
        #expect(await failure() == "cannot use the directory /mnt/drivers: cannot list /mnt/drivers: Not a directory")
        #expect(try bench.names() == [])
    }

    @Test func saysWhichPackagesTheDirectoryHas() async throws {
        try host.makeDirectory("mnt/drivers")
        #expect(await failure() == "/mnt/drivers does not have driver.run; it has no driver packages")
        for name in ["b.run", "a.run", "notes.txt"] { try host.write("mnt/drivers/\(name)", "") }
        #expect(await failure() == "/mnt/drivers does not have driver.run; it has a.run, b.run")
        #expect(try bench.names() == [])
    }

    /// Opening a pipe would wait for a writer.
    @Test(arguments: ["directory", "pipe", "loop"])
    func refusesWhatIsNoFile(_ kind: String) async throws {
        try host.makeDirectory("mnt/drivers")
        let path = host.path("mnt/drivers/driver.run")
        switch kind {
        case "directory": #expect(mkdir(path, 0o755) == 0)
        case "pipe": #expect(mkfifo(path, 0o600) == 0)
        default: #expect(symlink("driver.run", path) == 0)
        }
        #expect(await failure().hasPrefix("cannot use the package /mnt/drivers/driver.run: "))
        #expect(try bench.names() == [])
    }

    @Test func refusesAnotherSizeWithoutReadingTheFile() async throws {
        try put(DownloadBench.file)
        let failure = await failure(size: 7) { Issue.record("read \($0)") }
        #expect(failure == "/mnt/drivers/driver.run has 3145728 bytes, expected 7")
        #expect(try bench.names() == [])
    }

    @Test func refusesAnotherContent() async throws {
        var other = DownloadBench.file
        other[2 << 20] ^= 1
        try put(other)
        #expect(await failure().hasPrefix("/mnt/drivers/driver.run has the checksum "))
        #expect(try bench.names() == [])
        // The next run with the right file is successful.
        try put(DownloadBench.file)
        _ = try await copy()
        #expect(try bench.isDone())
    }

    enum Change: String, CaseIterable { case shorter, longer, other }

    /// Whoever can write to the directory can change the file while the agent reads it.
    @Test(arguments: Change.allCases)
    func refusesAFileThatChangesDuringTheCopy(_ change: Change) async throws {
        try put(DownloadBench.file)
        let path = host.path("mnt/drivers/driver.run")
        let failure = await failure { progress in
            guard progress.received == 1 << 20 else { return }
            switch change {
            case .shorter: truncate(path, 2 << 20)
            case .longer: truncate(path, 4 << 20)
            case .other:
                let file = open(path, O_WRONLY)
                pwrite(file, "x", 1, 2 << 20)
                close(file)
            }
        }
        #expect(failure.hasPrefix("/mnt/drivers/driver.run has "), "\(failure)")
        #expect(try bench.names() == [])
    }

    @Test func endsAtTheDeadline() async throws {
        try put(DownloadBench.file)
        #expect(await failure(deadline: .zero).contains("did not end within"))
        #expect(try bench.names() == [])
    }

    @Test(.enabled(if: SmallFileSystem.isPossible, "a file system of its own needs root"))
    func doesNotFillTheFileSystem() async throws {
        try put(DownloadBench.file)
        let small = try SmallFileSystem(megabytes: 2)
        do throws(PackageSourceError) {
            _ = try await copy(into: small.root) { Issue.record("copied \($0)") }
            Issue.record("it went in")
        } catch {
            guard case .target(.noSpace) = error else {
                Issue.record("\(error)")
                return
            }
        }
        #expect(openat(small.root.rawValue, "driver.run.partial", O_RDONLY) == -1)
    }
}
