import NodeModel
import Support

/// Finds the driver's libraries on the host.
struct LibraryProbe {
    private let root: HostRoot
    /// The directories to search: those of the dynamic loader first, then the known ones, each of them once.
    private let places: Result<[HostPath], HostError>

    /// Reads the configuration of the dynamic loader, once for all searches.
    init(root: HostRoot) {
        self.root = root
        places = Result { () throws(HostError) in
            let all =
                try LoaderConfiguration(root: root).directories(of: Set(Self.leading)) + Self.directories
                + Self.furtherDirectories
            var seen: Set<HostPath> = []
            return all.filter { seen.insert($0).inserted }
        }
    }

    /// The directories of 64-bit libraries: those of Debian and Ubuntu, of the Red Hat family and SUSE, then others.
    static let directories: [HostPath] = [
        "/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib", "/lib64", "/lib",
        "/usr/local/lib64", "/usr/local/lib",
    ]

    /// Other directories where installers and immutable systems put the driver.
    ///
    /// They are those of AKS, of the `LD_LIBRARY_PATH` in NVIDIA's images, of GKE and of Google's installer, of
    /// Bottlerocket, Talos, Flatcar and NixOS, of NVIDIA's packages for Jetson, and of Windows for its Linux guests.
    static let furtherDirectories: [HostPath] = [
        "/usr/bin/lib64", "/usr/local/nvidia/lib64", "/home/kubernetes/bin/nvidia/lib64", "/var/lib/nvidia/lib64",
        "/usr/lib/nvidia/tesla", "/usr/lib/nvidia/grid", "/usr/local/glibc/lib", "/usr/local/glibc/usr/lib",
        "/opt/nvidia/lib64", "/opt/nvidia/current/lib64", "/run/opengl-driver/lib", "/usr/lib/aarch64-linux-gnu/nvidia",
        "/usr/lib/wsl/lib",
    ]

    /// The names of the libraries whose versions tell the driver's version.
    static let leading = ["libnvidia-ml.so.1", "libcuda.so.1"]

    /// The file that a link such as `libcuda.so.1` points to, with the version from the file's name.
    func library(_ link: String) -> Reading<LibraryFile> {
        let found = reading { () throws(HostError) in try locate(link)?.real.text }
        return found.flatMap { text in
            guard let version = HostPath(absolute: text).flatMap({ Self.version(of: $0.lastComponent) }) else {
                return .unreadable(ReadFailure(.malformed, "\(text): the file name has no driver version"))
            }
            return .present(LibraryFile(path: text, version: version))
        }
    }

    /// Further copies of the NVML and CUDA libraries, besides those that `library(_:)` finds, in the order of the
    /// directories.
    ///
    /// Each real file is listed once.
    func otherLibraries() -> Reading<[LibraryFile]> {
        reading { () throws(HostError) in
            var others: [LibraryFile] = []
            let directories = try places.get()
            for name in Self.leading {
                var known = Set([try locate(name)?.real].compactMap(\.self))
                for directory in directories {
                    guard let real = try resolve(name, in: directory), known.insert(real).inserted else { continue }
                    guard let version = Self.version(of: real.lastComponent) else {
                        throw .malformed(real, cause: MessageError("the file name has no driver version"))
                    }
                    others.append(LibraryFile(path: real.text, version: version))
                }
            }
            return others
        }
    }

    /// The files in the directory of `libnvidia-ml.so.1` that may be libraries of the driver, with all links followed.
    ///
    /// Other software uses the same prefixes, for example the container toolkit. The caller selects.
    func driverLibraries() throws(HostError) -> [DriverLibrary] {
        guard let directory = try locate("libnvidia-ml.so.1")?.directory, let names = try root.list(directory) else {
            return []
        }
        var libraries: [DriverLibrary] = []
        let prefixes = ["libnvidia-", "libcuda", "libGLX_nvidia.", "libEGL_nvidia."]
        for name in names where prefixes.contains(where: name.hasPrefix) {
            guard let path = try root.resolve(directory.entry(name)) else { continue }
            libraries.append(DriverLibrary(name: name, path: path))
        }
        return libraries
    }

    /// The libraries of X11 that the Vulkan driver of NVIDIA needs, as far as the host has them.
    func windowLibraries() throws(HostError) -> [DriverLibrary] {
        let names = [
            "libX11.so.6", "libXext.so.6", "libxcb.so.1", "libXau.so.6", "libXdmcp.so.6", "libbsd.so.0", "libmd.so.0",
        ]
        var libraries: [DriverLibrary] = []
        for name in names {
            if let path = try locate(name)?.real { libraries.append(DriverLibrary(name: name, path: path)) }
        }
        return libraries
    }

    /// The real path of the Vulkan loader; absent when the host has none.
    func vulkanLoader() -> Reading<String> {
        reading { () throws(HostError) in try locate("libvulkan.so.1")?.real.text }
    }

    /// The version in a file name: `580.105.08` for `libcuda.so.580.105.08`; nil without one.
    static func version(of fileName: String) -> String? {
        guard let stem = fileName.firstRange(of: ".so.") else { return nil }
        return DriverVersion(String(fileName[stem.upperBound...]))?.description
    }

    private func locate(_ name: String) throws(HostError) -> (directory: HostPath, real: HostPath)? {
        for directory in try places.get() {
            if let real = try resolve(name, in: directory) { return (directory, real) }
        }
        return nil
    }

    /// The real path of a library; nil when the directory has none, or one for 32-bit programs.
    private func resolve(_ name: String, in directory: HostPath) throws(HostError) -> HostPath? {
        guard let real = try root.resolve(directory.appending(name)) else { return nil }
        guard let file = try? root.openFile(real), let header = try? file.read(at: 0, count: 5) else { return real }
        return header == [0x7f, 0x45, 0x4c, 0x46, 1] ? nil : real
    }
}

/// A file on the host that may be a library of the driver.
package struct DriverLibrary: Sendable, Equatable {
    /// The name in the library directory, such as `libcuda.so.1`.
    package var name: String
    /// The real path on the host, with all links followed.
    package var path: HostPath

    package init(name: String, path: HostPath) {
        self.name = name
        self.path = path
    }
}
