import Documents
import NodeModel
import Selection
import TestSupport

extension CatalogReference {
    /// Nodes whose configuration selects one version, for each driver of the list.
    ///
    /// The agent selects the driver only for matching GPUs, and reports a driver that it must not install.
    static func drivers() throws -> [Keyed] {
        try CatalogDriverListTests.all.flatMap { listed in
            guard let pin = DriverPin(listed) else { throw NoPin(identity: listed.identity) }
            return pin.situations.map { Keyed(key: listed.identity, situation: $0) }
        }
    }

    private struct NoPin: Error {
        var identity: String
    }
}

/// A node whose configuration selects one driver of the list, with a GPU that supports every driver.
private struct DriverPin {
    var identity: String
    var file: String
    var isVerified: Bool
    var kind: DriverKind
    var platform: String?
    var version: DriverVersion
    var architecture: Architecture

    init?(_ listed: CatalogDriverListTests.Listed) {
        let parts = listed.identity.split(separator: "-").map(String.init)
        guard let kind = parts.first.flatMap(DriverKind.init), let architecture = parts.last.flatMap(Architecture.init),
            let version = parts.dropLast().last.flatMap(DriverVersion.init)
        else { return nil }
        identity = listed.identity
        file = listed.url.split(separator: "/").last.map(String.init) ?? ""
        isVerified = listed.verified
        (self.kind, self.version, self.architecture) = (kind, version, architecture)
        platform = parts.count == 4 ? parts[1] : nil
    }

    /// The kernel module types of the package, which has open modules since branch 515.
    private var kernelModuleTypes: [KernelModuleType] { version.branch < 515 ? [.proprietary] : [.open, .proprietary] }

    /// NVIDIA's purpose for the branch.
    private var channel: DriverChannel? {
        let channels: [Int: DriverChannel] = [
            610: .newFeature, 595: .production, 590: .newFeature, 580: .lts, 535: .lts, 470: .lts,
        ]
        return channels[version.branch]
    }

    /// Whether the driver supports kernels only up to 6.8: Azure's GRID drivers before vGPU 19 fail on kernel 6.11.
    private var endsWithKernel68: Bool { platform == "azure" && version.branch < 580 }

    var situations: [Situation] {
        var all = [situation("pinned", expected())]
        all += KernelModuleType.allCases.map { kernelModuleType in
            let expected = kernelModuleTypes.contains(kernelModuleType) ? expected(kernelModuleType) : nothing
            return situation("with \(kernelModuleType.rawValue) modules", expected) {
                $0.kernelModuleType = kernelModuleType
            }
        }
        all += DriverChannel.allCases.map { wanted in
            situation("of channel \(wanted.rawValue)", channel == wanted ? expected() : nothing) { $0.channel = wanted }
        }
        all.append(situation("on kernel 6.8", expected(), kernel: "6.8.0-1044-azure"))
        all.append(
            situation("on kernel 6.11", endsWithKernel68 ? nothing : expected(), kernel: "6.11.0-1018-azure")
        )
        if platform != nil { all.append(situation("elsewhere", nothing, platform: "another-cloud")) }
        return all
    }

    private func expected(_ kernelModuleType: KernelModuleType? = nil) -> Situation.Expectation {
        var expected = Situation.Expectation(action: isVerified ? .install : .blocked)
        expected.kind = kind
        expected.version = .exactly(version.description)
        expected.kernelModuleType = kernelModuleType ?? kernelModuleTypes.first
        if !isVerified { expected.codes = [.artifactWithoutHash] }
        expected.says = [isVerified ? "file: \(file)\n" : "The catalog has no checksum for \(file)."]
        return expected
    }

    private var nothing: Situation.Expectation {
        var expected = Situation.Expectation(action: .blocked)
        expected.codes = [.noDriverFits]
        return expected
    }

    private func situation(
        _ name: String,
        _ expected: Situation.Expectation,
        platform: String? = nil,
        kernel: String = NodeFacts.kernel,
        _ change: (inout Policy) -> Void = { _ in }
    ) -> Situation {
        let machine = SituationMachine.all[platform ?? self.platform ?? "another-cloud"]
        var gpu = PCIFunction.unknownGPU
        gpu.id.device = 0x0001
        let facts = NodeFacts.bare.with { facts in
            facts.host.architecture = .present(architecture)
            facts.host.kernelRelease = .present(kernel)
            facts.host.dmi = machine?.dmi ?? .absent
            facts.host.hypervisor = machine?.hypervisor ?? .skipped("not inspected")
            facts.pci = .present([gpu])
        }
        var policy = Policy(
            version: version,
            hardware: [HardwareOverride(id: gpu.id, treatment: kind == .grid ? .vgpu : .physical)]
        )
        change(&policy)
        var expected = expected
        expected.platform = machine?.name
        return Situation(
            place: DocumentPlace(file: "CatalogDriverListTests", line: 1, column: 1),
            name: "\(identity) \(name)",
            facts: facts,
            policy: policy,
            expected: expected,
            faults: []
        )
    }
}
