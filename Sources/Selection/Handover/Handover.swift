package import NodeModel

/// What is known when the agent decides what it hands over to the pods of the GPU Operator.
package struct Handover: Sendable, Equatable {
    package var use: HandoverUse
    package var verdict: Verdict
    package var readiness: Readiness
    /// Whether CUDA works, and the node is not ready only because nothing offers its GPUs to pods yet.
    ///
    /// What offers them can itself wait for a file of the agent.
    package var waitsOnlyForTheOffer: Bool
    /// The Node's labels of other owners (`ClaimFacts.ownerLabels`); nil when they are not known.
    package var labels: [String: String]?
    package var check: OperatorDriverCheck
    /// Whether `/run/nvidia/validations` exists: the kubelet makes it for the first pod that mounts it.
    package var hasReaders: Bool
    /// Whether the container runtime gets the GPUs of this driver; nil when the host has no CDI specification.
    package var toolkitWorks: Bool?
    /// Whether the Node offers a GPU to pods; nil when it is not known.
    package var offersGPUs: Bool?

    package init(
        use: HandoverUse,
        verdict: Verdict,
        readiness: Readiness,
        waitsOnlyForTheOffer: Bool = false,
        labels: [String: String]?,
        check: OperatorDriverCheck,
        hasReaders: Bool,
        toolkitWorks: Bool? = nil,
        offersGPUs: Bool? = nil
    ) {
        self.use = use
        self.verdict = verdict
        self.readiness = readiness
        self.waitsOnlyForTheOffer = waitsOnlyForTheOffer
        self.labels = labels
        self.check = check
        self.hasReaders = hasReaders
        self.toolkitWorks = toolkitWorks
        self.offersGPUs = offersGPUs
    }

    /// What should be on the host.
    package var plan: HandoverPlan {
        guard use != .never else { return .nothing("the configuration says 'handover.operator: never'") }
        switch verdict {
        case .installing, .leftAlone, .noGPU: return .nothing("the verdict is \(verdict.rawValue)")
        case .notReady: guard waitsOnlyForTheOffer else { return .nothing("the verdict is \(verdict.rawValue)") }
        case .unknown: guard waitsOnlyForTheOffer else { return .keep("the verdict is \(verdict.rawValue)") }
        case .waiting: return .keep("the verdict is \(verdict.rawValue)")
        case .ready, .degraded:
            guard readiness == .usable else { return .keep("the agent cannot tell whether CUDA works") }
        }
        guard let labels else { return .keep("the labels of the Node are not known") }
        if let validator = OperatorLabel.validators.first(where: { !["", "false"].contains(labels[$0] ?? "") }) {
            // It removes each file and makes it again when its own check passes. A file of the agent would get ahead of
            // it.
            return .nothing("the Node has \(validator)=\(labels[validator] ?? "")")
        }
        guard use == .always || hasReaders else { return .nothing("no pod has \(Self.directory)") }
        switch check {
        case .host: return working
        // The files would say that a driver is where pods do not find it.
        case .missing(let why): return .nothing("the GPU Operator does not find the driver, because \(why)")
        case .unknown(let why): return .keep(why)
        }
    }

    private static let directory = "/run/nvidia/validations"

    /// The files for a node on which CUDA works.
    private var working: HandoverPlan {
        var plan = HandoverPlan(why: "CUDA works on the node")
        plan.make(.driverReady, Self.hostDriver)
        plan.make(.cudaReady)
        switch toolkitWorks {
        case true?: plan.make(.toolkitReady)
        // A runtime can give GPUs to containers without a CDI specification. The agent starts no container to try.
        case nil where use == .always: plan.make(.toolkitReady)
        case nil: plan.kept.insert(.toolkitReady)
        case false?: break
        }
        switch offersGPUs {
        case true?: plan.make(.pluginReady)
        case nil: plan.kept.insert(.pluginReady)
        case false?: break
        }
        return plan
    }

    /// The variables for a driver on the host, as the operator's validator writes them.
    ///
    /// Source: `getDriverInfo` in `cmd/nvidia-validator/driver.go` of NVIDIA/gpu-operator.
    private static let hostDriver = [
        "IS_HOST_DRIVER=true", "NVIDIA_DRIVER_ROOT=/", "DRIVER_ROOT_CTR_PATH=/host", "NVIDIA_DEV_ROOT=/",
        "DEV_ROOT_CTR_PATH=/host",
    ]
}

extension Handover {
    /// Takes what the decision depends on from an inspection.
    ///
    /// - Parameters:
    ///   - use: What the configuration asks for.
    ///   - facts: The facts of the node.
    ///   - report: The published report about them.
    ///   - waitsOnlyForTheOffer: Whether, by this report, only what offers the GPUs to pods is missing.
    ///   - check: What the operator's validator finds on the host.
    ///   - hasReaders: Whether `/run/nvidia/validations` exists.
    package init(
        _ use: HandoverUse,
        _ facts: NodeFacts,
        _ report: NodeReport,
        waitsOnlyForTheOffer: Bool,
        check: OperatorDriverCheck,
        hasReaders: Bool
    ) {
        let claims = facts.claims
        self.init(
            use: use,
            verdict: report.verdict,
            readiness: report.readiness,
            waitsOnlyForTheOffer: waitsOnlyForTheOffer,
            // Without a cluster, nobody labels the node.
            labels: claims.nodeLabels.failure == nil ? claims.knownNodeLabels : claims.lastNodeLabels,
            check: check,
            hasReaders: hasReaders,
            toolkitWorks: facts.runtime?.givesGPUs,
            offersGPUs: facts.devicePlugin?.allocatable.value?.offersGPUs
        )
    }
}

extension RuntimeFacts {
    /// Whether a CDI specification gives containers the GPUs of this driver; nil when the host has none for GPUs.
    fileprivate var givesGPUs: Bool? {
        guard let all = specifications.value else { return nil }
        let ofGPUs = all.filter { $0.kind == "nvidia.com/gpu" || $0.kind.hasSuffix(".nvidia.com/gpu") }
        return ofGPUs.isEmpty ? nil : ofGPUs.contains { $0.problem == nil && $0.missingCount == 0 }
    }
}

extension [String: Int] {
    /// Whether one of these resources is a GPU or a MIG device, as the operator's validator counts them.
    package var offersGPUs: Bool {
        contains { $0.value > 0 && ($0.key.hasPrefix("nvidia.com/gpu") || $0.key.hasPrefix("nvidia.com/mig-")) }
    }
}
