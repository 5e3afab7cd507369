import CLinux
import Glibc
import Support
import SystemPackage

extension HostRoot {
    /// How many files a fingerprint is of at most; a build for a kernel asks for less than half of them.
    private static let fingerprintLimit = 64

    /// A text that is another one as soon as one of these files is written, replaced, created or removed.
    ///
    /// It is a SHA-256 digest of the inode, the size and the time of the last change (`ctime`) of each file. Nobody can set
    /// this time, and a package that is installed again has new files although their content and their dates are the same.
    /// Symbolic links are followed. The content of the files is not read.
    ///
    /// - Returns: Nil when the kernel does not tell about one of the files, when a path is not absolute, and for too many.
    package func fingerprint(of paths: [String]) -> String? {
        guard paths.count <= Self.fingerprintLimit else { return nil }
        var lines = ""
        for text in paths {
            guard let path = HostPath(absolute: text), let state = try? state(of: path) else { return nil }
            lines += "\(text) \(state)\n"
        }
        return Checksum.sha256(of: Array(lines.utf8)).hex
    }

    private func state(of path: HostPath) throws(HostError) -> String {
        guard let file = try open(path, GPA_O_PATH, for: .status) else { return "absent" }
        var status = stat()
        guard fstat(file.descriptor.rawValue, &status) == 0 else {
            throw .file(.status, path, cause: Errno(rawValue: errno))
        }
        return "\(status.st_ino) \(status.st_size) \(status.st_ctim.tv_sec).\(status.st_ctim.tv_nsec)"
    }
}
