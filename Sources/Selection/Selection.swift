package import Catalog
package import NodeModel

/// Chooses the driver for a node.
///
/// Pure: facts, catalog and policy in, decision out. No device id, version or URL stands here: they are the catalog's.
package struct Selection: Sendable {
    package var catalog: Catalog
    package var policy: Policy

    package init(catalog: Catalog, policy: Policy) {
        self.catalog = catalog
        self.policy = policy
    }

    package func decide(_ facts: NodeFacts) -> Decision {
        let machine = Machine(facts.host, in: catalog)
        var decision = hardware(facts, machine)
        decision.evidence = decision.evidence.byStrength()
        decision.platform = machine.name
        return decision
    }

    /// What hangs on the functions of the bus alone; goes on with the GPUs that are the agent's business.
    private func hardware(_ facts: NodeFacts, _ machine: Machine) -> Decision {
        switch facts.pci {
        case .present, .absent: break
        case .unreadable(let failure): return .blocked(.pciUnreadable(failure.detail), "the PCI bus cannot be read")
        case .skipped(let why): return .blocked(.pciUnreadable(why), "the PCI bus was not read")
        }
        guard !facts.gpus.isEmpty else {
            if let first = facts.unidentified.first {
                let why = "\(first.address): \(first.failure.detail)"
                return .blocked(.pciUnreadable(why), "a function of the PCI bus cannot be read")
            }
            let evidence = Evidence(.deviceClass, "pci", "no function of vendor 10de has class 0300 or 0302")
            return .idle(.noGPU, "no NVIDIA GPU on the PCI bus", [evidence])
        }
        if let host = facts.vgpuHost {
            return .idle(.vgpuHost, "this node is a vGPU host: its GPUs belong to its virtual machines", host)
        }
        let identification = HardwareIdentification(
            catalog: catalog,
            machine: machine,
            platform: catalog.platforms.first { $0.name == machine.name },
            policy: policy,
            virtualization: facts.virtualization
        )
        var evidence = [machine.evidence(facts.host)]
        var gpus: [IdentifiedGPU] = []
        for function in facts.gpus.sorted(by: { $0.address < $1.address }) {
            guard !function.isHandedToAGuest else {
                let driver = function.kernelDriver.value ?? "vfio"
                evidence.append(Evidence(.sriov, function, "bound to \(driver): it belongs to a virtual machine"))
                continue
            }
            let (identity, weighed) = identification.identify(function)
            evidence += weighed
            if policy.override(for: function)?.treatment == .ignored { continue }
            gpus.append(IdentifiedGPU(function: function, identity: identity))
        }
        guard !gpus.isEmpty else {
            return .idle(.noGPU, "no GPU of this node is for its own pods", evidence)
        }
        return owned(facts, machine, gpus, evidence)
    }

    /// Leaves a node alone whose driver is somebody else's business as a whole.
    private func owned(
        _ facts: NodeFacts,
        _ machine: Machine,
        _ gpus: [IdentifiedGPU],
        _ evidence: [Evidence]
    ) -> Decision {
        if let owner = facts.nodeOwner, !facts.hasOwnDriver {
            return .left(to: owner, "\(owner.owner.words) runs the driver of this node", evidence)
        }
        if let why = facts.claims.driverContainer.failure?.detail, !facts.hasOwnDriver {
            let problem = Finding(
                .driverUnreadable,
                observed: "whether a driver container runs here: \(why)",
                expected: "a certain answer",
                remedy: "run the agent as root with the host's root directory mounted"
            )
            return .blocked([problem], "cannot tell whether a driver container runs here", evidence: evidence)
        }
        let decision = decide(facts, machine, gpus, evidence + facts.labelRemarks)
        guard let owner = facts.expectedOwner, decision.action != .adopt, !facts.hasOwnDriver else {
            return decision.waiting(forOwnershipIn: facts.claims)
        }
        return .left(to: owner, "\(owner.owner.words) may run the driver of this node", evidence)
    }

    /// What the GPUs ask for together, and what the host has.
    private func decide(
        _ facts: NodeFacts,
        _ machine: Machine,
        _ gpus: [IdentifiedGPU],
        _ evidence: [Evidence]
    ) -> Decision {
        let unknown = gpus.compactMap(\.problem)
        guard unknown.isEmpty else {
            return .blocked(unknown, "what a GPU of this node is cannot be told for certain", evidence: evidence)
        }
        guard let requirements = gpus.commonRequirements(workstation: policy.workstation) else {
            let problem = gpus.mixedProblem(workstation: policy.workstation)
            return .blocked([problem], "no one driver runs all GPUs of this node", evidence: evidence)
        }
        var decision = choose(facts, machine, gpus, requirements)
        decision.evidence = evidence + decision.evidence
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
                observed: facts.host.architecture.failure?.detail ?? "no architecture was found",
                expected: "x86_64 or aarch64",
                remedy: "run the agent as root with the host's root directory mounted"
            )
            return .blocked([problem], "the host's architecture is not known")
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
        let need = FabricManagerNeed(gpus.map(\.identity), switches: (facts.pci.value ?? []).filter(\.isNVSwitch))
        let offer = CatalogOffer(
            choice: choice,
            fitting: weighed.fitting,
            needsFabricManager: need.isNeeded,
            obstacle: licenseObstacle(facts.host, requirements),
            hasPlatformsDriver: catalog.drivers.contains { $0.platform != nil && $0.platform == machine.name }
        )
        var decision = HostChoice(facts: facts, choice: choice, offer: offer).decide()
        decision.evidence = conclusions(choice, need) + decision.evidence
        decision.rejected += weighed.rejected
        decision.gpus = gpus.map(\.function.address)
        decision.fabricManager = need
        decision.guest = gpus.reduce(into: []) { guest, gpu in
            guard case .vgpu(let type) = gpu.identity, let expected = GuestExpectations(type, in: catalog),
                !guest.contains(expected)
            else { return }
            guest.append(expected)
        }
        return decision
    }

    /// A GRID driver carries a license for one platform: where the firmware could not be read, none can be chosen.
    private func licenseObstacle(_ host: HostFacts, _ requirements: DriverRequirements) -> Finding? {
        guard requirements.kind == .grid, let why = host.dmi.whyUnknown else { return nil }
        return Finding(
            .hostUnreadable,
            observed: "what the firmware says of this machine: \(why)",
            expected: "the files below /sys/class/dmi/id",
            remedy: "run the agent as root with the host's root directory mounted"
        )
    }

    private func conclusions(_ choice: DriverChoice, _ need: FabricManagerNeed) -> [Evidence] {
        var evidence = [Evidence(.catalog, "catalog", "these GPUs take \(choice.requirements.words)")]
        if policy.workstation {
            evidence.append(
                Evidence(.configuration, "config", "driver.workstation: physical GPUs run with GRID drivers")
            )
        }
        evidence += choice.vgpuHosts.map { host in
            let words =
                host.release.map { "the vGPU host runs release \($0) (\(host.source)): a guest takes it or \($0 - 1)" }
                ?? "the vGPU release of the host's \(host.source) is not known: no guest driver is held to it"
            return Evidence(.catalog, "catalog", words)
        }
        if need.isNeeded { evidence.append(Evidence(.deviceClass, "pci", "a fabric manager is needed: \(need.why)")) }
        return evidence
    }
}

