import Support

/// Why a file could not be copied from a directory of the host that does not belong to the agent.
package enum PackageSourceError: CausedError, Sendable {
    /// The directory does not exist.
    case noDirectory(HostPath)
    /// The directory cannot be read, or the path is not a directory.
    case directoryUnreadable(HostPath, cause: HostError)
    /// The directory does not have the file. The names are those of the driver packages in it, at most five.
    case noFile(HostPath, found: [String])
    case fileUnreadable(HostPath, cause: HostError)
    /// The file does not have the expected size, in bytes. Nothing was kept.
    case wrongSize(HostPath, expected: Int, actual: Int)
    /// The file does not have the expected digest. Nothing was kept.
    case wrongDigest(HostPath, expected: String, actual: String)
    /// The file system did not answer in this time, as one on a server that is gone.
    case hangs(HostPath, Duration)
    /// The copy did not end in this time. Nothing was kept.
    case deadline(HostPath, Duration)
    /// The task was canceled. Nothing was kept.
    case cancelled
    /// The copy could not be written to the agent's own directory.
    case target(DownloadError)

    package var cause: (any Error)? {
        switch self {
        case .directoryUnreadable(_, let cause), .fileUnreadable(_, let cause): cause
        case .target(let cause): cause
        case .noDirectory, .noFile, .wrongSize, .wrongDigest, .hangs, .deadline, .cancelled: nil
        }
    }
}

extension PackageSourceError {
    package var description: String {
        switch self {
        case .noDirectory(let path): "the directory \(path) does not exist"
        case .directoryUnreadable(let path, _): "cannot use the directory \(path)"
        case .noFile(let path, let found):
            "\(path.parent) does not have \(path.lastComponent)"
                + (found.isEmpty ? "; it has no driver packages" : "; it has \(found.joined(separator: ", "))")
        case .fileUnreadable(let path, _): "cannot use the package \(path)"
        case .wrongSize(let path, let expected, let actual): "\(path) has \(actual) bytes, expected \(expected)"
        case .wrongDigest(let path, let expected, let actual):
            "\(path) has the checksum \(actual), expected \(expected)"
        case .hangs(let path, let limit): "the file system of \(path) did not answer within \(limit)"
        case .deadline(let path, let limit): "the copy of \(path) did not end within \(limit)"
        case .cancelled: "the copy was canceled"
        case .target: "cannot save the copy"
        }
    }
}
