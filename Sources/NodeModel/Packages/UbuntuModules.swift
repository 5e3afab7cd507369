/// The packages with the modules that Ubuntu builds and signs for each of its kernels.
///
/// They are those of NVIDIA's datacenter drivers (`-server`). Source of the names: the restricted component of Ubuntu's
/// archive.
package struct UbuntuModules: PrebuiltDistribution {
    package init() {}

    /// The beginning of the names of all packages with modules.
    package static let prefix = "linux-modules-nvidia-"

    package var manager: DriverPackage.Manager { .dpkg }
    package var refreshCommand: String { "apt-get update" }
    package var hint: String { "" }

    package func isKnown(on system: OSRelease) -> Bool { system.id == "ubuntu" }

    package func isModulePackage(_ name: String) -> Bool { name.hasPrefix(Self.prefix) }

    package func modulePackage(
        branch: Int?,
        version: DriverVersion?,
        _ type: KernelModuleType,
        kernel: String
    ) -> String {
        let branch = (branch ?? version?.branch).map(String.init) ?? "BRANCH"
        return "\(Self.prefix)\(branch)-\(Self.suffix(type))-\(kernel)"
    }

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

    package func fabricManager(of driver: DriverVersion, in offered: [OfferedPackage]) -> OfferedPackage? {
        offered.first {
            $0.name == Self.fabricManager(branch: driver.branch) && Self.upstream($0.version) == driver
        }
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

    /// Only drivers whose user-space packages have one version count.
    package func drivers(_ offered: [OfferedPackage], kernel: String, on system: OSRelease) -> [PrebuiltDriver] {
        let found: [PrebuiltDriver] = offered.compactMap { modules in
            guard let (branch, type) = Self.kind(of: modules.name, kernel: kernel) else { return nil }
            let needed = Self.needed(branch: branch, type)
            let parts = needed.compactMap { name in offered.first { $0.name == name } }
            guard parts.count == needed.count,
                let version = parts.first(where: { $0.name == Self.utilities(branch) })?.version,
                let driver = Self.upstream(version), driver.branch == branch,
                parts.allSatisfy({ $0.name == Self.tool || $0.version == version })
            else { return nil }
            let libraries = Self.further(branch: branch).compactMap { name in
                offered.first { $0.name == name && $0.version == version }
            }
            return PrebuiltDriver(version: driver, kernelModuleType: type, packages: [modules] + parts + libraries)
        }
        return found.newestFirst()
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
