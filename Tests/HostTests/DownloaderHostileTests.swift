import Glibc
import Host
import HostSupport
import Support
import SystemPackage
import Testing

/// Servers and directories that are out to do harm, or might as well be.
@Suite(.timeLimit(.minutes(2))) struct DownloaderHostileTests {
    let bench: DownloadBench

    init() throws { bench = try DownloadBench() }

    // MARK: Numbers

    /// The longest delay that a header can name.
    ///
    /// The wait ends with the deadline, not with a trap.
    @Test func survivesTheLongestRetryAfter() async throws {
        let answers: [FileServer.Answer] = [.status(503, retryAfter: .max)]
        try await FileServer.serving(DownloadBench.file, answers: answers) { server in
            let failure = try await bench.failure(bench.request([server.url], deadline: .seconds(20)))
            guard case .deadline(_, cause: .status(_, 503, .seconds(86_400))) = failure else {
                Issue.record("\(failure)")
                return
            }
        }
    }

    @Test func aMirrorIsNotHeldUpByTheDelayOfAnother() async throws {
        let answers: [FileServer.Answer] = [.status(503, retryAfter: 3600), .status(502), .file]
        try await FileServer.serving(DownloadBench.file, answers: answers) { server in
            _ = try await bench.fetch(bench.request([server.url, "\(server.url)/mirror"]))
            #expect(server.questions.map(\.path) == ["/file", "/file/mirror", "/file/mirror"])
        }
        #expect(try bench.isDone())
    }

    // MARK: Sizes

    @Test func anEndlessBodyOfUnknownSizeIsCutOff() async throws {
        try await FileServer.serving(DownloadBench.file, answers: [.endless]) { server in
            let request = bench.request([server.url], size: nil)
            guard case .tooLarge(server.url, 8_388_608) = try await bench.failure(request, sizeLimit: 8 << 20) else {
                Issue.record("taken")
                return
            }
        }
        #expect(try bench.names() == [])
    }

    @Test func aLengthAboveTheLimitIsRefusedBeforeTheBody() async throws {
        try bench.putRemainder(DownloadBench.file.prefix(1000), tag: "\"v1\"")
        try await FileServer.serving(DownloadBench.file, answers: [.file]) { server in
            let request = bench.request([server.url], size: nil)
            let failure = try await bench.failure(request, sizeLimit: 1 << 20) { Issue.record("received \($0)") }
            guard case .tooLarge(server.url, 1_048_576) = failure else {
                Issue.record("\(failure)")
                return
            }
        }
        #expect(try bench.names() == [])
    }

    @Test func aLengthOtherThanTheKnownSizeIsRefusedBeforeTheBody() async throws {
        try await FileServer.serving(DownloadBench.file, answers: [.file]) { server in
            let request = bench.request([server.url], size: DownloadBench.file.count - 1)
            let failure = try await bench.failure(request) { Issue.record("received \($0)") }
            guard case .wrongSize(server.url, 3_145_727, 3_145_728) = failure else {
                Issue.record("\(failure)")
                return
            }
        }
        #expect(try bench.names() == [])
    }

    /// The limit is for files whose size nobody knows; a size in the catalog is exact.
    @Test func aKnownSizeMayExceedTheLimit() async throws {
        try await FileServer.serving(DownloadBench.file, answers: [.file]) { server in
            _ = try await bench.fetch(bench.request([server.url]), sizeLimit: 1 << 20)
        }
        #expect(try bench.isDone())
    }

    @Test(.enabled(if: SmallFileSystem.isPossible, "a file system of its own needs root"), arguments: [true, false])
    func anUnknownSizeLeavesTheReserveFree(_ isMeasured: Bool) async throws {
        let small = try SmallFileSystem(megabytes: 8)
        let answers: [FileServer.Answer] = [isMeasured ? .file : .endless]
        try await FileServer.serving(DownloadBench.file, answers: answers) { server in
            var request = bench.request([server.url], size: nil)
            request.reserve = 6 << 20
            do throws(DownloadError) {
                _ = try await Downloader(sizeLimit: 64 << 30).fetch(request, into: small.root)
                Issue.record("it went in")
            } catch {
                guard case .noSpace = error else {
                    Issue.record("\(error)")
                    return
                }
            }
        }
        #expect(openat(small.root.rawValue, "driver.run.partial", O_RDONLY) == -1)
    }

    @Test(.enabled(if: SmallFileSystem.isPossible, "a file system of its own needs root"))
    func aKnownSizeThatDoesNotFitIsRefusedBeforeTheBody() async throws {
        let small = try SmallFileSystem(megabytes: 2)
        try await FileServer.serving(DownloadBench.file) { server in
            do throws(DownloadError) {
                let request = bench.request([server.url])
                _ = try await Downloader().fetch(request, into: small.root) { Issue.record("received \($0)") }
                Issue.record("it went in")
            } catch {
                guard case .noSpace(_, received: 0) = error else {
                    Issue.record("\(error)")
                    return
                }
            }
        }
        #expect(openat(small.root.rawValue, "driver.run.partial", O_RDONLY) == -1)
    }

    // MARK: Mirrors

    @Test func aTamperedMirrorDoesNotBlockTheOthers() async throws {
        var other = DownloadBench.file
        other[1 << 20] ^= 1
        try await FileServer.serving(other) { tampered in
            try await FileServer.serving(DownloadBench.file) { server in
                _ = try await bench.fetch(bench.request([tampered.url, server.url]))
                #expect(tampered.questions.count == 1 && server.questions.count == 1)
            }
        }
        #expect(try bench.isDone())
    }

    @Test func aMirrorWithAnotherSizeDoesNotBlockTheOthers() async throws {
        try await FileServer.serving(Array(DownloadBench.file.dropLast())) { short in
            try await FileServer.serving(DownloadBench.file) { server in
                _ = try await bench.fetch(bench.request([short.url, server.url]))
            }
        }
        #expect(try bench.isDone())
    }

    @Test func whenAllMirrorsFailTheTamperedOneIsNamed() async throws {
        var other = DownloadBench.file
        other[0] ^= 1
        try await FileServer.serving(other, answers: [.file, .status(404)]) { server in
            let failure = try await bench.failure(bench.request([server.url, "\(server.url)/mirror"]))
            guard case .wrongDigest(server.url, _, _) = failure else {
                Issue.record("\(failure)")
                return
            }
        }
        #expect(try bench.names() == [])
    }

    @Test func aSlowMirrorIsLeftForAFasterOne() async throws {
        try await FileServer.serving(DownloadBench.file, answers: [.trickle(bytes: 100)]) { server in
            var request = bench.request([server.url, "\(server.url)/mirror"])
            request.rateWindow = .seconds(1)
            _ = try await bench.fetch(request)
            #expect(server.questions.map(\.path) == ["/file", "/file/mirror"])
        }
        #expect(try bench.isDone())
    }

    @Test func theOnlyServerMayBeSlow() async throws {
        try await FileServer.serving(DownloadBench.file, answers: [.trickle(bytes: 128 << 10)]) { server in
            var request = bench.request([server.url])
            request.rateWindow = .milliseconds(200)
            request.slowestRate = 100 << 20
            _ = try await bench.fetch(request)
            #expect(server.questions.count == 1)
        }
        #expect(try bench.isDone())
    }

    // MARK: Resuming

    /// A firewall, a proxy or a server that refuses the range, or the head with the entity tag in it.
    @Test(arguments: [400, 403, 404, 412, 416, 431])
    func aRefusedResumeBeginsAgain(_ status: Int) async throws {
        try bench.putRemainder(DownloadBench.file.prefix(1000), tag: "\"v1\"")
        try await FileServer.serving(DownloadBench.file, answers: [.status(status)]) { server in
            _ = try await bench.fetch(bench.request([server.url]))
            #expect(server.questions.map(\.range) == ["bytes=1000-", nil])
        }
        #expect(try bench.isDone())
    }

    @Test func aResumeThatKeepsFailingBeginsAgain() async throws {
        try bench.putRemainder(DownloadBench.file.prefix(1000), tag: "\"v1\"")
        try await FileServer.serving(DownloadBench.file, answers: [.status(500), .status(502)]) { server in
            _ = try await bench.fetch(bench.request([server.url]))
            #expect(server.questions.map(\.range) == ["bytes=1000-", "bytes=1000-", nil])
        }
        #expect(try bench.isDone())
    }

    static let badTags = [
        "", "\0\0\0\0", "no quotes", "\"v1\"\r\nx-forged: 1", "\"v\n1\"", "W/\"v1\"", "\"\u{e9}\"",
        "\"" + String(repeating: "x", count: 2000) + "\"",
    ]

    @Test(arguments: badTags)
    func aSpoiltTagBeginsAgain(_ tag: String) async throws {
        try bench.putRemainder(DownloadBench.file.prefix(1000), tag: tag)
        try await FileServer.serving(DownloadBench.file) { server in
            _ = try await bench.fetch(bench.request([server.url]))
            #expect(server.questions == [FileServer.Question()])
        }
        #expect(try bench.isDone())
    }

    @Test func aTagOfManyGigabytesIsNotRead() async throws {
        try bench.putRemainder(DownloadBench.file.prefix(1000), tag: "\"v1\"")
        #expect(truncate("\(bench.path)/driver.run.partial.etag", 3 << 30) == 0)
        try await FileServer.serving(DownloadBench.file) { server in
            _ = try await bench.fetch(bench.request([server.url]))
            #expect(server.questions == [FileServer.Question()])
        }
        #expect(try bench.isDone())
    }

    // MARK: Redirects

    @Test func aRedirectIsFollowed() async throws {
        try await FileServer.serving(DownloadBench.file, answers: [.redirect("/elsewhere?x=1")]) { server in
            _ = try await bench.fetch(bench.request([server.url]))
            #expect(server.questions.map(\.path) == ["/file", "/elsewhere"])
        }
        #expect(try bench.isDone())
    }

    static let redirects: [(String?, String)] = [
        (nil, "it names no URL"), ("", "it names no URL"),
        ("ftp://example.com/x", "'ftp://example.com/x' is not an http"),
        ("file:///etc/passwd", "'file:///etc/passwd' is not an http or https URL"),
        ("http:///x", "'http:///x' has no host"), ("/file", "the redirects form a loop"),
    ]

    @Test(arguments: redirects)
    func aBadRedirectSaysWhatIsWrongWithIt(_ place: String?, _ reason: String) async throws {
        try await FileServer.serving(DownloadBench.file, answers: [.redirect(place)]) { server in
            let failure = try await bench.failure(bench.request([server.url]))
            guard case .badRedirect(server.url, let cause) = failure else {
                Issue.record("\(failure)")
                return
            }
            #expect(cause.description.contains(reason))
            #expect("\(failure)" == "cannot follow the redirect from \(server.url)")
        }
    }

    @Test func redirectsWithoutEndAreGivenUp() async throws {
        let answers = (0..<20).map { FileServer.Answer.redirect("/\($0)") }
        try await FileServer.serving(DownloadBench.file, answers: answers) { server in
            guard case .badRedirect(_, let cause) = try await bench.failure(bench.request([server.url])) else {
                Issue.record("followed")
                return
            }
            #expect(cause.description == "there are more than 10 redirects")
            #expect(server.questions.count == 11)
        }
    }

    // MARK: What lies in the directory

    enum Obstacle: String, CaseIterable { case pipe, link, secondName, directory }

    private func put(_ obstacle: Obstacle, _ name: String) throws {
        try bench.put("victim", Array("victim".utf8))
        let path = "\(bench.path)/\(name)"
        switch obstacle {
        case .pipe: #expect(mkfifo(path, 0o600) == 0)
        case .link: #expect(symlink("victim", path) == 0)
        case .secondName: #expect(link("\(bench.path)/victim", path) == 0)
        case .directory: #expect(mkdir(path, 0o755) == 0)
        }
    }

    @Test(arguments: Obstacle.allCases, ["driver.run", "driver.run.partial", "driver.run.partial.etag"])
    func whatIsNoOwnFileIsPutAside(_ obstacle: Obstacle, _ name: String) async throws {
        try put(obstacle, name)
        try await FileServer.serving(DownloadBench.file) { server in
            _ = try await bench.fetch(bench.request([server.url]))
        }
        #expect(try bench.names() == ["driver.run", "\(name).bad", "victim"])
        #expect(try bench.bytes("driver.run") == DownloadBench.file)
        #expect(try bench.bytes("victim") == Array("victim".utf8))
    }

    @Test func aHugeFinishedFileIsReplacedWithoutReadingIt() async throws {
        try bench.put("driver.run", [])
        #expect(truncate("\(bench.path)/driver.run", 1 << 40) == 0)
        try await FileServer.serving(DownloadBench.file) { server in
            _ = try await bench.fetch(bench.request([server.url]))
        }
        #expect(try bench.isDone())
    }
}
