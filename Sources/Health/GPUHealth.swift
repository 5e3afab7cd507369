package import NodeModel

/// Whether the GPUs of a node are free of faults.
///
/// This is not the readiness. A node without a driver is not ready, but nothing says that a GPU is faulty. A node on
/// which seven of eight GPUs work is ready, but one GPU is faulty.
///
/// The rule:
///
/// - A GPU is *faulty* when one of the checks in `faults` fails or has a warning. These checks fail when a GPU does not
///   answer its driver, when the driver reported an error after which it needs more than another program, or when NVML
///   reports that its memory is damaged. A change of
///   the driver or of the configuration does not help. Exceptions are an error code of NVML about the rights of the
///   agent or about the files of the driver, and a GPU that needs another driver: they say nothing about the GPU.
/// - The GPUs are *healthy* when none of these checks fails or has a warning, and CUDA works.
/// - In all other cases, the agent cannot tell. For example, no driver is loaded, or CUDA fails: the cause can be the
///   GPU or the driver.
///
/// A failure that has not lasted long enough to count is a notice. It does not change the result.
package enum GPUHealth: Sendable, Equatable {
    case healthy
    /// A GPU is faulty, as the most severe finding says.
    case faulty(Finding)
    /// The agent cannot tell. The finding says why a GPU does not answer; nil when no finding is about that.
    case unknown(Finding?)

    /// The codes of the findings that say that a GPU is faulty.
    package static let faults: Set<ReasonCode> = [
        .gpuLost, .nvmlHang, .gpuNotInitialized, .gpuCount, .gpuUnreadable, .cudaHang, .xidHardware, .xidReboot,
        .xidGPUReset, .gpuRecoveryPending, .gpuMemoryDamaged,
    ]

    /// - Parameters:
    ///   - report: The report on the node.
    ///   - facts: The facts about the GPUs that the agent manages. A GPU that the configuration ignores has no finding,
    ///     so it must not say whose fault a finding is.
    package init(_ report: NodeReport, facts: NodeFacts) {
        let findings = report.findings.filter { finding in
            Self.faults.contains(finding.code) && [.failed, .warning].contains(finding.state)
        }
        let faults = findings.filter { finding in
            switch finding.code {
            case .gpuUnreadable: facts.hasFaultOfGPU
            case .gpuNotInitialized: facts.uninitializedGPUs.contains(where: \.cause.isOfGPU)
            default: true
            }
        }
        if let worst = faults.decider {
            self = .faulty(worst)
        } else {
            let isHealthy = findings.isEmpty && report.readiness == .usable
            let isNotOffered = findings.isEmpty && report.waitsOnlyForTheOffer
            self = isHealthy || isNotOffered ? .healthy : .unknown(findings.decider)
        }
    }
}

extension NodeReport {
    /// Whether CUDA works, and the node is not ready only because nothing offers its GPUs to pods yet.
    package var waitsOnlyForTheOffer: Bool {
        reason == .gpuNotOffered && findings.contains { $0.code == .cudaFailed && $0.state == .pass }
            && findings.allSatisfy { $0.state != .failed || $0.code == .gpuNotOffered }
    }
}

extension NodeFacts {
    /// Whether a call of NVML about a GPU failed because of the GPU itself.
    fileprivate var hasFaultOfGPU: Bool {
        (vendor.value?.nvml.value?.gpus ?? []).contains { $0.faults.contains(where: \.isOfGPU) }
    }
}

extension ReadFailure {
    fileprivate var isOfGPU: Bool {
        guard let code = NVMLFailure(self) else { return !isOurOwn }
        return switch code.kind {
        case .lost, .noPower, .resetRequired, .unknown, .other: true
        case .absence, .noPermission, .driverNotLoaded, .libraryNotFound, .versionMismatch: false
        }
    }
}