extension Decision {
    static func blocked(_ problems: [Finding], _ summary: String, evidence: [Evidence] = []) -> Decision {
        Decision(action: .blocked, summary: summary, evidence: evidence, problems: problems)
    }

    /// Nothing to do here, because the driver is another owner's business.
    fileprivate static func left(to owner: OwnerClaim, _ summary: String, _ evidence: [Evidence]) -> Decision {
        var decision = idle(.driverOwnedElsewhere, summary, evidence + [owner.evidence])
        (decision.owner, decision.wayOut) = (owner.owner, owner.wayOut)
        return decision
    }

    /// The same decision, held back where it would change the host and nobody knows whether another owner claims the
    /// driver.
    ///
    /// Two installers on one host break it, so a Node that cannot be read is never taken for one that nobody claims.
    fileprivate func waiting(forOwnershipIn claims: ClaimFacts) -> Decision {
        guard action == .install, let failure = claims.nodeLabels.failure else { return self }
        var decision = self
        decision.action = .blocked
        decision.driver?.artifact = nil
        decision.takesOver = nil
        decision.summary = "wait: the Node cannot be read, so the owner of the driver is not known"
        decision.problems = [
            Finding(
                .ownershipUnknown,
                observed: "the labels of the Node cannot be read: \(failure.detail)",
                expected: "the labels of the Node, which say whether another owner installs the driver",
                remedy: "make the API server reachable for the agent, which tries again by itself; to install without "
                    + "the cluster, run gpu-agent install, or set 'cluster: none' in the configuration"
            )
        ]
        return decision
    }

    /// Whether the agent would install a driver as soon as it knows who owns it.
    package var waitsForOwnership: Bool { problems.contains { $0.code == .ownershipUnknown } }

    static func idle(_ reason: ReasonCode, _ summary: String, _ evidence: [Evidence]) -> Decision {
        Decision(action: .idle, reason: reason, summary: summary, evidence: evidence)
    }
}

extension [Finding] {
    fileprivate static func pciUnreadable(_ why: String) -> [Finding] {
        [
            Finding(
                .pciUnreadable,
                observed: why,
                expected: "the functions below /sys/bus/pci",
                remedy: "run the agent as root with the host's root directory mounted (--host-root)"
            )
        ]
    }
}
