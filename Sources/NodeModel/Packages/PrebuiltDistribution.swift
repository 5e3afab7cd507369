/// A distribution whose repositories have packages with kernel modules for each of its kernels.
package protocol PrebuiltDistribution: Sendable {
    /// The package manager that knows what the repositories offer.
    var manager: DriverPackage.Manager { get }
    /// The command with which a person refreshes what the package manager knows.
    var refreshCommand: String { get }
    /// What a person can do so that a repository offers more, as a sentence; empty when there is nothing.
    var hint: String { get }
    /// Whether the agent knows the packages of an operating system.
    func isKnown(on system: OSRelease) -> Bool
    /// Whether a package has modules, judged by its name.
    func isModulePackage(_ name: String) -> Bool
    /// The name of the package with the modules for a kernel; what is not known is a word or a pattern in it.
    func modulePackage(branch: Int?, version: DriverVersion?, _ type: KernelModuleType, kernel: String) -> String
    /// The drivers that packages install on a kernel of an operating system, the newest first.
    func drivers(_ offered: [OfferedPackage], kernel: String, on system: OSRelease) -> [PrebuiltDriver]
    /// The package with the fabric manager of exactly this driver; nil when the repositories do not offer it.
    func fabricManager(of driver: DriverVersion, in offered: [OfferedPackage]) -> OfferedPackage?
}

/// Every distribution with such packages.
///
/// No distribution has them for GRID drivers, whose packages NVIDIA gives only to its licensees.
package enum PrebuiltDistributions {
    package static let all: [any PrebuiltDistribution] = [UbuntuModules(), RedHatModules()]

    /// The packages for an operating system; nil when this version of the agent knows none.
    package static func known(on system: OSRelease?) -> (any PrebuiltDistribution)? {
        system.flatMap { system in all.first { $0.isKnown(on: system) } }
    }
}

/// A package that the repositories of a host offer.
package struct OfferedPackage: Codable, Sendable, Equatable {
    package var name: String
    /// The version that the package manager would install, in its own form.
    package var version: String
    /// Who built the package, in the words of the package; nil when it does not say so.
    package var vendor: String?

    package init(name: String, version: String, vendor: String? = nil) {
        self.name = name
        self.version = version
        self.vendor = vendor
    }
}

/// A driver that packages of the distribution install, with modules for one kernel.
package struct PrebuiltDriver: Sendable, Equatable {
    package var version: DriverVersion
    package var kernelModuleType: KernelModuleType
    /// The packages to ask for, the one with the modules first.
    package var packages: [OfferedPackage]
    /// Whether the kernel trusts the key with which the modules are signed, so that they load with Secure Boot.
    package var isTrusted: Bool

    package init(
        version: DriverVersion,
        kernelModuleType: KernelModuleType,
        packages: [OfferedPackage],
        isTrusted: Bool = true
    ) {
        self.version = version
        self.kernelModuleType = kernelModuleType
        self.packages = packages
        self.isTrusted = isTrusted
    }
}

extension [PrebuiltDriver] {
    /// The drivers from the newest one on; of one version, that with open modules comes first.
    func newestFirst() -> [PrebuiltDriver] {
        sorted { ($1.version, $0.kernelModuleType.rawValue) < ($0.version, $1.kernelModuleType.rawValue) }
    }
}
