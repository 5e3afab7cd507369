import Health
package import NodeModel
import Support

extension Expectations {
    /// A finding for each expectation: passed, failed, or unknown with the reason.
    ///
    /// - Parameter facts: The facts about the GPUs that the agent manages.
    /// - Returns: The findings, in the order of the command line.
    package func findings(_ facts: NodeFacts) -> [Finding] { all.map { $0.finding(facts) } }
}

extension Expectation {
    /// What the node has, compared with the value of the expectation.
    private enum Observed {
        /// The text shows what the node has.
        case value(Expectation?, String)
        /// The node has no such thing, for this reason.
        case nothing(String)
        case unknown(String)
    }

    func finding(_ facts: NodeFacts) -> Finding {
        var finding: Finding
        switch observed(facts) {
        case .value(let found, let text) where found == self:
            finding = Finding(.expectationNotMet, .pass, observed: text, expected: value)
        case .value(_, let text), .nothing(let text):
            finding = Finding(.expectationNotMet, observed: text, expected: value, remedy: remedy)
        case .unknown(let why):
            finding = Finding(
                .expectationNotMet,
                .unknown,
                observed: "The agent cannot tell: \(why)",
                expected: value,
                remedy: "Correct the cause, or leave out '\(key.rawValue)' in --expect."
            )
        }
        finding.title = title
        finding.remedy.link = finding.state == .pass ? nil : ReasonCode.expectationNotMet.documentation
        return finding
    }

    private var title: String {
        switch self {
        case .kind: "the driver is of the kind \(value)"
        case .version: "the driver has the version \(value)"
        case .branch: "the driver is of the branch \(value)"
        case .type: "the kernel modules are \(value)"
        case .mig(.none): "no GPU is in MIG mode"
        case .mig: "the MIG devices fit the strategy \(value)"
        case .gpus: "the number of GPUs is \(value)"
        }
    }

    private var remedy: Remedy {
        switch self {
        case .kind, .version, .branch, .type:
            "Run 'gpu-agent plan': it says which driver this node should have, and why. Or correct --expect."
        case .mig: "Run 'gpu-agent mig list', and change the layout with 'gpu-agent mig apply'. Or correct --expect."
        case .gpus: "Compare with 'lspci -d 10de:', and read the kernel log (dmesg). Or correct --expect."
        }
    }

    private func observed(_ facts: NodeFacts) -> Observed {
        switch self {
        case .kind: kind(facts)
        case .version: loaded(facts) { .version($0) }
        case .branch: loaded(facts) { .branch($0.branch) }
        case .type: moduleType(facts)
        case .mig: migStrategy(facts)
        case .gpus: gpuCount(facts)
        }
    }

    private static let notLoaded = "no driver is loaded"

    private func loaded(_ facts: NodeFacts, _ make: (DriverVersion) -> Expectation) -> Observed {
        let reading = facts.driver.loadedVersion
        if let why = reading.whyUnknown { return .unknown(why) }
        guard let text = reading.value else { return .nothing(Self.notLoaded) }
        guard let version = DriverVersion(text) else { return .unknown("'\(text)' is not a driver version") }
        return .value(make(version), text)
    }

    private func kind(_ facts: NodeFacts) -> Observed {
        if let why = facts.driver.loadedVersion.whyUnknown { return .unknown(why) }
        guard let version = facts.driver.loadedVersion.value else { return .nothing(Self.notLoaded) }
        guard let (kind, why) = facts.installedKind(ofVersion: version) else {
            return .unknown(facts.unreadKindSource?.detail ?? "nothing on the host tells the kind of the driver")
        }
        return .value(.kind(kind), "\(kind.rawValue): \(why)")
    }

    private func moduleType(_ facts: NodeFacts) -> Observed {
        let reading = facts.driver.runningModule
        if let why = reading.whyUnknown { return .unknown(why) }
        guard let module = reading.value else { return .nothing(Self.notLoaded) }
        return .value(.type(module.kernelModuleType), module.kernelModuleType.rawValue)
    }

    private func migStrategy(_ facts: NodeFacts) -> Observed {
        guard let nvml = facts.vendor.value?.nvml.value else { return .unknown(Self.whyNoNVML(facts)) }
        guard !nvml.gpus.isEmpty else { return .nothing("NVML lists no GPU") }
        switch MIGLayout(nvml.gpus.byAddress) {
        case .wholeGPUs: return .value(.mig(.none), "no GPU is in MIG mode")
        case .uniform(_, let device, let count):
            return .value(.mig(.single), "single: each MIG device is \(device.profile) (\(count))")
        case .invalid(_, let why): return .value(.mig(.mixed), "mixed: \(why)")
        case .unknown: return .unknown("the MIG mode or the MIG devices of a GPU are not known")
        }
    }

    private func gpuCount(_ facts: NodeFacts) -> Observed {
        if let nvml = facts.vendor.value?.nvml.value {
            return .value(.gpus(nvml.gpus.count), "\(nvml.gpus.count) in NVML")
        }
        if let why = facts.pci.whyUnknown { return .unknown(why) }
        let count = facts.gpus.count
        guard self == .gpus(count) else { return .value(.gpus(count), "\(count) on the PCI bus") }
        return .unknown("\(count) on the PCI bus, and \(Self.whyNoNVML(facts))")
    }

    private static func whyNoNVML(_ facts: NodeFacts) -> String {
        facts.vendor.flatMap(\.nvml).whyUnknown ?? "the host has no NVML"
    }
}
