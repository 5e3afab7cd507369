import NodeModel

/// The free space that an install needs, by file system.
///
/// Directories on the same file system share its space, so their needs add up.
struct DiskSpace {
    var build: BuildFacts
    /// The size of NVIDIA's package, in MiB; nil when the driver comes from packages of the distribution.
    var package: Int?
    /// The directory in which the installer unpacks itself.
    var work: String
    /// The packages for the build that the plan installs.
    var buildPackages: [String]
    /// Whether the plan builds an initramfs again.
    var rebuildsInitramfs: Bool

    /// The size of a package for a plan that only builds kernel modules, in MiB: a quarter of NVIDIA's package, of which
    /// the sources of the modules are about that much.
    static let modules = 100

    /// What one directory must take, in MiB.
    private struct Need {
        var path: String
        var mebibytes: Int
    }

    /// The needs of one file system.
    private struct Group {
        var fileSystem: String
        var free: Int
        var paths: [String]
        var needed: Int
    }

    /// The findings for the file systems that certainly have too little space.
    var findings: [Finding] { findings(for: needs) }

    /// The findings for `/boot`, when the plan builds nothing but an initramfs.
    var initramfsFindings: [Finding] { findings(for: initramfs) }

    private func findings(for needs: [Need]) -> [Finding] {
        groups(of: needs).filter { $0.free < $0.needed }.map { group in
            let places = group.paths.joined(separator: " and ")
            return Finding(
                .diskSpace,
                observed: group.paths.count == 1
                    ? "\(places) has \(group.free) MiB of free space."
                    : "The file system of \(places) has \(group.free) MiB of free space.",
                expected: "\(group.needed) MiB of free space",
                remedy: "Free up space in \(group.paths.joined(separator: " or ")), or use nodes with larger disks."
            )
        }
    }

    /// The package is kept until the install is complete.
    ///
    /// The unpacked package takes about three times the size of the package, and the installed files about the same.
    private var needs: [Need] {
        guard let package else { return Self.ofDistribution + initramfs }
        let state = space("/var/lib/gpu-agent") == nil ? "/var/lib" : "/var/lib/gpu-agent"
        let isInState = work.hasPrefix("/var/lib/")
        var needs = [
            Need(path: state, mebibytes: (isInState ? 4 : 1) * package),
            Need(path: "/usr", mebibytes: (isInState ? 3 : 6) * package),
        ]
        let count = buildPackages.filter { $0 != "make" }.count
        if count > 0 {
            needs.append(Need(path: "/usr", mebibytes: Self.installedPackage * count))
            needs.append(Need(path: "/var/cache", mebibytes: Self.downloadedPackage * count))
        }
        if let modules = space("/lib/modules"), modules.fileSystem != space("/usr")?.fileSystem {
            needs.append(Need(path: modules.path, mebibytes: package / 2))
        }
        return needs + initramfs
    }

    private var initramfs: [Need] {
        guard rebuildsInitramfs, let size = build.initramfsMebibytes.value else { return [] }
        // The new file is complete before it replaces the old one, and can be a little larger.
        return [Need(path: "/boot", mebibytes: size + 1)]
    }

    /// What a driver from packages of the distribution is assumed to need.
    ///
    /// The files are those of NVIDIA's package, so they are assumed to take the same space: about 400 MiB in the cache, and
    /// three times as much when they are installed.
    private static let ofDistribution = [
        Need(path: "/usr", mebibytes: 1200), Need(path: "/var/cache", mebibytes: 400),
    ]

    /// The assumed size of a compiler or of kernel headers with the packages that they need, in MiB.
    ///
    /// Source: `Installed-Size` of all packages that `apt-get` adds to a base system of Debian 12, in November 2026: gcc 172
    /// MiB, `linux-headers-6.1.0-57-cloud-amd64` beside gcc 63 MiB, those of the kernel 6.12.117 108 MiB.
    private static let installedPackage = 200
    /// The assumed size of the files that a package manager downloads for such a package, in MiB.
    ///
    /// Source: `Size` of the same packages: gcc 44 MiB, and the headers 14 and 49 MiB.
    private static let downloadedPackage = 60

    private func space(_ path: String) -> FreeSpace? {
        build.freeSpace.first { $0.path == path && $0.mebibytes.value != nil }
    }

    private func groups(of needs: [Need]) -> [Group] {
        var groups: [Group] = []
        for need in needs {
            guard let space = space(need.path), let free = space.mebibytes.value else { continue }
            let fileSystem = space.fileSystem ?? need.path
            if let index = groups.firstIndex(where: { $0.fileSystem == fileSystem }) {
                groups[index].needed += need.mebibytes
                groups[index].free = min(groups[index].free, free)
                if !groups[index].paths.contains(need.path) { groups[index].paths.append(need.path) }
            } else {
                groups.append(
                    Group(fileSystem: fileSystem, free: free, paths: [need.path], needed: need.mebibytes)
                )
            }
        }
        return groups
    }
}

extension BuildFacts {
    /// The directory in which the installer unpacks itself and builds the kernel modules.
    ///
    /// It runs programs there, so the file system must allow it.
    package var workDirectory: String {
        let forbidden = noExec.value ?? []
        return forbidden.contains(HostLayout.state) && !forbidden.contains("/usr")
            ? HostLayout.workInUsr : HostLayout.work
    }
}
