import NodeModel

/// The packages that the agent can install for a build ahead of a boot.
struct AheadPackages {
    /// The packages that such a build needs and the host lacks.
    struct Names {
        /// The package with the headers of the kernel.
        var headers: String?
        /// The package with the compiler of the kernel.
        var compiler: String?
    }

    private let installer: any PackageInstaller
    private let system: OSRelease
    /// The path of the only directory that has packages, and what is in it; nil for the repositories of the node.
    private let directory: (path: String, bundle: PackageBundle)?

    /// Nil when the agent does not know the package manager of the host, or when the directory has no packages for the
    /// kernel.
    ///
    /// - Parameters:
    ///   - facts: The facts of the node.
    ///   - directory: The only directory from which the agent may install them; nil for the repositories of the node.
    init?(_ facts: NodeFacts, directory: String?) {
        guard let system = facts.host.osRelease.value, let installer = PackageInstallers.used(on: system),
            facts.build.packageTools.value?.contains(installer.program) == true
        else { return nil }
        let bundle = facts.build.bundleAhead?.value
        if directory != nil, bundle == nil { return nil }
        (self.installer, self.system) = (installer, system)
        self.directory = directory.flatMap { path in bundle.map { (path, $0) } }
    }

    /// The package with the headers of exactly this kernel; nil when the directory lacks it.
    func headers(of kernel: String) -> String? {
        let name = installer.headers(of: kernel, on: system)
        return offers(name) ? name : nil
    }

    /// The compiler of this major version; nil when the distribution or the directory lacks it.
    func compiler(_ major: Int) -> NamedCompiler? {
        installer.compiler(major, on: system).flatMap { offers($0.package) ? $0 : nil }
    }

    private func offers(_ name: String) -> Bool { directory?.bundle.names.contains(name) ?? true }

    /// The install of the packages; nil when nothing is missing.
    func install(_ names: Names, for build: BuildAhead, _ facts: NodeFacts) -> InstallHeadersAhead? {
        guard names.headers != nil || names.compiler != nil else { return nil }
        return InstallHeadersAhead(
            installer: installer,
            headers: names.headers,
            compiler: names.compiler,
            kernel: build.kernel,
            version: build.version,
            work: facts.build.workDirectory,
            source: directory.map { BuildPackages.Source($0.bundle, in: $0.path) }
        )
    }
}
