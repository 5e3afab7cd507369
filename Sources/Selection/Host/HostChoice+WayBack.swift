import Catalog
package import NodeModel
import Support

/// The decisions on a node on which the driver that the agent would install has failed before.
extension HostChoice {
    /// The decision to install a driver of the catalog.
    ///
    /// When the same package failed on this node for the same kernel, and it replaced a driver of this agent, the
    /// decision is for that former driver: to keep it, or to install it again.
    func install(because reason: Evidence) -> Decision {
        let change = offer.install(because: reason)
        return wayBack(from: change) ?? change
    }

    private func wayBack(from change: Decision) -> Decision? {
        guard let failed = facts.driver.failed, failed.isRetried != true, change.installs(failed.record),
            failed.record.kernelRelease == facts.host.kernelRelease.value,
            let former = failed.record.former, let version = DriverVersion(former.version)
        else { return nil }
        let target = DriverTarget(kind: former.kind, version: version, kernelModuleType: former.kernelModuleType)
        let isWhole = facts.hasWhole(former)
        let isBack = facts.driver.record.value.map { $0.state == .installed && former.isDriver(of: $0) } ?? false
        var decision: Decision
        if isBack, isWhole {
            decision = Decision(
                action: .adopt,
                driver: target,
                owner: .gpuAgent,
                summary: "keep the \(target), because driver \(failed.record.version) failed on this node"
            )
        } else {
            guard let artifact = artifact(of: former, isWhole: isWhole) else { return nil }
            decision = Decision(
                action: .install,
                driver: target,
                summary: "go back to the \(target), because driver \(failed.record.version) failed on this node"
            )
            decision.driver?.artifact = artifact
        }
        decision.failed = failed
        let statement = "\(failed.statement) It is not tried again until 'gpu-agent install' runs on this node."
        decision.evidence = [Evidence(.installed, "journal", statement)]
        return decision
    }

    /// The package of the former driver; nil when the agent did not keep it and the catalog no longer has it.
    ///
    /// A driver that is whole needs no package.
    private func artifact(of former: FormerDriver, isWhole: Bool) -> Artifact? {
        if let known = drivers.first(where: { $0.artifact.digest?.hex == former.artifactHash }) {
            return known.artifact
        }
        guard former.keptPackage != nil || isWhole else { return nil }
        let algorithm: Checksum.Algorithm =
            former.artifactHash.utf8.count == Checksum.Algorithm.sha512.hexLength ? .sha512 : .sha256
        // Without a URL that the catalog knows, only the kept file can be used.
        return Artifact(
            urls: [former.keptPackage].compactMap(\.self),
            digest: Checksum(algorithm, former.artifactHash)
        )
    }
}

extension Decision {
    /// The archive with the fabric manager of the former driver that the agent kept; nil when this is no way back, or when
    /// the agent kept none.
    var keptFabricManager: Artifact? {
        guard action == .install, let kept = failed?.record.former?.keptFabricManager else { return nil }
        // Without a URL that the catalog knows, only the kept file can be used.
        return Artifact(urls: [kept.fileName], digest: kept.digest)
    }

    /// Whether this decision installs the driver of a record from the same package.
    fileprivate func installs(_ record: InstallRecord) -> Bool {
        guard action == .install, let driver, let digest = driver.artifact?.digest else { return false }
        return driver.kind == record.kind && driver.version.description == record.version
            && driver.kernelModuleType == record.kernelModuleType && digest.hex == record.artifactHash
    }
}

extension NodeFacts {
    /// Whether a driver is complete on the host, with its kernel module for the running kernel and its libraries.
    package func hasWhole(_ former: FormerDriver) -> Bool {
        guard case .single(let single) = driver.installed, single.version == former.version,
            single.kernelModuleType == former.kernelModuleType,
            let module = driver.moduleFile.value, module.kernelModuleType == former.kernelModuleType
        else { return false }
        let parts = [module.version, driver.nvmlLibrary.value?.version, driver.cudaLibrary.value?.version]
        return parts.allSatisfy { $0 == former.version }
    }
}
