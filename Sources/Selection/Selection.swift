package import Catalog
package import NodeModel

/// Selects the driver for a node.
///
/// The decision is a pure function of the facts, the catalog and the policy. The code contains no PCI ID, version or
/// URL, because these are data of the catalog.
package struct Selection: Sendable {
    package var catalog: Catalog
    package var policy: Policy

    package init(catalog: Catalog, policy: Policy) {
        self.catalog = catalog
        self.policy = policy
    }

    /// Decides which driver the node should have.
    package func decide(_ facts: NodeFacts) -> Decision {
        let machine = Machine(facts.host, in: catalog)
        var decision = hardware(facts, machine)
        decision.evidence = decision.evidence.byStrength()
        decision.platform = machine.name
        let ignored = facts.gpus.filter { policy.override(for: $0)?.treatment == .ignored }.map(\.address)
            .sorted()
        decision.ignored = ignored.isEmpty ? nil : ignored
        return decision
    }

    /// Decides from the PCI functions alone, and continues with the GPUs that the agent manages.
    private func hardware(_ facts: NodeFacts, _ machine: Machine) -> Decision {
        switch facts.pci {
        case .present, .absent, .absentBecause: break
        case .unreadable(let failure):
            return .blocked(.pciUnreadable(failure), "the agent cannot read the PCI bus")
        case .skipped(let why): return .blocked(.pciUnreadable(why), "the agent did not read the PCI bus")
        }
        guard !facts.gpus.isEmpty else {
            if let blocked = unidentified(facts, []) { return blocked }
            let evidence = Evidence(.deviceClass, "pci", "No PCI function of vendor 10de has class 0300 or 0302.")
            return .idle(.noGPU, "no NVIDIA GPU on the PCI bus", [evidence])
        }
        if let host = facts.vgpuHost {
            return .idle(.vgpuHost, "this node is a vGPU host, so its GPUs belong to virtual machines", host)
        }
        let identification = HardwareIdentification(
            catalog: catalog,
            machine: machine,
            platform: catalog.platforms.first { $0.name == machine.name },
            policy: policy,
            isGuest: facts.host.hypervisor.value == true,
            virtualization: facts.virtualization
        )
        var evidence = [machine.evidence(facts.host)]
        var gpus: [IdentifiedGPU] = []
        var lost: [PCIFunction] = []
        for function in facts.gpus.sorted(by: { $0.address < $1.address }) {
            evidence += function.holderEvidence
            guard !function.isReserved else { continue }
            let (identity, weighed) = identification.identify(function)
            evidence += weighed
            if policy.override(for: function)?.treatment == .ignored { continue }
            if function.isLost {
                lost.append(function)
                continue
            }
            let alternatives = identification.alternatives(to: identity, of: function)
            gpus.append(IdentifiedGPU(function: function, identity: identity, alternatives: alternatives))
        }
        guard !gpus.isEmpty || lost.isEmpty else {
            return .blocked(
                .gpusLost(lost, facts.kernelLogRemark(about: lost.map(\.address))),
                "no GPU of this node answers",
                evidence: evidence
            )
        }
        guard !gpus.isEmpty else {
            return unidentified(facts, evidence)
                ?? .idle(.noGPU, "no GPU of this node is available to its pods", evidence)
        }
        return owned(facts, machine, gpus, evidence)
    }

    /// Blocks when a function of the bus cannot be identified, because it can be a GPU; nil when there is none.
    private func unidentified(_ facts: NodeFacts, _ evidence: [Evidence]) -> Decision? {
        guard let first = facts.unidentified.first else { return nil }
        let why = ReadFailure(first.failure.reason, "\(first.address): \(first.failure.detail)")
        return .blocked(
            .pciUnreadable(why),
            "the agent cannot identify a function on the PCI bus",
            evidence: evidence
        )
    }

    /// Leaves the node alone when another owner manages its driver.
    private func owned(
        _ facts: NodeFacts,
        _ machine: Machine,
        _ gpus: [IdentifiedGPU],
        _ evidence: [Evidence]
    ) -> Decision {
        if let owner = facts.nodeOwner, !facts.hasOwnDriver {
            return .left(to: owner, "\(owner.owner.displayName) manages the driver of this node", evidence)
        }
        if let why = facts.claims.driverContainer.failure?.detail, !facts.hasOwnDriver {
            let problem = Finding(
                .driverUnreadable,
                observed: "The agent cannot tell whether a driver container runs on this host: \(why).",
                expected: "readable files below /run/nvidia",
                remedy: .reading(facts.claims.driverContainer.failure)
            )
            return .blocked([problem], "the agent cannot tell whether a driver container runs here", evidence: evidence)
        }
        let decision = decide(facts, machine, gpus, evidence + facts.labelRemarks).possible(on: facts.host)
        guard let owner = facts.expectedOwner, decision.action != .adopt, !facts.hasOwnDriver else {
            return decision.respecting(facts.driver.uninstall).waiting(forOwnershipIn: facts.claims)
        }
        return .left(to: owner, "\(owner.owner.displayName) may manage the driver of this node", evidence)
    }

    /// Decides from the requirements of all GPUs together and from the driver on the host.
    private func decide(
        _ facts: NodeFacts,
        _ machine: Machine,
        _ gpus: [IdentifiedGPU],
        _ evidence: [Evidence]
    ) -> Decision {
        let unknown = gpus.problems
        guard unknown.isEmpty else {
            return adoption(facts, machine, gpus, evidence)
                ?? .blocked(unknown, "the agent cannot identify a GPU of this node", evidence: evidence)
        }
        guard let requirements = gpus.commonRequirements(workstation: policy.workstation) else {
            let problem = gpus.mixedProblem(workstation: policy.workstation)
            return .blocked([problem], "no driver supports all GPUs of this node", evidence: evidence)
        }
        var decision = choose(facts, machine, gpus, requirements)
        decision.evidence = evidence + decision.evidence
        return decision
    }

    /// Keeps the driver on the host when the agent cannot tell vGPUs from boards of their card; nil when it does not
    /// fit.
    ///
    /// Somebody installed a driver of the kind that these GPUs need, and the checks show whether it works. The agent
    /// installs nothing on such a node.
    private func adoption(
        _ facts: NodeFacts,
        _ machine: Machine,
        _ gpus: [IdentifiedGPU],
        _ evidence: [Evidence]
    ) -> Decision? {
        guard case .single(let driver) = facts.driver.installed,
            let kind = facts.installedKind(ofVersion: driver.version)?.kind
        else { return nil }
        let assumed = gpus.map { gpu in
            var gpu = gpu
            gpu.identity = gpu.alternatives[kind] ?? gpu.identity
            return gpu
        }
        guard assumed.allSatisfy({ $0.problem == nil }),
            let requirements = assumed.commonRequirements(workstation: policy.workstation)
        else { return nil }
        var decision = choose(facts, machine, assumed, requirements)
        guard decision.action == .adopt else { return nil }
        let statement =
            "The catalog does not say whether a GPU is a vGPU or a board of its card, so the agent keeps the "
            + "\(kind.displayName) driver and installs no other driver."
        decision.evidence = evidence + [Evidence(.installed, "host", statement)] + decision.evidence
        return decision
    }

    private func choose(
        _ facts: NodeFacts,
        _ machine: Machine,
        _ gpus: [IdentifiedGPU],
        _ requirements: DriverRequirements
    ) -> Decision {
        guard let architecture = facts.host.architecture.value else {
            let problem = Finding(
                .hostUnreadable,
                observed: "The processor architecture is not known"
                    + (facts.host.architecture.whyUnknown.map { ": \($0)." } ?? "."),
                expected: "x86_64 or aarch64",
                remedy: .missing(facts.host.architecture, in: "/proc/version or /bin/sh")
            )
            return .blocked([problem], "the processor architecture of the host is not known")
        }
        let vgpuMajors = catalog.vgpuMajors
        let platform = catalog.platforms.first { $0.name == machine.name }
        let vgpus = requirements.kind == .grid ? gpus.filter(\.isVGPU) : []
        let hosts = Set(vgpus.compactMap { VGPUHost(of: $0.function, on: platform, vgpuMajors) })
        let choice = DriverChoice(
            requirements: requirements,
            policy: policy,
            platform: machine.name,
            architecture: architecture,
            kernel: facts.host.kernelRelease.value.flatMap(KernelVersion.init),
            system: facts.host.osRelease.value,
            vgpuHosts: hosts.sorted { $0.source < $1.source },
            vgpuMajors: vgpuMajors
        )
        let weighed = choice.weigh(catalog)
        let need = FabricManagerNeed(
            gpus.map(\.identity),
            switches: (facts.pci.value ?? []).filter(\.isNVSwitch),
            gpusInGuest: facts.host.hypervisor.value == true ? facts.gpus.count : nil
        )
        var offer = CatalogOffer(
            choice: choice,
            fitting: weighed.fitting,
            needsFabricManager: need.isNeeded,
            obstacle: licenseObstacle(facts.host, requirements),
            source: ModuleSource(facts: facts, choice: choice),
            hasPlatformsDriver: catalog.drivers.contains { $0.platform != nil && $0.platform == machine.name }
        )
        let physical = policy.workstation ? gpus.commonRequirements(workstation: false) : nil
        if weighed.fitting.isEmpty {
            offer.limits = ConfigurationLimits(choice, in: catalog, withoutWorkstation: physical) { _ in true }
        } else if weighed.fitting.allSatisfy({ $0.artifact.digest == nil }) {
            offer.verifiedLimits = ConfigurationLimits(choice, in: catalog, withoutWorkstation: physical) {
                $0.artifact.digest != nil
            }
        }
        var decision = HostChoice(facts: facts, choice: choice, offer: offer, drivers: catalog.drivers).decide()
        decision.evidence = conclusions(choice, need) + decision.evidence
        decision.rejected += weighed.rejected
        decision.gpus = gpus.map(\.function.address)
        decision.fabricManager = need
        if need.isNeeded, let driver = decision.driver {
            let known = catalog.fabricManagerArchive(of: driver.version, for: architecture)
            let kept = decision.keptFabricManager
            // The kept file is the one that worked. With the URLs of the catalog, the agent can download it again.
            decision.fabricManagerArchive = kept == nil || kept?.digest == known?.digest ? known : kept
        }
        decision.guest = gpus.reduce(into: []) { guest, gpu in
            guard case .vgpu(let type) = gpu.identity, let expected = GuestExpectations(type, in: catalog),
                !guest.contains(expected)
            else { return }
            guest.append(expected)
        }
        return decision
    }

    /// The finding that the agent cannot choose a GRID driver; nil when it can.
    ///
    /// A GRID driver contains the license for one platform, and the firmware identifies the platform.
    private func licenseObstacle(_ host: HostFacts, _ requirements: DriverRequirements) -> Finding? {
        guard requirements.kind == .grid, let why = host.dmi.whyUnknown else { return nil }
        return Finding(
            .hostUnreadable,
            observed: "The agent could not read the firmware, which identifies the platform: \(why).",
            expected: "readable files below /sys/class/dmi/id",
            remedy: .reading(host.dmi.failure)
        )
    }

    /// The evidence about what the GPUs need.
    private func conclusions(_ choice: DriverChoice, _ need: FabricManagerNeed) -> [Evidence] {
        var evidence = [Evidence(.catalog, "catalog", "These GPUs need a \(choice.requirements).")]
        if policy.workstation {
            evidence.append(
                Evidence(
                    .configuration,
                    "config",
                    "The configuration asks to run physical GPUs as virtual workstations, which need GRID drivers "
                        + "(driver.workstation)."
                )
            )
        }
        evidence += choice.vgpuHosts.map { host in
            let statement =
                host.release.map {
                    "The vGPU host runs release \($0) (\(host.source)), so the guest needs release \($0) or \($0 - 1)."
                }
                ?? "The catalog does not know the vGPU release of the host (\(host.source)), so the release "
                + "does not limit the driver of the guest."
            return Evidence(.catalog, "catalog", statement)
        }
        if need.isNeeded {
            evidence.append(Evidence(.deviceClass, "pci", "This node needs a fabric manager. \(need.why)"))
        }
        return evidence
    }
}

extension Catalog {
    /// NVIDIA's archive with the fabric manager of a version; nil when the catalog has none with a checksum.
    fileprivate func fabricManagerArchive(of version: DriverVersion, for architecture: Architecture) -> Artifact? {
        drivers.lazy.filter { $0.version == version && $0.architecture == architecture }
            .compactMap(\.fabricManagerArchive).first { $0.digest != nil }
    }
}
