/// Chooses the driver for a node.
///
/// Pure: facts, catalog and policy in, decision out.
package struct Selection: Sendable {
    package var catalog: Catalog
    package var policy: Policy

    package init(catalog: Catalog, policy: Policy) {
        self.catalog = catalog
        self.policy = policy
    }

    package func decide(_ facts: NodeFacts) -> Decision {
        let gpus: [PCIFunction]
        switch facts.pci {
        case .present: gpus = facts.gpus
        case .absent: gpus = []
        case .unreadable(let failure): return .blocked(.pciUnreadable(failure.detail), "the PCI bus cannot be read")
        case .skipped(let why): return .blocked(.pciUnreadable(why), "the PCI bus was not read")
        }
        guard !gpus.isEmpty else {
            if let first = facts.unidentified.first {
                let why = "\(first.address): \(first.failure.detail)"
                return .blocked(.pciUnreadable(why), "a function of the PCI bus cannot be read")
            }
            let evidence = Evidence("pci", "no function of vendor 10de has class 0300 or 0302")
            return Decision(action: .idle, summary: "no NVIDIA GPU on the PCI bus", evidence: [evidence])
        }
        var evidence: [Evidence] = []
        let identities = gpus.map { gpu in
            let (identity, why) = GPUIdentity.identify(gpu, in: catalog)
            evidence.append(Evidence("pci \(gpu.address)", why))
            if let capability = gpu.vgpuCapability.value { evidence.append(capability.evidence(at: gpu.address)) }
            return (gpu: gpu, identity: identity)
        }
        let unknown = identities.compactMap { problem(of: $0.gpu, $0.identity) }
        guard unknown.isEmpty else {
            return .blocked(unknown, "a GPU of this node is not known", evidence: evidence)
        }
        guard let requirements = common(identities.compactMap { DriverRequirements($0.identity) }) else {
            let list = gpus.map {
                "\($0.address) \($0.id) subsystem \($0.subsystem.value?.description ?? "unreadable")"
            }
            let problem = Problem(
                .mixedGPUs,
                observed: list.joined(separator: ", "),
                expected: "GPUs that one driver can run",
                remedy: "move the GPUs to different nodes: no single driver kind and module flavour runs them all"
            )
            return .blocked([problem], "no one driver runs all GPUs of this node", evidence: evidence)
        }
        return decide(facts, gpus: gpus, requirements: requirements, evidence: evidence)
    }

    /// What all GPUs together ask for; nil when nothing suits them all.
    private func common(_ requirements: [DriverRequirements]) -> DriverRequirements? {
        guard var common = requirements.first else { return nil }
        for next in requirements.dropFirst() {
            guard let both = common.intersection(next) else { return nil }
            common = both
        }
        return common
    }

    private func decide(
        _ facts: NodeFacts,
        gpus: [PCIFunction],
        requirements: DriverRequirements,
        evidence: [Evidence]
    ) -> Decision {
        guard let architecture = facts.host.architecture.value else {
            let why = facts.host.architecture.failure?.detail ?? "no architecture was found"
            let problem = Problem(
                .hostUnreadable,
                observed: why,
                expected: "x86_64 or aarch64",
                remedy: "run the agent as root with the host's root directory mounted"
            )
            return .blocked([problem], "the host's architecture is not known", evidence: evidence)
        }
        let platform = facts.host.dmi.value.flatMap { dmi in catalog.platforms.first { $0.matches(dmi) }?.name }
        let choice = DriverChoice(
            requirements: requirements,
            policy: policy,
            platform: platform,
            architecture: architecture,
            hostDriverVersions: gpus.compactMap { $0.vgpuCapability.value?.hostDriverVersion }
                .compactMap(DriverVersion.init)
        )
        var evidence = evidence
        evidence.append(platformEvidence(facts, platform))
        evidence.append(
            Evidence(
                "catalog",
                "these GPUs take a \(requirements.kind.rawValue) driver with \(listed(requirements.flavours)) modules"
            )
        )
        let weighed = choice.weigh(catalog)
        var decision = HostChoice(facts: facts.driver, kernelRelease: facts.host.kernelRelease.value)
            .decide(choice, fitting: weighed.fitting)
        decision.platform = platform
        decision.evidence = evidence + decision.evidence
        decision.rejected = weighed.rejected
        return decision
    }

    private func platformEvidence(_ facts: NodeFacts, _ platform: String?) -> Evidence {
        switch facts.host.dmi {
        case .present(let dmi):
            let vendor = dmi.systemVendor ?? "an unnamed vendor"
            return Evidence("dmi", "machine by \(vendor): \(platform.map { "platform \($0)" } ?? "no known cloud")")
        case .absent: return Evidence("dmi", "the firmware names no vendor: no known cloud")
        case .unreadable(let failure): return Evidence("dmi", "not readable (\(failure.detail)): no known cloud")
        case .skipped(let why): return Evidence("dmi", "not read (\(why)): no known cloud")
        }
    }

    private func problem(of gpu: PCIFunction, _ identity: GPUIdentity) -> Problem? {
        let subsystem = gpu.subsystem.value.map { "\($0)" } ?? "unreadable"
        let observed = "\(gpu.address): \(gpu.id), subsystem \(subsystem), class \(hex(gpu.classCode, digits: 4))"
        switch identity {
        case .physical, .vgpu: return nil
        case .unknownVGPUType(let card):
            return Problem(
                .unknownVGPUType,
                observed: "\(observed), a vGPU of \(card.name)",
                expected: "a vGPU type of the catalog",
                remedy: "add the pair (device \(hex(gpu.id.device, digits: 4)), subsystem device of \(subsystem)) "
                    + "to vgpuTypes in a catalog of your own and pass it with --catalog"
            )
        case .undetermined(let card):
            return Problem(
                .pciUnreadable,
                observed: "\(observed): \(card.name), or a vGPU of it",
                expected: "a subsystem id and a whole configuration space that can be read",
                remedy: "run the agent as root: others read the first 64 bytes of configuration space only"
            )
        case .unknown:
            return Problem(
                .unknownGPU,
                observed: observed,
                expected: "a GPU of the catalog",
                remedy: "nothing is installed on unknown hardware; add \(gpu.id) to gpus in a catalog of your own "
                    + "and pass it with --catalog, or use a newer gpu-agent"
            )
        }
    }
}

extension VGPUCapability {
    fileprivate func evidence(at address: PCIAddress) -> Evidence {
        let host = hostDriverVersion.map { ", host driver \($0)" } ?? ""
        return Evidence("pci \(address)", "configuration space has the capability of a vGPU\(host)")
    }
}

extension [Problem] {
    fileprivate static func pciUnreadable(_ why: String) -> [Problem] {
        [
            Problem(
                .pciUnreadable,
                observed: why,
                expected: "the functions below /sys/bus/pci",
                remedy: "run the agent as root with the host's root directory mounted (--host-root)"
            )
        ]
    }
}

extension Decision {
    static func blocked(_ problems: [Problem], _ summary: String, evidence: [Evidence] = []) -> Decision {
        Decision(action: .blocked, summary: summary, evidence: evidence, problems: problems)
    }
}
