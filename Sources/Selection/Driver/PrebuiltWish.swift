package import NodeModel

/// How much the operator or the host wants a driver from the packages of the distribution.
package enum PrebuiltWish: Sendable, Equatable {
    /// NVIDIA's package only.
    case never
    /// The packages of the distribution when they fit, and otherwise NVIDIA's package.
    case whenPossible
    /// The packages of the distribution only.
    case always
}

extension Policy {
    /// The wish for a host whose kernel needs signed modules, or does not.
    ///
    /// Modules that a node builds have no signature, unless the operator configured a key for it. So a kernel that needs
    /// signatures asks for packages, unless the configuration has such a key, names another source or forbids packages.
    package func prebuiltWish(needsSignedModules: Bool) -> PrebuiltWish {
        switch source {
        case .packages: .always
        case .auto: .whenPossible
        case .runfile, .directory: .never
        case nil: needsSignedModules && buildPackages && signing == nil ? .whenPossible : .never
        }
    }
}

extension NodeFacts {
    /// The kernel of the next boot, when it lacks the modules of the agent's own driver from packages of the distribution;
    /// nil otherwise.
    package var kernelForPrebuiltModules: PendingKernel? {
        guard let record = driver.record.value, record.state == .installed, record.packages != nil,
            driver.loadedVersion.value == record.version, let kernel = host.pendingKernel.value
        else { return nil }
        return kernel.hasModule(of: record.version) ? nil : kernel
    }

    /// Why only signed modules work on this node, and the agent cannot sign them, as a clause; nil when others can work.
    var signatureReason: String? {
        guard ModuleSignaturePolicy.key(host) == nil, case .required(let reasons) = ModuleSignaturePolicy(host) else {
            return nil
        }
        return reasons.map(\.text).joined(separator: " and ")
    }

    /// Whether only signed modules work on this node, and the agent cannot sign them.
    var needsSignedModules: Bool { signatureReason != nil }

    /// Why the decision does not depend on the packages that the repositories offer; nil when it does.
    ///
    /// The question takes longer than all other facts of the host together.
    package func needsNoPrebuiltPackages(_ policy: Policy) -> String? {
        guard !gpus.isEmpty else { return "the node has no GPU" }
        guard PrebuiltDistributions.known(on: host.osRelease.value) != nil else {
            return "the agent knows no packages of prebuilt modules for this system"
        }
        let record = driver.record.value
        if policy.prebuiltWish(needsSignedModules: needsSignedModules) == .never, record?.packages == nil {
            return "neither the configuration nor the kernel asks for prebuilt modules"
        }
        // A driver that is loaded is only replaced when it has another owner and the configuration allows it.
        let isReplaced = record.map { $0.state != .installed } ?? policy.takeover
        return driver.loadedVersion.value == nil || isReplaced ? nil : "a driver is loaded"
    }
}
