package import NodeModel
package import Selection

/// Builds the modules of the agent's own driver for the kernel of the next boot, so that the node is ready after it.
///
/// On a host whose DKMS knows the driver, the update of the kernel builds them, unless the headers of the kernel are
/// missing. The build disturbs nothing that runs.
package struct Ahead: Recipe {
    package private(set) var operations: [any Operation] = []
    /// Why the agent could not prepare this kernel, as a sentence; nil when it can or did.
    ///
    /// The agent does not repeat what failed, unless the package manager was busy, or what a build depends on has changed.
    /// After the boot, it builds for this kernel as in every install.
    package private(set) var problem: String?
    /// Removes what stops DKMS; nil when nothing does.
    private var healing: RemoveStaleDKMS?
    /// Whether the agent removes the cause because of which it could not install the headers.
    private var isHealed = false

    /// - Parameters:
    ///   - facts: The facts of the node.
    ///   - decision: What the agent does with the driver on the host.
    ///   - journal: The journal of earlier installs; nil when there is none.
    ///   - installsPackages: Whether the agent may install the headers and the compiler of the kernel.
    ///   - directory: The only directory from which it may install them; nil for the repositories of the node.
    package init(
        _ facts: NodeFacts,
        _ decision: Decision,
        journal: Journal?,
        installsPackages: Bool = true,
        directory: String? = nil
    ) {
        guard decision.action == .adopt, let kernel = facts.host.pendingKernel.value else { return }
        guard var build = Self.build(for: kernel, facts) else {
            problem = Self.keyOfDKMS(for: kernel, facts)
            return
        }
        let earlier = EarlierBuild(build.jobName, in: journal)
        if let earlier, !earlier.isWorthRepeating(with: kernel.buildBasis) {
            problem = earlier.problem(with: kernel.buildBasis)
            return
        }
        let packages = installsPackages ? AheadPackages(facts, directory: directory) : nil
        var names = AheadPackages.Names()
        if build.dkms != nil || !kernel.hasHeaders { lookForStaleTrees(before: build, facts, journal) }
        guard problem == nil else { return }
        if !kernel.hasHeaders || isHealed {
            // The files of a package that is not configured are there.
            names.headers = packages?.headers(of: kernel.release)
            guard names.headers != nil || kernel.hasHeaders else { return }
        }
        // Without an end of the agent's own work, DKMS may be building now.
        if kernel.hasHeaders, build.dkms != nil, names.headers == nil, !Self.installedHeaders(for: build, journal) {
            return
        }
        let major = facts.build.compilerVersion.value?.major
        if let needed = facts.build.majorOfNewerCompiler(kernel.compiler, than: major) {
            if let path = kernel.namedCompiler {
                build.compiler = path
            } else if let other = packages?.compiler(needed) {
                (build.compiler, names.compiler) = (other.program, other.package)
            } else {
                problem =
                    "This kernel was built with gcc \(needed), and the compiler of the node is older. "
                    + "Install gcc-\(needed) on the node."
                return
            }
        }
        let install = packages?.install(names, for: build, facts)
        if let job = install?.jobName, let failed = Self.failure(of: .headersAhead, job, in: journal),
            failed.code != .packageManagerBusy, !isHealed
        {
            problem = failed.observed
            return
        }
        // A build that fills a disk of the node hurts the pods there.
        let space = DiskSpace(
            build: facts.build,
            package: DiskSpace.modules,
            work: HostLayout.work,
            buildPackages: install?.names ?? [],
            rebuildsInitramfs: false
        )
        if let full = space.findings.first {
            let what = install.map { " and for \($0.names.joined(separator: " and "))" } ?? ""
            problem = "There is no space for the kernel modules\(what): \(full.observed)"
            return
        }
        let isHealing = install != nil || build.dkms != nil
        let before: [any Operation] = (isHealing ? [healing].compactMap(\.self) : []) + [install].compactMap(\.self)
        operations = before + [build]
    }

    private mutating func lookForStaleTrees(before build: BuildAhead, _ facts: NodeFacts, _ journal: Journal?) {
        guard let removal = RemoveStaleDKMS(facts.staleDKMSTrees, isAhead: true) else { return }
        // DKMS would stop at the same trees, so nothing after the failed step would succeed.
        let last = journal?.steps.last { $0.step == removal.id }
        if let last, last.state == .failed, last.leaves == removal.leaves {
            let trees = removal.trees.joined(separator: ", ")
            problem = last.failure?.observed ?? "\(trees) could not be removed from DKMS."
            return
        }
        healing = removal
        let job = InstallHeadersAhead.jobName(build.version, kernel: build.kernel)
        isHealed = Self.failure(of: .headersAhead, job, in: journal) != nil
    }

    /// Whether the agent installed the headers for this build, so that the build is the rest of its own work.
    private static func installedHeaders(for build: BuildAhead, _ journal: Journal?) -> Bool {
        let job = InstallHeadersAhead.jobName(build.version, kernel: build.kernel)
        return journal?.steps.contains { $0.step == .headersAhead && $0.job == job && $0.state != .failed } ?? false
    }

    /// Why a job ended that the agent does not repeat; nil when it did not fail.
    static func failure(of step: StepID, _ job: String, in journal: Journal?) -> Finding? {
        guard let last = journal?.steps.last(where: { $0.step == step }), last.state == .failed, last.job == job else {
            return nil
        }
        return last.failure
            ?? Finding(.buildAheadFailed, observed: "The job \(job) failed.", expected: "no failure", remedy: .none)
    }

    /// The build that the host needs, and is ready for when it has the headers of the kernel; nil when it needs none, or
    /// cannot build.
    private static func build(for kernel: PendingKernel, _ facts: NodeFacts) -> BuildAhead? {
        let build = facts.build
        guard let record = facts.driver.record.value, record.state == .installed, record.packages == nil,
            !kernel.hasModule(of: record.version),
            BuildPackages.isName(kernel.release), facts.driver.loadedVersion.value == record.version,
            let module = facts.driver.moduleFile.value, module.version == record.version,
            let end = module.path.lastIndex(of: "/"), build.compiler.value != nil, build.make.value != nil
        else { return nil }
        let signing = acceptsUnsignedModules(facts.host) ? nil : ModuleSignaturePolicy.trustedKey(facts.host)
        guard signing != nil || acceptsUnsignedModules(facts.host) else { return nil }
        var tree: String?
        if facts.mayBuildWithDKMS(record.version) {
            tree = facts.claims.dkms.value?.first { $0.version == record.version }?.name
            // It is not known whether DKMS knows the driver, or where DKMS is. It signs with a key of its own.
            guard tree != nil, build.dkms.value != nil, signing == nil else { return nil }
        }
        return BuildAhead(
            version: record.version,
            kernel: kernel.release,
            directory: String(module.path[..<end]),
            dkms: tree,
            signing: signing,
            basis: kernel.buildFiles
        )
    }

    /// The problem that the modules of DKMS do not have the signature of the operator; nil when there is none.
    private static func keyOfDKMS(for kernel: PendingKernel, _ facts: NodeFacts) -> String? {
        guard let record = facts.driver.record.value, record.state == .installed, record.packages == nil,
            !kernel.hasModule(of: record.version), facts.mayBuildWithDKMS(record.version),
            !acceptsUnsignedModules(facts.host), ModuleSignaturePolicy.trustedKey(facts.host) != nil
        else { return nil }
        return "This kernel may refuse the modules of DKMS, because DKMS signs with a key of its own and not with that "
            + "of 'driver.signing'. Run 'gpu-agent uninstall' and 'gpu-agent install', which then signs without DKMS."
    }

    /// Whether the kernel of the next boot certainly loads unsigned modules.
    ///
    /// Otherwise it would reject the modules, and their files would hide that it has none. The answer of the running
    /// kernel is not enough: with Secure Boot, the next kernel can be stricter.
    static func acceptsUnsignedModules(_ host: HostFacts) -> Bool {
        ModuleSignaturePolicy(host) == .notRequired && (host.secureBoot.isAbsent || host.secureBoot.value == false)
    }
}
