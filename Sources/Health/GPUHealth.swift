package import NodeModel

/// Whether the GPUs of a node are free of faults.
///
/// This is not the readiness. A node without a driver is not ready, but nothing says that a GPU is faulty. A node on
/// which seven of eight GPUs work is ready, but one GPU is faulty.
///
/// The rule:
///
/// - A GPU is *faulty* when one of the checks in `faults` fails or has a warning. These checks fail when a GPU does not
///   answer its driver, and a change of the driver or of the configuration does not help.
/// - The GPUs are *healthy* when no GPU is faulty and CUDA works.
/// - In all other cases, the agent cannot tell. For example, no driver is loaded, or CUDA fails: the cause can be the GPU
///   or the driver.
///
/// A failure that has not lasted long enough to count is a notice. It does not change the result.
package enum GPUHealth: Sendable, Equatable {
    case healthy
    /// A GPU is faulty, as the most severe finding says.
    case faulty(Finding)
    case unknown

    /// The codes of the findings that say that a GPU is faulty.
    package static let faults: Set<ReasonCode> = [.gpuLost, .nvmlHang, .gpuCount, .gpuUnreadable, .cudaHang]

    package init(_ report: NodeReport) {
        let faults = report.findings.filter { finding in
            Self.faults.contains(finding.code) && [.failed, .warning].contains(finding.state)
        }
        if let worst = faults.decider {
            self = .faulty(worst)
        } else {
            self = report.readiness == .usable ? .healthy : .unknown
        }
    }
}
