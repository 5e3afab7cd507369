package import Support

/// Packages for the build of kernel modules in a directory, which `gpu-agent catalog mirror --kernel` downloaded.
///
/// They are for one kernel of one version of a distribution.
package struct PackageBundle: Codable, Sendable, Equatable {
    /// A package file.
    package struct File: Codable, Sendable, Equatable {
        package var fileName: String
        package var digest: Checksum
        /// The size in bytes.
        package var size: Int

        package init(fileName: String, digest: Checksum, size: Int) {
            self.fileName = fileName
            self.digest = digest
            self.size = size
        }
    }

    /// The release of the kernel whose headers are among the packages.
    package var kernel: String
    /// The distribution as `ID VERSION_ID` of `os-release`: `ubuntu 22.04`.
    package var system: String
    package var architecture: Architecture
    /// The packages that were asked for, without those that they depend on.
    package var names: [String]
    /// The name of the directory with the files, beside the index.
    package var directory: String
    package var files: [File]

    package init(
        kernel: String,
        system: String,
        architecture: Architecture,
        names: [String],
        directory: String,
        files: [File]
    ) {
        self.kernel = kernel
        self.system = system
        self.architecture = architecture
        self.names = names
        self.directory = directory
        self.files = files
    }

    /// The name of the directory with the files for a kernel.
    package static func directory(for kernel: String) -> String { "kernel-\(kernel)" }

    /// The size of all files in bytes.
    package var size: Int { files.reduce(0) { $0 + $1.size } }

    /// Whether the packages are for a kernel of a host, and for its distribution.
    package func isFor(_ kernel: String, on host: HostFacts) -> Bool {
        guard let release = host.osRelease.value, let version = release.versionID else { return false }
        return self.kernel == kernel && system == "\(release.id) \(version)"
            && architecture == host.architecture.value
    }

    /// Whether the names and sizes are those that the agent writes.
    ///
    /// The index is a file that anybody can have written. A file name can lead nowhere but into the directory.
    package var isSound: Bool {
        // zypper knows the headers of a kernel as NAME=VERSION.
        let all = names.map { $0.replacing("=", with: "-") } + [directory] + files.map(\.fileName)
        return files.count <= 500 && names.count <= 20 && all.allSatisfy(Self.isName)
            && files.allSatisfy { file in
                Self.suffixes.contains(where: file.fileName.hasSuffix) && (0...(1 << 31)).contains(file.size)
                    && file.digest.hex.utf8.count == file.digest.algorithm.hexLength
            }
    }

    /// Packages, and the metadata of a repository of RPM packages.
    private static let suffixes = [".deb", ".rpm", ".xml", ".xml.gz"]

    private static func isName(_ text: String) -> Bool {
        guard let first = text.unicodeScalars.first, first != ".", first != "-", text.utf8.count <= 255 else {
            return false
        }
        return text.unicodeScalars.allSatisfy { scalar in
            switch scalar {
            case "a"..."z", "A"..."Z", "0"..."9", ".", "_", "+", "~", "-": true
            default: false
            }
        }
    }
}
