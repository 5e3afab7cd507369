import Catalog
import FoundationEssentials
import Host
import HostSupport
import NodeModel
import Support
import TestSupport
import Testing

@testable import Agent

/// `catalog mirror` with a real server.
@Suite(.timeLimit(.minutes(2))) struct PackageMirrorTests {
    private static let package = Array(String(repeating: "a driver package\n", count: 4096).utf8)
    /// What `sha256sum` prints for the package.
    private static let sha256 = "016ac0b76c16df08b1678695bd4016ff237b5b0a600445928a4b608a39871ebb"

    private let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    private func driver(
        _ version: String,
        _ server: FileServer,
        name: String? = nil,
        sha256: String? = sha256,
        kind: DriverKind = .datacenter
    ) throws -> CatalogDriver {
        let url = server.url.replacing("/file", with: "/\(name ?? "NVIDIA-\(version).run")")
        return CatalogDriver(
            version: try #require(DriverVersion(version)),
            kind: kind,
            artifact: Artifact(
                urls: [url],
                digest: sha256.map { Checksum(.sha256, $0) },
                size: Self.package.count
            )
        )
    }

    private func mirror(_ drivers: [CatalogDriver]) -> PackageMirror {
        let downloader = Downloader(backoff: .milliseconds(1), patience: 2)
        return PackageMirror(drivers: drivers, directory: directory.path("a/bundle"), downloader: downloader)
    }

    private func failure(_ drivers: [CatalogDriver]) async -> Finding? {
        do throws(AgentFailure) { _ = try await mirror(drivers).run() } catch { return error.problem }
        return nil
    }

    private func names() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: directory.path("a/bundle")).sorted()
    }

    private func index() throws -> PackageIndex {
        try JSONDecoder().decode(PackageIndex.self, from: Data(directory.text("a/bundle/index.json").utf8))
    }

    @Test func aSecondRunDownloadsNothing() async throws {
        try await FileServer.serving(Self.package) { server in
            let drivers = [try driver("580.1", server), try driver("595.2", server)]
            let first = try await mirror(drivers).run()
            #expect(server.questions.map(\.path) == ["/NVIDIA-580.1.run", "/NVIDIA-595.2.run"])
            #expect(try names() == ["NVIDIA-580.1.run", "NVIDIA-595.2.run", "index.json"])
            #expect(try index() == first)
            #expect(first.apiVersion == "gpu-agent/v1" && first.kind == "PackageIndex")
            #expect(
                first.packages.first
                    == PackageIndex.Package(
                        driver: "datacenter-580.1-x86_64",
                        fileName: "NVIDIA-580.1.run",
                        digest: Checksum(.sha256, Self.sha256),
                        size: Self.package.count
                    )
            )
            #expect(first.size == 2 * Self.package.count)
            #expect(try await mirror(drivers).run() == first)
            #expect(server.questions.count == 2)
        }
    }

    @Test func anInterruptedRunGoesOnAndTheIndexComesLast() async throws {
        try await FileServer.serving(Self.package) { server in
            let drivers = [try driver("580.1", server), try driver("595.2", server)]
            server.replace(
                file: Self.package,
                tag: "\"v1\"",
                answers: [.file, .cut(after: 1000), .cut(after: 0), .cut(after: 0)]
            )
            #expect(await failure(drivers)?.code == .downloadFailed)
            let part = "NVIDIA-595.2.run.partial"
            #expect(try names() == ["NVIDIA-580.1.run", part, "\(part).etag"])
            _ = try await mirror(drivers).run()
            #expect(try names() == ["NVIDIA-580.1.run", "NVIDIA-595.2.run", "index.json"])
            #expect(
                server.questions.last
                    == FileServer.Question(path: "/NVIDIA-595.2.run", range: "bytes=1000-", ifRange: "\"v1\"")
            )
        }
    }

    @Test func aDamagedFileIsReplaced() async throws {
        try await FileServer.serving(Self.package) { server in
            let drivers = [try driver("580.1", server)]
            _ = try await mirror(drivers).run()
            try directory.write("a/bundle/NVIDIA-580.1.run", bytes: [UInt8](repeating: 1, count: Self.package.count))
            _ = try await mirror(drivers).run()
            #expect(try directory.text("a/bundle/NVIDIA-580.1.run").utf8.elementsEqual(Self.package))
        }
    }

    /// The index of a later run also lists the packages of an earlier one, as long as they are there.
    @Test func theIndexListsThePackagesOfEarlierRuns() async throws {
        try await FileServer.serving(Self.package) { server in
            for version in ["580.1", "595.2"] { _ = try await mirror([try driver(version, server)]).run() }
            #expect(try index().packages.map(\.driver) == ["datacenter-580.1-x86_64", "datacenter-595.2-x86_64"])
            try FileManager.default.removeItem(atPath: directory.path("a/bundle/NVIDIA-580.1.run"))
            _ = try await mirror([try driver("595.2", server)]).run()
            #expect(try index().packages.map(\.driver) == ["datacenter-595.2-x86_64"])
        }
    }

    @Test func refusesAWrongFileAndNamesThisMachine() async throws {
        try await FileServer.serving(Self.package.reversed()) { server in
            let finding = await failure([try driver("580.1", server)])
            #expect(finding?.code == .downloadHashMismatch)
            server.replace(file: Self.package, tag: nil, answers: [.webPage])
            let page = await failure([try driver("580.1", server)])
            #expect(page?.code == .downloadWebPage)
            #expect(page?.remedy.text.contains("on this machine") == true)
            #expect(try names() == [])
        }
    }

    @Test func refusesDriversThatItCannotMirror() async throws {
        try await FileServer.serving(Self.package) { server in
            #expect(await failure([try driver("580.1", server, sha256: nil)])?.code == .artifactWithoutHash)
            let other = String(repeating: "0", count: 64)
            let clash = await failure([
                try driver("580.1", server, name: "x.run"), try driver("595.2", server, name: "x.run", sha256: other),
            ])
            #expect(clash?.observed.contains("have different packages of the name x.run") == true)
            #expect(server.questions == [])
            // Two drivers can have the same package.
            let index = try await mirror([
                try driver("580.1", server, name: "x.run"), try driver("580.1", server, name: "x.run", kind: .grid),
            ]).run()
            #expect(index.packages.map(\.fileName) == ["x.run", "x.run"] && index.size == Self.package.count)
            #expect(server.questions.count == 1)
        }
    }

    @Test func saysWhyItCannotWrite() async throws {
        try directory.write("a", "a file")
        try await FileServer.serving(Self.package) { server in
            let finding = await failure([try driver("580.1", server)])
            #expect(finding?.observed == "cannot open \(directory.path("a/bundle")): Not a directory")
            #expect(finding?.remedy.text.contains("Check that you can write to") == true)
        }
    }
}
