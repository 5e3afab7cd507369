import NodeModel

/// The driver's libraries on the host.
struct LibraryProbe {
    let root: HostRoot

    /// The directories of 64-bit libraries: Debian's and Ubuntu's, then the Red Hat family's and SUSE's, then the rest.
    static let directories: [HostPath] = [
        "/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib", "/lib64", "/lib",
        "/usr/local/lib64", "/usr/local/lib",
    ]

    /// Where installers of clouds and of containers put a driver beside the system's own directories: AKS's, the one
    /// that `LD_LIBRARY_PATH` of NVIDIA's images names, and GKE's.
    static let furtherDirectories: [HostPath] = [
        "/usr/bin/lib64", "/usr/local/nvidia/lib64", "/home/kubernetes/bin/nvidia/lib64",
    ]

    /// What a link such as `libcuda.so.1` leads to, with the version in the real file's name.
    func library(_ link: String) -> Reading<LibraryFile> {
        let found = reading { () throws(HostError) in try locate(link)?.real.text }
        return found.flatMap { text in
            guard let version = HostPath(absolute: text).flatMap({ Self.version(of: $0.lastComponent) }) else {
                return .unreadable(ReadFailure(.malformed, "\(text): no driver version in the file's name"))
            }
            return .present(LibraryFile(path: text, version: version))
        }
    }

    /// The copies of NVML and CUDA that are not the ones `library(_:)` finds, each real file once, in order of
    /// directories.
    func otherLibraries() -> Reading<[LibraryFile]> {
        reading { () throws(HostError) in
            var others: [LibraryFile] = []
            for name in ["libnvidia-ml.so.1", "libcuda.so.1"] {
                var known = Set([try locate(name)?.real].compactMap(\.self))
                for directory in Self.directories + Self.furtherDirectories {
                    guard let real = try root.resolve(directory.appending(name)), known.insert(real).inserted else {
                        continue
                    }
                    guard let version = Self.version(of: real.lastComponent) else {
                        throw .malformed(real, cause: Complaint("no driver version in the file's name"))
                    }
                    others.append(LibraryFile(path: real.text, version: version))
                }
            }
            return others
        }
    }

    /// What may be a library of the driver in the directory where `libnvidia-ml.so.1` is, with all links followed.
    ///
    /// Others have its prefixes too, such as the container toolkit's: the one who loads them chooses.
    func driverLibraries() throws(HostError) -> [DriverLibrary] {
        guard let directory = try locate("libnvidia-ml.so.1")?.directory, let names = try root.list(directory) else {
            return []
        }
        var libraries: [DriverLibrary] = []
        for name in names where name.hasPrefix("libnvidia-") || name.hasPrefix("libcuda") {
            guard let path = try root.resolve(directory.entry(name)) else { continue }
            libraries.append(DriverLibrary(name: name, path: path))
        }
        return libraries
    }

    /// `580.105.08` of `libcuda.so.580.105.08`; nil for a name without a version.
    static func version(of fileName: String) -> String? {
        guard let stem = fileName.firstRange(of: ".so.") else { return nil }
        return DriverVersion(String(fileName[stem.upperBound...]))?.description
    }

    private func locate(_ name: String) throws(HostError) -> (directory: HostPath, real: HostPath)? {
        for directory in Self.directories + Self.furtherDirectories {
            if let real = try root.resolve(directory.appending(name)) { return (directory, real) }
        }
        return nil
    }
}

/// A library that may be the driver's, under one of its names.
package struct DriverLibrary: Sendable, Equatable {
    /// `libcuda.so.1`.
    package var name: String
    /// The real file on the host, with all links followed.
    package var path: HostPath

    package init(name: String, path: HostPath) {
        self.name = name
        self.path = path
    }
}
