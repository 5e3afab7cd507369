/// The packages with the programs that set up NVLink between GPUs, beside a driver that is not from packages.
///
/// Sources of the names: NVIDIA's package repositories and its guides for the fabric manager and IMEX, and the multiverse
/// component of Ubuntu's archive.
package enum FabricPackages {
    /// The beginnings of the names of all these packages.
    package static let prefixes = ["nvidia-fabricmanager", "nvidia-fabric-manager", "nvidia-imex"]
    /// The NVLink subnet manager, which the fabric manager starts on boards since B200.
    ///
    /// It has versions of its own.
    package static let subnetManager = "nvlsm"
    /// The package with `ibstat`, which the fabric manager's start script runs on these boards.
    package static let diagnostics = "infiniband-diags"

    /// The file with the checksums of the packages that the agent keeps, beside them.
    package static let checksums = "SHA256SUMS"

    /// Whether a package of this name has a program that must have the driver's version.
    package static func isProgram(_ name: String) -> Bool { prefixes.contains(where: name.hasPrefix) }

    /// The names of the package with a program, the most specific first.
    ///
    /// NVIDIA's repositories have the branch in the name only for older branches.
    package static func names(of program: DriverService.Program, branch: Int) -> [String] {
        switch program {
        case .fabricManager: ["nvidia-fabricmanager-\(branch)", "nvidia-fabricmanager", "nvidia-fabric-manager"]
        case .imex: ["nvidia-imex-\(branch)", "nvidia-imex"]
        case .licenseDaemon, .persistenced: []
        }
    }

    /// The package with a program of exactly this driver's version; nil when none is offered.
    package static func package(
        with program: DriverService.Program,
        of driver: DriverVersion,
        in offered: [OfferedPackage]
    ) -> OfferedPackage? {
        names(of: program, branch: driver.branch).lazy.compactMap { name in
            offered.first { $0.name == name && UbuntuModules.upstream($0.version) == driver }
        }.first
    }

    /// The packages that the fabric manager needs on boards since B200 and that are offered.
    package static func forSubnetManager(in offered: [OfferedPackage]) -> [OfferedPackage] {
        [subnetManager, diagnostics].compactMap { name in offered.first { $0.name == name } }
    }
}

extension PackageBundle {
    /// The packages of this bundle as those that a repository offers, from the names of their files.
    package var offered: [OfferedPackage] { files.compactMap { OfferedPackage(fileName: $0.fileName) } }
}

extension OfferedPackage {
    /// The package in a file with the name that package managers give it: `NAME_VERSION_ARCHITECTURE.deb` or
    /// `NAME-VERSION-RELEASE.ARCHITECTURE.rpm`.
    ///
    /// Nil for other names. In the name of a Debian package, `%3a` is the colon after the epoch. The name of an RPM package
    /// has no epoch.
    package init?(fileName: String) {
        if fileName.hasSuffix(".deb") {
            let parts = fileName.split(separator: "_", omittingEmptySubsequences: false)
            guard parts.count == 3, !parts[0].isEmpty, !parts[1].isEmpty else { return nil }
            self.init(name: String(parts[0]), version: parts[1].split(separator: "%3a").joined(separator: ":"))
            return
        }
        let stem = fileName.dropLast(".rpm".count)
        guard fileName.hasSuffix(".rpm"), let dot = stem.lastIndex(of: ".") else { return nil }
        let parts = stem[..<dot].split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count >= 3, parts.allSatisfy({ !$0.isEmpty }) else { return nil }
        self.init(
            name: parts.dropLast(2).joined(separator: "-"),
            version: parts.suffix(2).joined(separator: "-")
        )
    }
}
