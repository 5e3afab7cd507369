/// The packages with kernel modules that a distribution builds and signs for each of its kernels.
///
/// The agent knows those of Ubuntu: the packages of NVIDIA's datacenter drivers (`-server`). Debian has no such packages.
/// No distribution has them for GRID drivers, whose packages NVIDIA gives only to its licensees. Source of the names: the
/// restricted component of Ubuntu's archive.
package enum PrebuiltModules {
    /// The beginning of the names of all packages with modules.
    package static let prefix = "linux-modules-nvidia-"

    /// Whether the agent knows the packages of an operating system.
    package static func areKnown(on system: OSRelease) -> Bool { system.id == "ubuntu" }

    /// The package with the modules for a kernel.
    package static func modules(branch: Int, _ type: KernelModuleType, kernel: String) -> String {
        "\(prefix)\(branch)-\(suffix(type))-\(kernel)"
    }

    /// The packages beside the modules without which CUDA does not work.
    ///
    /// `nvidia-headless-no-dkms` brings the libraries of CUDA and NVML, and the firmware. `nvidia-modprobe` creates the
    /// device nodes and has a version of its own.
    package static func needed(branch: Int, _ type: KernelModuleType) -> [String] {
        ["nvidia-headless-no-dkms-\(branch)-\(suffix(type))", utilities(branch), tool]
    }

    /// The packages with the libraries for video and graphics, which a container can ask for.
    ///
    /// Some are not there for every processor architecture and every branch.
    package static func further(branch: Int) -> [String] {
        ["decode", "encode", "extra", "fbc1", "gl"].map { "libnvidia-\($0)-\(branch)-server" }
    }

    /// The package with the fabric manager, which a machine with NVSwitch needs.
    package static func fabricManager(branch: Int) -> String { "nvidia-fabricmanager-\(branch)" }

    /// The package with the fabric manager of exactly this driver; nil when the repositories do not offer it.
    package static func fabricManager(of driver: DriverVersion, in offered: [OfferedPackage]) -> OfferedPackage? {
        offered.first { $0.name == fabricManager(branch: driver.branch) && upstream($0.version) == driver }
    }

    /// The branch and the kernel module type in the name of a package with modules for this kernel; nil for every other
    /// name.
    package static func kind(of name: String, kernel: String) -> (branch: Int, type: KernelModuleType)? {
        guard name.hasPrefix(prefix), let branch = Int(name.dropFirst(prefix.count).prefix { $0 != "-" }) else {
            return nil
        }
        let type = KernelModuleType.allCases.first { modules(branch: branch, $0, kernel: kernel) == name }
        return type.map { (branch, $0) }
    }

    /// The drivers that these packages install on a kernel, the newest first.
    ///
    /// - Parameters:
    ///   - offered: The packages that the repositories of a host offer.
    ///   - kernel: The release of the kernel.
    /// - Returns: Only drivers whose user-space packages have one version.
    package static func drivers(_ offered: [OfferedPackage], kernel: String) -> [PrebuiltDriver] {
        let found: [PrebuiltDriver] = offered.compactMap { modules in
            guard let (branch, type) = kind(of: modules.name, kernel: kernel) else { return nil }
            let parts = needed(branch: branch, type).compactMap { name in offered.first { $0.name == name } }
            guard parts.count == needed(branch: branch, type).count,
                let version = parts.first(where: { $0.name == utilities(branch) })?.version,
                let driver = upstream(version), driver.branch == branch,
                parts.allSatisfy({ $0.name == tool || $0.version == version })
            else { return nil }
            let libraries = further(branch: branch).compactMap { name in
                offered.first { $0.name == name && $0.version == version }
            }
            return PrebuiltDriver(version: driver, kernelModuleType: type, packages: [modules] + parts + libraries)
        }
        return found.sorted {
            ($1.version, $0.kernelModuleType.rawValue) < ($0.version, $1.kernelModuleType.rawValue)
        }
    }

    private static let tool = "nvidia-modprobe"

    private static func utilities(_ branch: Int) -> String { "nvidia-utils-\(branch)-server" }

    private static func suffix(_ type: KernelModuleType) -> String { type == .open ? "server-open" : "server" }

    /// The driver version in the version of a Debian package, such as `580.105.08-0ubuntu0.22.04.1`.
    static func upstream(_ version: String) -> DriverVersion? {
        let withoutEpoch = version.split(separator: ":", maxSplits: 1).last ?? ""
        return DriverVersion(String(withoutEpoch.prefix { $0 != "-" }))
    }
}

/// A package that the repositories of a host offer.
package struct OfferedPackage: Codable, Sendable, Equatable {
    package var name: String
    /// The version that the package manager would install, in its own form.
    package var version: String

    package init(name: String, version: String) {
        self.name = name
        self.version = version
    }
}

/// A driver that packages of the distribution install, with modules for one kernel.
package struct PrebuiltDriver: Sendable, Equatable {
    package var version: DriverVersion
    package var kernelModuleType: KernelModuleType
    /// The packages to ask for, the one with the modules first.
    package var packages: [OfferedPackage]

    package init(version: DriverVersion, kernelModuleType: KernelModuleType, packages: [OfferedPackage]) {
        self.version = version
        self.kernelModuleType = kernelModuleType
        self.packages = packages
    }
}
