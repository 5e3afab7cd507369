package import Catalog
package import NodeModel

/// Whether a host can take a driver now.
///
/// Each problem is found before anything is downloaded.
package struct Preflight: Sendable {
    package var facts: NodeFacts
    package var artifact: Artifact
    /// The running kernel's release.
    package var kernel: String

    package init(facts: NodeFacts, artifact: Artifact, kernel: String) {
        self.facts = facts
        self.artifact = artifact
        self.kernel = kernel
    }

    package var problems: [Finding] {
        [secureBoot, nouveau, compiler, make, headers].compactMap(\.self) + diskSpace
    }

    private var secureBoot: Finding? {
        guard facts.host.secureBoot.value == true else { return nil }
        return Finding(
            .secureBoot,
            observed: "Secure Boot is on",
            expected: "off, or modules that are signed with an enrolled key",
            remedy: "the modules of this package are not signed and the kernel would refuse them: "
                + "use a node pool without Secure Boot, or a node image with a signed driver"
        )
    }

    private var nouveau: Finding? {
        guard facts.driver.nouveauLoaded.value == true else { return nil }
        return Finding(
            .nouveauLoaded,
            observed: "the kernel module nouveau is loaded",
            expected: "no other driver on the GPU",
            remedy: "put 'blacklist nouveau' into /etc/modprobe.d, rebuild the initramfs and reboot the node"
        )
    }

    private var compiler: Finding? {
        missing(facts.build.compiler, .compilerMissing, "C compiler", "install gcc on the host")
    }

    private var make: Finding? {
        missing(facts.build.make, .makeMissing, "make", "install make on the host")
    }

    private func missing(_ tool: Reading<String>, _ code: ReasonCode, _ what: String, _ remedy: String) -> Finding? {
        guard tool.isAbsent else { return nil }
        return Finding(code, observed: "no \(what) on the host", expected: "\(what) on the host", remedy: remedy)
    }

    private var headers: Finding? {
        let observed: String
        switch facts.build.headersRelease {
        case .present(kernel), .unreadable, .skipped: return nil
        case .present(let release): observed = "kernel headers of \(release) only"
        case .absent: observed = "no kernel headers below /lib/modules/\(kernel)/build"
        }
        return Finding(
            .kernelHeadersMissing,
            observed: observed,
            expected: "headers of the running kernel \(kernel)",
            remedy: "install linux-headers-\(kernel) (Debian, Ubuntu) or kernel-devel-\(kernel) on the host"
        )
    }

    /// The package, its unpacked tree (about three times its size) and what it installs (about as much again).
    private var diskSpace: [Finding] {
        let package = ((artifact.size ?? Self.usualSize) + 0xfffff) >> 20
        let needs = [(path: "/var/lib", mebibytes: 4 * package), (path: "/usr", mebibytes: 3 * package)]
        return needs.compactMap { need in
            guard let free = facts.build.freeSpace.first(where: { $0.path == need.path })?.mebibytes.value,
                free < need.mebibytes
            else { return nil }
            return Finding(
                .diskSpace,
                observed: "\(free) MiB free in \(need.path)",
                expected: "\(need.mebibytes) MiB free",
                remedy: "free space in \(need.path), or use nodes with a larger disk"
            )
        }
    }

    /// Bytes of a driver package when the catalog does not say: the packages of branch 580 have about 400 MB.
    static let usualSize = 420_000_000
}
