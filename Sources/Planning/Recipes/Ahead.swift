package import NodeModel
package import Selection

/// Builds the modules of the agent's own driver for the kernel of the next boot, so that the node is ready after it.
///
/// On a host with DKMS, the update of the kernel builds them. The build disturbs nothing that runs.
package struct Ahead: Recipe {
    package private(set) var operations: [any Operation] = []
    /// Why the last build for this kernel failed, as a sentence; nil when it did not fail.
    ///
    /// The agent does not try it again. After the boot, it builds for this kernel as in every install.
    package private(set) var problem: String?

    package init(_ facts: NodeFacts, _ decision: Decision, journal: Journal?) {
        guard decision.action == .adopt, let build = Self.operation(facts) else { return }
        let last = journal?.steps.last { $0.step == .buildAhead }
        if let last, last.state == .failed, last.job == build.jobName {
            problem = last.failure?.observed ?? "The build for the kernel \(build.kernel) failed."
        } else {
            operations = [build]
        }
    }

    /// The build that the host needs and is ready for; nil when it needs none, or cannot build.
    private static func operation(_ facts: NodeFacts) -> BuildAhead? {
        let build = facts.build
        guard let record = facts.driver.record.value, record.state == .installed, record.packages == nil,
            let kernel = facts.host.pendingKernel.value, kernel.hasHeaders, !kernel.hasModule(of: record.version),
            BuildPackages.isName(kernel.release), facts.driver.loadedVersion.value == record.version,
            let module = facts.driver.moduleFile.value, module.version == record.version,
            let end = module.path.lastIndex(of: "/"), acceptsUnsignedModules(facts.host),
            build.dkms.isAbsent, build.compiler.value != nil, build.make.value != nil
        else { return nil }
        return BuildAhead(
            version: record.version,
            kernel: kernel.release,
            directory: String(module.path[..<end]),
            compiler: build.namedCompilerToUse
        )
    }

    /// Whether the kernel of the next boot certainly loads unsigned modules.
    ///
    /// Otherwise it would reject the modules, and their files would hide that it has none. The answer of the running
    /// kernel is not enough: with Secure Boot, the next kernel can be stricter.
    private static func acceptsUnsignedModules(_ host: HostFacts) -> Bool {
        ModuleSignaturePolicy(host) == .notRequired && (host.secureBoot.isAbsent || host.secureBoot.value == false)
    }
}
