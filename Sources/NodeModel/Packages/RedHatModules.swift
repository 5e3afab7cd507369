/// The packages with precompiled modules for the kernels of Red Hat Enterprise Linux.
///
/// The name of a package has the version of the driver and the release of the kernel without its distribution:
/// `kmod-nvidia-open-580.105.08-6.12.0-124.20.1` is for `6.12.0-124.20.1.el10_1`. Sources: the specification and
/// `DISTROS.md` in NVIDIA/yum-packaging-precompiled-kmod, and mizdebsk/radii, the source of `rhel-drivers`.
///
/// - Red Hat builds those with open modules and signs them with a key that its kernels trust.
/// - NVIDIA builds those with proprietary modules, in streams of the module `nvidia-driver`. Their key is NVIDIA's, which
///   no kernel trusts (NVIDIA/yum-packaging-precompiled-kmod#67).
package struct RedHatModules: PrebuiltDistribution {
    package init() {}

    package var manager: DriverPackage.Manager { .rpm }
    package var refreshCommand: String { "dnf makecache" }
    package var hint: String {
        "On RHEL, the repository 'extensions' has such packages, and a stream of NVIDIA's module must be enabled "
            + "('dnf module enable nvidia-driver:BRANCH')."
    }

    /// Rebuilds of RHEL count, because an operator can have packages for their kernels.
    package func isKnown(on system: OSRelease) -> Bool {
        ["rhel", "rocky", "almalinux", "ol"].contains(system.id) && (system.majorVersion ?? 0) >= 8
    }

    package func isModulePackage(_ name: String) -> Bool {
        name.hasPrefix("kmod-nvidia-") || name.hasPrefix("kmod-64k-nvidia-")
    }

    package func modulePackage(
        branch: Int?,
        version: DriverVersion?,
        _ type: KernelModuleType,
        kernel: String
    ) -> String {
        let parsed = RedHatKernel(kernel)
        let driver = version?.description ?? branch.map { "\($0).*" } ?? "VERSION"
        return "\(Self.prefix(type, parsed?.variant))\(driver)-\(parsed?.version ?? kernel)"
    }

    /// The patterns of the names of all packages that matter on a kernel.
    package static func patterns(_ kernel: RedHatKernel) -> [String] {
        KernelModuleType.allCases.map { "\(prefix($0, kernel.variant))[0-9]*-\(kernel.version)" }
            + [user, fabricManager(branch: 0), fabricManager(branch: 580)]
    }

    /// The first branch whose package `nvidia-driver-cuda` brings everything that CUDA needs.
    ///
    /// Source: the chapter "Compute-only and Desktop Installation" of NVIDIA's Driver Installation Guide.
    private static let firstBranch = 560
    private static let user = "nvidia-driver-cuda"

    package func drivers(_ offered: [OfferedPackage], kernel: String, on system: OSRelease) -> [PrebuiltDriver] {
        guard let kernel = RedHatKernel(kernel) else { return [] }
        let names = Set(offered.map(\.name))
        let found: [PrebuiltDriver] = names.compactMap { name in
            guard let (driver, type) = Self.kind(of: name, kernel), driver.branch >= Self.firstBranch,
                // The kernels of two minor versions of the distribution can differ only in this part.
                let modules = Self.newest(name, of: driver, in: offered, where: { $0.hasSuffix(kernel.distribution) }),
                let user = Self.newest(Self.user, of: driver, in: offered)
            else { return nil }
            return PrebuiltDriver(
                version: driver,
                kernelModuleType: type,
                packages: [modules, user],
                isTrusted: system.id == "rhel" && modules.vendor == "Red Hat, Inc."
            )
        }
        return found.newestFirst()
    }

    package func fabricManager(of driver: DriverVersion, in offered: [OfferedPackage]) -> OfferedPackage? {
        Self.newest(Self.fabricManager(branch: driver.branch), of: driver, in: offered)
    }

    /// The driver in the name of a package with modules for this kernel; nil for every other name.
    static func kind(of name: String, _ kernel: RedHatKernel) -> (DriverVersion, KernelModuleType)? {
        for type in KernelModuleType.allCases {
            let (prefix, suffix) = (prefix(type, kernel.variant), "-\(kernel.version)")
            guard name.hasPrefix(prefix), name.hasSuffix(suffix) else { continue }
            let text = String(name.dropFirst(prefix.count).dropLast(suffix.count))
            if let version = DriverVersion(text), version.description == text { return (version, type) }
        }
        return nil
    }

    private static func prefix(_ type: KernelModuleType, _ variant: String?) -> String {
        "kmod-\(variant.map { "\($0)-" } ?? "")nvidia-\(type == .open ? "open-" : "")"
    }

    private static func fabricManager(branch: Int) -> String {
        branch >= 580 ? "nvidia-fabricmanager" : "nvidia-fabric-manager"
    }

    /// The newest release of a package in the version of a driver.
    private static func newest(
        _ name: String,
        of driver: DriverVersion,
        in offered: [OfferedPackage],
        where isUsable: (Substring) -> Bool = { _ in true }
    ) -> OfferedPackage? {
        let usable: [(release: Substring, package: OfferedPackage)] = offered.compactMap { package in
            let version = package.version.split(separator: ":", maxSplits: 1).last ?? ""
            let parts = version.split(separator: "-", maxSplits: 1)
            guard package.name == name, parts.count == 2, parts[0] == driver.description, isUsable(parts[1]) else {
                return nil
            }
            return (parts[1], package)
        }
        return usable.max { RPMRelease($0.release) < RPMRelease($1.release) }?.package
    }
}

