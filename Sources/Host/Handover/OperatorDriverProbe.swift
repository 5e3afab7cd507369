package import NodeModel

/// Reads what the GPU Operator's validator looks for on the host.
package struct OperatorDriverProbe: Sendable {
    private let root: HostRoot

    package init(root: HostRoot) {
        self.root = root
    }

    package func check() async -> OperatorDriverCheck {
        do throws(HostError) { return try await offPool { () throws(HostError) in try read() } } catch {
            return .unknown("\(error)")
        }
    }

    private func read() throws(HostError) -> OperatorDriverCheck {
        var hasProgram = false
        for path in OperatorDriverCheck.programs {
            // It takes only a file with content that somebody may execute.
            guard let status = try root.status(HostPath(stringLiteral: path)), status.isExecutable, status.size > 0
            else {
                continue
            }
            hasProgram = true
            break
        }
        return OperatorDriverCheck(
            hasProgram: hasProgram,
            loaderFindsLibrary: try LoaderConfiguration(root: root).finds("libnvidia-ml.so.1")
        )
    }
}

extension LoaderConfiguration {
    /// Whether a program of the host finds this library by itself.
    ///
    /// The cache also has what is in the loader's own directories, which differ between distributions. Without a cache,
    /// any of them counts.
    fileprivate func finds(_ name: String) throws(HostError) -> Bool {
        if let bytes = try root.read("/etc/ld.so.cache", limit: 16 << 20) {
            for path in LoaderCache(bytes: bytes).paths(of: [name]).compactMap(HostPath.init(absolute:)) {
                if try root.exists(path) { return true }
            }
            return false
        }
        for directory in Self.own where try root.exists(try directory.entry(name)) { return true }
        return false
    }

    /// The directories that the loader of Debian and Ubuntu, of the Red Hat family and of SUSE searches without a cache.
    private static let own: [HostPath] = [
        "/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib/aarch64-linux-gnu",
        "/usr/lib/aarch64-linux-gnu", "/lib64", "/usr/lib64", "/lib", "/usr/lib",
    ]
}
