import NodeModel
import Selection

extension Check {
    static let cudaFailed = Check(
        .cudaFailed,
        title: "CUDA initializes and sees every device",
        group: .gpus,
        phase: .use,
        dependsOn: [.nvmlUnavailable, .deviceNodesMissing, .gpuCount, .gpuUnreadable, .migDevicesMissing, .cudaHang],
        // CUDA is not ready until the fabric manager has started.
        settlesWithin: .seconds(60),
        meaning: "CUDA does not initialize, or it sees no device. If it sees only some of the GPUs, the finding is a "
            + "warning.",
        advice: "Read the kernel log, and check that the kernel module `nvidia-uvm` is loaded. On GPUs that NVSwitch "
            + "connects, check that a fabric manager of the driver's version runs."
    ) { node in
        guard let reading = node.cudaReading else { return nil }
        let expected = "a device for every GPU or MIG device"
        switch reading {
        case .present(let answers):
            return cudaAnswered(answers, on: node, expected: expected)
        case .absent:
            return .failed("no libcuda.so.1 on the host", expected: expected, remedy: .completeDriver)
        case .skipped(let why):
            return .skipped(why, expected: expected)
        case .unreadable(let failure) where failure.reason == .hang:
            return nil
        case .unreadable(let failure) where failure.isOurOwn:
            return .unknown(failure.detail, expected: expected, remedy: .freeTheAgent)
        case .unreadable(let failure):
            return .failed(
                failure.detail,
                expected: expected,
                remedy: "Read the kernel log (dmesg): look for Xid errors. The node may need a reboot."
            )
        }
    }

    private static func cudaAnswered(_ answers: [CUDAFacts], on node: CheckedNode, expected: String) -> Outcome {
        let bad = answers.filter { $0.result != 0 || $0.deviceCount == 0 }
        guard bad.isEmpty, !answers.isEmpty else {
            let errors = bad.map { answer in
                (answer.errorName ?? "no device") + (answer.visibleDevices.map { " on \($0)" } ?? "")
            }
            return .failed(
                errors.isEmpty ? "the agent asked CUDA about no device" : errors.joined(separator: "; "),
                expected: expected,
                remedy: failedCUDARemedy(node.decision)
            )
        }
        let devices = answers.reduce(0) { $0 + $1.deviceCount }
        let gpus = node.nvml?.gpus.count ?? 0
        // Asked about the whole node, CUDA lists each GPU; with MIG on it lists one MIG device at most.
        let isWhole = answers.allSatisfy { $0.visibleDevices == nil }
        if isWhole, devices < gpus, node.gpusWithMIG.isEmpty {
            return .warning("\(devices) of the \(gpus) GPUs in NVML", expected: expected, remedy: .readXidLines)
        }
        return .passed(counted(devices, "device"), expected: expected)
    }

    private static func failedCUDARemedy(_ decision: Decision) -> Remedy {
        guard let need = decision.fabricManager, need.isNeeded else {
            return "Read the kernel log (dmesg), and check that the kernel module nvidia-uvm is loaded."
        }
        return """
            Check that a fabric manager of the driver's version runs (systemctl status nvidia-fabricmanager). \
            These GPUs need one: \(need.why).
            """
    }
}
