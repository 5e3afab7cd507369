/// One entry of the host's library directory: its name and the file that it leads to.
package struct DriverLibrary: Sendable, Hashable {
    /// The name by which other libraries load it, such as `libnvidia-ptxjitcompiler.so.1`.
    package var name: String
    /// The path at which this process opens the file.
    ///
    /// The caller has followed all links within the host's root directory.
    package var path: String

    package init(name: String, path: String) {
        self.name = name
        self.path = path
    }

    /// The libraries of the driver of one version among the entries of a directory, sorted by name.
    ///
    /// A library of the driver loads others of its package, so the loader must find them. It must find no other library
    /// of the host, above all not the C library. An entry counts when its name is one of the driver's and its file name
    /// ends with the version. This excludes `libnvidia-container.so.1` and `libcudart.so.12`, which do not belong to
    /// the driver.
    package static func companions(from listing: [DriverLibrary], version: String) -> [DriverLibrary] {
        var names: Set<String> = []
        return
            listing
            .filter { library in
                isDriverName(library.name) && library.path.hasSuffix(".so.\(version)")
                    && names.insert(library.name).inserted
            }
            .sorted { $0.name < $1.name }
    }

    private static func isDriverName(_ name: String) -> Bool {
        guard !name.contains("/") else { return false }
        if name.hasPrefix("libGLX_nvidia.so") || name.hasPrefix("libEGL_nvidia.so") { return true }
        return name.hasPrefix("libcuda.so") || name.hasPrefix("libcudadebugger.so")
            || name.hasPrefix("libnvidia-") && name.contains(".so")
    }
}