/// The parts of the release of a kernel of Red Hat Enterprise Linux.
package struct RedHatKernel: Sendable, Equatable {
    /// Without the distribution: `6.12.0-124.20.1`.
    package var version: String
    /// The distribution: `el10_1`.
    package var distribution: String
    /// The architecture as rpm names it: `x86_64`.
    package var architecture: String
    /// The variant that has packages of its own: `64k`; nil for the usual kernel.
    package var variant: String?

    /// Nil for a kernel for which nobody builds modules, such as a kernel for debugging or Oracle's own.
    ///
    /// - Parameter release: What `uname -r` prints, such as `6.12.0-124.20.1.el10_1.x86_64`.
    package init?(_ release: String) {
        let parts = release.split(separator: "+", maxSplits: 1, omittingEmptySubsequences: false)
        guard let main = parts.first, parts.count == 1 || parts[1] == "64k",
            let dot = main.lastIndex(of: "."), ["x86_64", "aarch64"].contains(main[main.index(after: dot)...]),
            main.utf8.allSatisfy(Self.isPlain)
        else { return nil }
        let words = main[..<dot].split(separator: ".", omittingEmptySubsequences: false)
        guard let index = words.firstIndex(where: { $0.hasPrefix("el") }), index == words.count - 1, index > 0,
            words[index].dropFirst(2).allSatisfy({ $0.isNumber || $0 == "_" })
        else { return nil }
        version = words[..<index].joined(separator: ".")
        distribution = String(words[index])
        architecture = String(main[main.index(after: dot)...])
        variant = parts.count == 2 ? String(parts[1]) : nil
    }

    /// Whether a byte has no meaning in a pattern.
    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: "._-".utf8.contains(byte)
        }
    }
}

/// The release of an RPM package, in the order of rpm: numbers are compared as numbers.
package struct RPMRelease: Comparable {
    private var parts: [Substring]

    package init(_ text: Substring) {
        parts = []
        var rest = text
        while let first = rest.first {
            let part = first.isNumber ? rest.prefix { $0.isNumber } : rest.prefix { $0.isLetter }
            if !part.isEmpty { parts.append(part) }
            rest = part.isEmpty ? rest.dropFirst() : rest.dropFirst(part.count)
        }
    }

    package static func < (left: RPMRelease, right: RPMRelease) -> Bool {
        for (left, right) in zip(left.parts, right.parts) where left != right {
            guard let one = Int(left), let other = Int(right) else {
                // A number is newer than a word.
                return Int(right) != nil || (Int(left) == nil && left < right)
            }
            if one != other { return one < other }
        }
        return left.parts.count < right.parts.count
    }
}
