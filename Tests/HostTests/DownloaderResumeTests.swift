import Host
import HostSupport
import Testing

/// Downloads that are interrupted and resumed.
@Suite(.timeLimit(.minutes(2))) struct DownloaderResumeTests {
    static let megabyte = 1 << 20
    static let size = DownloadBench.file.count

    let bench: DownloadBench

    init() throws { bench = try DownloadBench() }

    private func rest(from first: Int, tag: String = "\"v1\"") -> FileServer.Question {
        FileServer.Question(range: "bytes=\(first)-", ifRange: tag)
    }

    @Test func aCutConnectionIsCarriedOn() async throws {
        let answers: [FileServer.Answer] = [.cut(after: Self.megabyte), .cut(after: Self.megabyte)]
        try await FileServer.serving(DownloadBench.file, answers: answers) { server in
            let result = try await bench.fetch(bench.request([server.url]))
            #expect(result == .downloaded(size: Self.size, resumedFrom: 0))
            #expect(server.questions.map(\.ifRange) == [nil, "\"v1\"", "\"v1\""])
        }
        #expect(try bench.isDone())
    }

    @Test func aFetchThatWasCancelledIsCarriedOnByTheNext() async throws {
        try await FileServer.serving(DownloadBench.file, answers: [.stall(after: Self.megabyte)]) { server in
            let request = bench.request([server.url])
            let (progress, continuation) = AsyncStream.makeStream(of: DownloadProgress.self)
            let descriptor = bench.descriptor
            let first = Task {
                try await Downloader().fetch(request, into: descriptor) { continuation.yield($0) }
            }
            for await step in progress where step.received == Self.megabyte { first.cancel(); break }
            await #expect { try await first.value } throws: {
                if case DownloadError.cancelled = $0 { true } else { false }
            }
            #expect(try bench.bytes("driver.run.partial").count == Self.megabyte)

            let result = try await bench.fetch(request)
            #expect(result == .downloaded(size: Self.size, resumedFrom: Self.megabyte))
            #expect(server.questions == [FileServer.Question(), rest(from: Self.megabyte)])
        }
        #expect(try bench.isDone())
    }

    @Test func aFileThatChangedOnTheServerIsBegunAgain() async throws {
        try bench.putRemainder(repeatElement(7, count: 1000), tag: "\"v0\"")
        try await FileServer.serving(DownloadBench.file) { server in
            _ = try await bench.fetch(bench.request([server.url]))
            #expect(server.questions == [rest(from: 1000, tag: "\"v0\"")])
        }
        #expect(try bench.isDone())
    }

    @Test func aServerThatKnowsNoRangesIsTakenAsItIs() async throws {
        try bench.putRemainder(DownloadBench.file.prefix(1000), tag: "\"v1\"")
        try await FileServer.serving(DownloadBench.file, answers: [.whole]) { server in
            _ = try await bench.fetch(bench.request([server.url]))
            #expect(server.questions == [rest(from: 1000)])
        }
        #expect(try bench.isDone())
    }

    @Test func aRemainderLongerThanTheFileIsBegunAgain() async throws {
        try bench.putRemainder(DownloadBench.file + [1], tag: "\"v1\"")
        try await FileServer.serving(DownloadBench.file) { server in
            _ = try await bench.fetch(bench.request([server.url]))
            #expect(server.questions == [FileServer.Question()])
        }
        #expect(try bench.isDone())
    }

    @Test func aRangeFromElsewhereIsBegunAgain() async throws {
        try bench.putRemainder(DownloadBench.file.prefix(1000), tag: "\"v1\"")
        try await FileServer.serving(DownloadBench.file, answers: [.wrongRange]) { server in
            _ = try await bench.fetch(bench.request([server.url]))
            #expect(server.questions == [rest(from: 1000), FileServer.Question()])
        }
        #expect(try bench.isDone())
    }

    /// After a power failure, a file can have the right length without the right content.
    @Test func aRemainderThatWasNeverWrittenIsNotHeldAgainstTheServer() async throws {
        try bench.putRemainder(repeatElement(0, count: Self.megabyte), tag: "\"v1\"")
        try await FileServer.serving(DownloadBench.file) { server in
            _ = try await bench.fetch(bench.request([server.url]))
            #expect(server.questions == [rest(from: Self.megabyte), FileServer.Question()])
        }
        #expect(try bench.isDone())
    }

    @Test func aWholeRemainderNeedsItsNameOnly() async throws {
        try bench.putRemainder(DownloadBench.file, tag: "\"v1\"")
        let result = try await bench.fetch(bench.request(["http://127.0.0.1:1/file"]))
        #expect(result == .downloaded(size: Self.size, resumedFrom: Self.size))
        #expect(try bench.isDone())
    }

    @Test(arguments: [nil, "W/\"v1\""])
    func withoutAStrongTagEveryAttemptBeginsAtTheBegin(_ tag: String?) async throws {
        let answers: [FileServer.Answer] = [.cut(after: Self.megabyte)]
        try await FileServer.serving(DownloadBench.file, tag: tag, answers: answers) { server in
            _ = try await bench.fetch(bench.request([server.url]))
            #expect(server.questions == [FileServer.Question(), FileServer.Question()])
        }
        #expect(try bench.isDone())
    }

    @Test func aWrongFileThatCameInPiecesIsToldByASecondLook() async throws {
        var other = DownloadBench.file
        other[0] ^= 1
        try await FileServer.serving(other, answers: [.cut(after: Self.megabyte)]) { server in
            let failure = try await bench.failure(bench.request([server.url]))
            guard case .wrongDigest = failure else {
                Issue.record("\(failure)")
                return
            }
            #expect(server.questions.map { $0.range == nil } == [true, false, true])
        }
        #expect(try bench.names() == [])
    }
}
