import FoundationEssentials
import Glibc
import Host
import Support
import SystemPackage

/// A directory for downloads, and a file to download.
final class DownloadBench: Sendable {
    /// Three MiB without repetition.
    static let file: [UInt8] = (0..<(3 << 20)).map { UInt8(truncatingIfNeeded: ($0 &* 167) &+ ($0 >> 9)) }
    /// What `sha256sum` prints for the file.
    static let sha256 = "02d0713b032b2398b5d5e4305a36a39cb460c5da90cdc627b05801f75f6996eb"
    /// What `sha512sum` prints for the file.
    static let sha512 =
        "daf6ff0ca9477063a107084f5d68b0c70721af1035d3c1b0c51baeaae7b4633a"
        + "4437bc0f3da485c74b2448a42c0331e11629696bd720db94b20474593c47770b"

    let path: String
    let descriptor: FileDescriptor

    init() throws {
        var template = Array("/tmp/download-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw Errno(rawValue: errno) }
        path = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        descriptor = try FileDescriptor.open(FilePath(path), .readOnly, options: [.directory, .closeOnExec])
    }

    deinit {
        try? descriptor.close()
        try? FileManager.default.removeItem(atPath: path)
    }

    func put(_ name: String, _ bytes: [UInt8]) throws { try Data(bytes).write(to: URL(filePath: "\(path)/\(name)")) }

    /// Writes the files that an interrupted download leaves.
    func putRemainder(_ bytes: some Sequence<UInt8>, tag: String?) throws {
        try put("driver.run.partial", Array(bytes))
        if let tag { try put("driver.run.partial.etag", Array(tag.utf8)) }
    }

    func bytes(_ name: String) throws -> [UInt8] { Array(try Data(contentsOf: URL(filePath: "\(path)/\(name)"))) }

    func names() throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: path).sorted() }

    /// Whether the directory contains the complete file and no other file.
    func isDone() throws -> Bool { try names() == ["driver.run"] && bytes("driver.run") == Self.file }

    func request(
        _ urls: [String],
        digest: Checksum = Checksum(.sha256, sha256),
        size: Int? = file.count,
        stallTimeout: Duration = .seconds(30),
        deadline: Duration = .seconds(100)
    ) -> DownloadRequest {
        DownloadRequest(
            urls: urls,
            fileName: "driver.run",
            digest: digest,
            size: size,
            deadline: deadline,
            stallTimeout: stallTimeout
        )
    }

    /// Downloads with few attempts and short waits.
    func fetch(
        _ request: DownloadRequest,
        sizeLimit: Int = Downloader.usualSizeLimit,
        progress: @escaping @Sendable (DownloadProgress) -> Void = { _ in }
    ) async throws(DownloadError) -> DownloadResult {
        try await Downloader(sizeLimit: sizeLimit, backoff: .milliseconds(1), patience: 4)
            .fetch(request, into: descriptor, progress: progress)
    }

    /// The error of a download that must fail.
    func failure(
        _ request: DownloadRequest,
        sizeLimit: Int = Downloader.usualSizeLimit,
        progress: @escaping @Sendable (DownloadProgress) -> Void = { _ in }
    ) async throws -> DownloadError {
        let result: DownloadResult
        do throws(DownloadError) {
            result = try await fetch(request, sizeLimit: sizeLimit, progress: progress)
        } catch { return error }
        throw UnexpectedResult(result: result)
    }

    struct UnexpectedResult: Error {
        var result: DownloadResult
    }
}
