package import Support

/// A file to download, with the checksum that it must have.
package struct DownloadRequest: Sendable, Equatable {
    /// The URLs of the file (`http` or `https`).
    ///
    /// The first is tried first; the others are mirrors.
    package var urls: [String]
    /// The name of the file in the directory.
    ///
    /// An unfinished download is called `NAME.partial`.
    package var fileName: String
    package var digest: Checksum
    /// The expected size in bytes, when it is known.
    package var size: Int?
    /// The time limit for the whole download: all mirrors, all attempts and the waits between them.
    package var deadline: Duration
    /// How long a server may send nothing before the attempt fails.
    package var stallTimeout: Duration
    /// The free space that a download of unknown size leaves on the file system, in bytes.
    package var reserve = 256 << 20
    /// The rate in bytes per second below which another mirror is tried.
    package var slowestRate = 16 << 10
    /// How long the rate must be too low.
    package var rateWindow = Duration.seconds(30)

    package init(
        urls: [String],
        fileName: String,
        digest: Checksum,
        size: Int? = nil,
        deadline: Duration = .seconds(3600),
        stallTimeout: Duration = .seconds(60)
    ) {
        self.urls = urls
        self.fileName = fileName
        self.digest = digest
        self.size = size
        self.deadline = deadline
        self.stallTimeout = stallTimeout
    }

    /// The sizes that the finished file can have, in bytes; `limit` is the largest size when the size is not known.
    func sizes(limit: Int) -> ClosedRange<Int> { size.map { max($0, 0)...max($0, 0) } ?? 0...max(limit, 0) }
}

/// The progress of a download.
package struct DownloadProgress: Sendable, Equatable {
    /// The number of bytes received, including those of earlier attempts.
    package var received: Int
    /// The size of the file in bytes, when the request or the server names it.
    package var total: Int?

    package init(received: Int, total: Int?) {
        self.received = received
        self.total = total
    }
}

/// The result of a successful download; sizes are in bytes.
package enum DownloadResult: Sendable, Equatable {
    /// The file was already in the directory and has the right digest.
    case alreadyThere(size: Int)
    /// The file was downloaded. An earlier run had left `resumedFrom` bytes of it.
    case downloaded(size: Int, resumedFrom: Int)
}
