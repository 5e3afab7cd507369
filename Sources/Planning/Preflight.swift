package import Catalog
package import NodeModel
package import Selection

/// The checks that decide whether the agent can install a driver on a host.
///
/// They run before the download.
package struct Preflight: Sendable {
    package var facts: NodeFacts
    /// NVIDIA's package; nil when the driver comes from packages of the distribution, which need no build.
    package var artifact: Artifact?
    /// The driver to install; nil when only the host matters.
    package var driver: DriverTarget?
    /// The release of the running kernel.
    package var kernel: String
    /// The addresses of the GPUs that the driver is for; empty for all GPUs.
    package var gpus: [PCIAddress]
    /// The modules of other drivers that the plan unloads.
    package var released: [String]
    /// The packages for the build that the plan installs.
    package var buildPackages: [String]
    /// The directory from which a node without a network takes its packages; nil for every other node.
    package var directory: String?

    package init(
        facts: NodeFacts,
        artifact: Artifact?,
        driver: DriverTarget? = nil,
        kernel: String,
        gpus: [PCIAddress] = [],
        released: [String] = [],
        buildPackages: [String] = [],
        directory: String? = nil
    ) {
        self.facts = facts
        self.artifact = artifact
        self.driver = driver
        self.kernel = kernel
        self.gpus = gpus
        self.released = released
        self.buildPackages = buildPackages
        self.directory = directory
    }

    package var problems: [Finding] {
        guard artifact != nil else { return otherDrivers + blacklist + disk.findings }
        return [moduleSignatures].compactMap(\.self) + otherDrivers + blacklist
            + [compiler, compilerVersion, make, headers].compactMap(\.self) + disk.findings
    }

    /// The findings about other drivers of the GPUs.
    ///
    /// NVIDIA's installer refuses to run while nouveau is loaded, even if nouveau holds no GPU.
    private var otherDrivers: [Finding] {
        let holding = OtherGPUDriver.holding(gpus, in: facts).filter { !released.contains($0.module) }.map(\.finding)
        guard facts.driver.nouveauLoaded.value == true, !released.contains("nouveau"),
            !holding.contains(where: { $0.code == .nouveauLoaded })
        else {
            return holding
        }
        let nouveau = Finding(
            .nouveauLoaded,
            observed: "The kernel module nouveau is loaded.",
            expected: "no loaded kernel module nouveau",
            remedy: OtherGPUDriver(name: "nouveau", gpus: []).remedy
        )
        return [nouveau] + holding
    }

    /// The finding that the agent cannot write its blacklist, which keeps the next boot from loading the other drivers.
    private var blacklist: [Finding] {
        guard !released.isEmpty, facts.driver.surroundings?.isForeign(OwnFile.blacklist) == true else { return [] }
        return [
            Finding(
                .foreignFile,
                observed: "The agent must put \(released.joined(separator: " and ")) on a blacklist, and did not write "
                    + "\(OwnFile.blacklist).",
                expected: "no file of another program with this name",
                remedy:
                    "Move what \(OwnFile.blacklist) has to another name in /etc/modprobe.d on the node, and run "
                    + "'gpu-agent install'."
            )
        ]
    }

    /// The findings that the modules of other drivers cannot be put on the blacklist.
    var blacklistProblems: [Finding] { blacklist + disk.initramfsFindings }

    private var compiler: Finding? {
        missing(facts.build.compiler, .compilerMissing, "a C compiler", "gcc")
    }

    /// The finding that the host's compiler does not know the options that the kernel was built with.
    ///
    /// The kernel's headers pass these options to every module build. A newer compiler knows the options of an older
    /// one.
    private var compilerVersion: Finding? {
        guard let host = facts.build.compilerVersion.value, let kernel = facts.build.kernelCompiler.value,
            host.kind == kernel.kind, let old = host.major, let new = kernel.major, old < new,
            facts.build.namedCompiler.value == nil
        else { return nil }
        return Finding(
            .compilerMismatch,
            observed: "The compiler of the host is \(host), and the kernel was built with \(kernel).",
            expected: "\(kernel.kind.rawValue) \(new) or newer",
            remedy:
                "Install \(kernel.kind.rawValue)-\(new) and make it the default compiler (cc) of the host. The build "
                + "of kernel modules uses compiler options that an older compiler does not support."
        )
    }

    private var make: Finding? {
        missing(facts.build.make, .makeMissing, "make", "make")
    }

    private func missing(_ tool: Reading<String>, _ code: ReasonCode, _ what: String, _ package: String) -> Finding? {
        guard tool.isAbsent else { return nil }
        return Finding(
            code,
            observed: "The host lacks \(what).",
            expected: "\(what) on the host",
            remedy: Remedy("Install \(package) on the host: the build of the kernel modules needs it.\(bundled)")
        )
    }

    private var headers: Finding? {
        guard facts.build.lacksHeaders(of: kernel) else { return nil }
        let observed =
            facts.build.headersRelease.value.map { "The host has only the kernel headers of \($0)." }
            ?? "The host has no kernel headers below /lib/modules/\(kernel)/build."
        return Finding(
            .kernelHeadersMissing,
            observed: observed,
            expected: "the headers of the running kernel \(kernel)",
            remedy: "Install linux-headers-\(kernel) (Debian, Ubuntu) or kernel-devel-\(kernel) "
                + "(Red Hat, Amazon Linux) on the host: the build of the kernel modules needs them.\(bundled)"
        )
    }

    /// How a directory for nodes without a network gets the packages, as a further sentence; empty when it cannot.
    private var bundled: String {
        guard directory != nil, let system = facts.host.osRelease.value, PackageInstallers.used(on: system) != nil
        else { return "" }
        let why = facts.build.bundle.failure.map { " (\($0.detail))" } ?? ""
        return " Or bring it with the directory of driver.source, which has no packages for this kernel\(why): run "
            + "'gpu-agent catalog mirror --kernel \(kernel)' on a machine with a network and the same distribution."
    }

    private var disk: DiskSpace {
        DiskSpace(
            build: facts.build,
            package: artifact.map { (($0.size ?? Self.usualSize) + 0xfffff) >> 20 },
            work: facts.build.workDirectory,
            buildPackages: buildPackages,
            rebuildsInitramfs: !released.isEmpty
        )
    }

    /// The assumed size of a package without a size in the catalog, in bytes.
    ///
    /// The packages of branch 580 have about 400 MB.
    static let usualSize = 420_000_000
}
