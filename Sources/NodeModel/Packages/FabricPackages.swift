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
    /// The packages of this bundle as those that a repository offers, from the names of their files
    /// (`NAME_VERSION_ARCHITECTURE.deb`).
    package var offered: [OfferedPackage] {
        files.compactMap { file in
            let parts = file.fileName.split(separator: "_")
            return parts.count == 3 ? OfferedPackage(name: String(parts[0]), version: String(parts[1])) : nil
        }
    }
}
