/// One entry of the host's library directory: the name it has there, and the file it leads to.
package struct DriverLibrary: Sendable, Hashable {
    /// The name another library asks for: `libnvidia-ptxjitcompiler.so.1`.
    package var name: String
    /// The path at which this process opens the file, with all links followed by the caller inside the host's root.
    package var path: String

    package init(name: String, path: String) {
        self.name = name
        self.path = path
    }

    /// The driver's own libraries of one version among the entries of a directory, in the order of their names.
    ///
    /// A driver library asks the loader for others of its package, so those must be found; nothing else of the host
    /// must be, least of all its C library. A name counts when it is one of the driver's and its file carries the
    /// driver's version: this leaves out `libnvidia-container.so.1` and `libcudart.so.12`, which are not of the driver.
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
        return name.hasPrefix("libcuda.so") || name.hasPrefix("libcudadebugger.so")
            || name.hasPrefix("libnvidia-") && name.contains(".so")
    }
}
