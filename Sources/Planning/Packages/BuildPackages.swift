package import NodeModel

/// The packages that give a host what the build of the kernel modules needs and what is missing.
package struct BuildPackages: Sendable {
    package var installer: any PackageInstaller
    /// The names of the packages, the headers first; empty when nothing is missing.
    package var names: [String]
    /// The package with the headers of the running kernel; nil when the host has them.
    package var headers: String?
    /// The compiler with which the kernel modules must be built; nil for the default one.
    package var compiler: String?
    /// The findings that these packages settle.
    package var settled: Set<ReasonCode>
    /// The directory that has the packages, for a node without a network; nil for the repositories of the node.
    package var source: Source?

    /// A directory of the host with packages.
    package struct Source: Sendable {
        /// The absolute path of the directory.
        package var path: String
        package var files: [PackageBundle.File]

        /// The packages of a bundle, which is in a directory beside its index.
        package init(_ bundle: PackageBundle, in directory: String) {
            path = "\(directory)/\(bundle.directory)"
            files = bundle.files
        }

        /// The effects that install from copies of the files.
        ///
        /// The agent verifies its own copies, so a file that changes in the directory later cannot be installed.
        ///
        /// - Parameters:
        ///   - copies: The directory for the copies.
        ///   - install: The effects that install from this directory.
        /// - Returns: The copies, these effects, and the removal of the copies.
        func copied(to copies: String, _ install: (String) -> [Effect]) -> [Effect] {
            let copy = files.map { file in
                Effect.copy(
                    Effect.Copy(
                        source: path,
                        directory: copies,
                        fileName: file.fileName,
                        digest: file.digest,
                        size: file.size
                    )
                )
            }
            return [.remove([copies])] + copy + install(copies) + [.remove([copies])]
        }
    }

    /// Looks for what the host lacks, and for the packages that have it.
    ///
    /// - Returns: Nil when the agent does not know the package manager of the host.
    package init?(_ facts: NodeFacts, kernel: String) {
        guard let system = facts.host.osRelease.value, let installer = PackageInstallers.used(on: system),
            facts.build.packageTools.value?.contains(installer.program) == true, Self.isName(kernel)
        else { return nil }
        self.installer = installer
        (names, settled) = ([], [])
        let build = facts.build
        if build.lacksHeaders(of: kernel) {
            let package = installer.headers(of: kernel, on: system)
            headers = package
            names.append(package)
            settled.insert(.kernelHeadersMissing)
        }
        addCompiler(build, system)
        if build.make.isAbsent {
            names.append("make")
            settled.insert(.makeMissing)
        }
    }

    /// Adds the compiler, and that of the kernel's version when the default compiler is older.
    private mutating func addCompiler(_ build: BuildFacts, _ system: OSRelease) {
        var major = build.compilerVersion.value?.major
        if build.compiler.isAbsent {
            names += installer.compiler
            settled.insert(.compilerMissing)
            major = installer.defaultCompiler(of: system)
        }
        guard let needed = build.majorOfNewerCompiler(build.kernelCompiler.value, than: major) else { return }
        if let path = build.namedCompiler.value {
            compiler = path
        } else if let other = installer.compiler(needed, on: system) {
            names.append(other.package)
            compiler = other.program
            settled.insert(.compilerMismatch)
        }
    }

    /// Takes the packages from a directory of the host, or leaves them out when it does not have all of them.
    ///
    /// - Parameters:
    ///   - directory: The path of the directory that has the index.
    ///   - bundle: The packages in it; nil when it has none for this kernel.
    package mutating func take(from directory: String, _ bundle: PackageBundle?) {
        guard let bundle, names.allSatisfy(bundle.names.contains) else {
            return installNothing()
        }
        source = Source(bundle, in: directory)
    }

    /// Leaves out every package.
    ///
    /// What remains is the way to undo the packages of an earlier install.
    package mutating func installNothing() {
        (names, headers, compiler, settled) = ([], nil, nil, [])
    }

    /// Whether a kernel release can be a part of the name of a package.
    package static func isName(_ release: String) -> Bool {
        !release.isEmpty
            && release.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"):
                    true
                default: "._+~-".utf8.contains(byte)
                }
            }
    }
}

extension BuildFacts {
    /// Whether the host certainly has no headers of a kernel.
    func lacksHeaders(of kernel: String) -> Bool {
        switch headersRelease {
        case .present(kernel), .unreadable, .skipped: false
        case .present, .absent, .absentBecause: true
        }
    }

    /// The major version of a kernel's gcc when it is newer than this one; nil when it is not, or not known.
    func majorOfNewerCompiler(_ kernel: Compiler?, than major: Int?) -> Int? {
        guard let kernel, kernel.kind == .gcc, let needed = kernel.major, let major,
            compilerVersion.value?.kind ?? .gcc == .gcc, major < needed
        else { return nil }
        return needed
    }

    /// The compiler of the kernel's version that the host has beside an older default compiler; nil when it has none.
    var namedCompilerToUse: String? {
        majorOfNewerCompiler(kernelCompiler.value, than: compilerVersion.value?.major).flatMap { _ in
            namedCompiler.value
        }
    }
}
