package import Support

/// One file to fetch, and what it must be.
package struct DownloadRequest: Sendable, Equatable {
    /// Where the file is, as `http` or `https` addresses; a later one is a mirror, asked when those before fail.
    package var urls: [String]
    /// The name of the file in the directory; what is not finished is there as `NAME.partial`.
    package var fileName: String
    package var digest: Checksum
    /// The size in bytes, when it is known.
    package var size: Int?
    /// For everything together: all mirrors, all attempts, the waits between them.
    package var deadline: Duration
    /// How long a server may send nothing before the attempt is given up.
    package var stallTimeout: Duration

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
}

/// How far a download is.
package struct DownloadProgress: Sendable, Equatable {
    /// The bytes that are there, those of an earlier attempt among them.
    package var received: Int
    /// The size of the whole, when the request or the server names it.
    package var total: Int?

    package init(received: Int, total: Int?) {
        self.received = received
        self.total = total
    }
}

/// How the file came to be there.
package enum DownloadResult: Sendable, Equatable {
    /// It was there already, and its digest is right.
    case alreadyThere(size: Int)
    /// It was fetched; `resumedFrom` bytes were there from before this fetch.
    case downloaded(size: Int, resumedFrom: Int)
}
