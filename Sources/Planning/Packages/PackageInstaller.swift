package import NodeModel

/// A program that installs packages from the repositories of a host.
///
/// It knows the names that its distributions give to what the build of kernel modules needs.
package protocol PackageInstaller: Sendable {
    /// The name of the program on the host, such as `apt-get`.
    var program: String { get }
    /// Whether the agent uses this program on an operating system.
    func isUsed(on system: OSRelease) -> Bool
    /// The package with the headers of exactly this kernel.
    func headers(of kernel: String, on system: OSRelease) -> String
    /// The packages with the default compiler and what it needs to compile a kernel module.
    var compiler: [String] { get }
    /// The major version of gcc that the distribution installs by default; nil when it is not known.
    func defaultCompiler(of system: OSRelease) -> Int?
    /// The package with another major version of gcc, and its program; nil when the distribution has none.
    func compiler(_ major: Int, on system: OSRelease) -> NamedCompiler?
    /// Where it leaves packages that it downloads before the install, when the agent does not keep their files.
    var downloads: String { get }
    /// Whether it can put the files of packages in a directory, install from it, and so replace packages of the agent.
    ///
    /// Its functions then have `version_there`, `download` for `GPU_AGENT_KEPT`, `download_former` and `GPU_AGENT_FILES`.
    var keepsFiles: Bool { get }
    /// The shell functions with which `PackageScript` uses the program.
    var functions: String { get }
}

/// A version of gcc beside the default one.
package struct NamedCompiler: Sendable, Equatable {
    package var package: String
    package var program: String

    package init(package: String, program: String) {
        self.package = package
        self.program = program
    }
}

extension PackageInstaller {
    package var downloads: String { "the package cache of the host" }
    package var keepsFiles: Bool { false }
    package func defaultCompiler(of system: OSRelease) -> Int? { nil }
    package func compiler(_ major: Int, on system: OSRelease) -> NamedCompiler? { nil }
}

/// Every program with which the agent installs packages.
package enum PackageInstallers {
    package static let all: [any PackageInstaller] = [AptGet(), Dnf(), Tdnf(), Zypper()]

    /// The program for an operating system; nil when this version of the agent knows none.
    package static func used(on system: OSRelease) -> (any PackageInstaller)? {
        all.first { $0.isUsed(on: system) }
    }
}
