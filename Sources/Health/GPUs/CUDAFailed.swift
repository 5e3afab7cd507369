package import NodeModel
import Support

extension ReasonCode {
    package static let cudaFailed = ReasonCode("cuda-failed")
}

extension Check {
    static let cudaFailed = Check(
        .cudaFailed,
        title: "CUDA initializes and sees every device",
        group: .gpus,
        phase: .use,
        dependsOn: [
            .nvmlUnavailable, .deviceNodesMissing, .gpuCount, .gpuUnreadable, .migDevicesMissing, .cudaHang,
            .fabricManagerMissing, .fabricManagerVersionMismatch, .fabricManagerNotRunning,
        ],
        // CUDA does not initialize until the fabric manager has started.
        settlesWithin: .seconds(60),
        meaning: "CUDA does not initialize, or it sees no device. If CUDA sees only some of the GPUs, the finding is a "
            + "warning.",
        advice: "The remedy of the finding depends on the error code of CUDA. For most codes, check that the kernel "
            + "module `nvidia-uvm` is loaded, and read the kernel log. For 802, check the fabric manager of the "
            + "machine that has the NVSwitches. In a virtual machine without them, that is the host. "
            + "GPUs that no NVSwitch connects need none: check whether they are in confidential computing mode."
    ) { node in
        guard let reading = node.cudaReading else { return nil }
        let expected = "a device for every GPU or MIG device"
        switch reading {
        case .present(let answers):
            return cudaAnswered(answers, on: node, expected: expected)
        case .absent:
            return .failed("The host has no libcuda.so.1.", expected: expected, remedy: .completeDriver)
        case .skipped(let why):
            return .skipped(why, expected: expected)
        case .unreadable(let failure) where failure.reason == .hang:
            return nil
        case .unreadable(let failure) where failure.isOurOwn:
            return .unknown(failure.detail, expected: expected, remedy: .querying(failure))
        case .unreadable(let failure):
            return .failed(
                failure.detail,
                expected: expected,
                remedy: failure.reason == .library
                    ? .driver(failure, on: node)
                    : "Read the kernel log (dmesg) and look for Xid errors. If CUDA keeps failing, reboot the node."
            )
        }
    }

    private static func cudaAnswered(_ answers: [CUDAFacts], on node: CheckedNode, expected: String) -> Outcome {
        let failed = answers.filter { $0.result != 0 || $0.deviceCount == 0 }
        // A GPU with an error has its own finding, so its failure counts only when nothing else works.
        let faulty = Set(node.faultyGPUs.flatMap(\.deviceUUIDs))
        let unexplained = failed.filter { $0.visibleDevices.map { !faulty.contains($0) } ?? true }
        let bad = failed.count < answers.count ? unexplained : failed
        guard bad.isEmpty, !answers.isEmpty else {
            let results = bad.map { answer in
                (
                    subject: answer.visibleDevices ?? "",
                    text: answer.errorName.map { "\(answer.result) \($0)" } ?? "no device"
                )
            }
            let errors = grouped(results).map { group in
                let devices = group.subjects.filter { !$0.isEmpty }
                return group.text + (devices.isEmpty ? "" : " on \(shortList(devices))")
            }
            return .failed(
                errors.isEmpty ? "The agent found no device to test with CUDA." : errors.joined(separator: "; "),
                expected: expected,
                remedy: .cuda(bad.first { $0.result != 0 }?.result ?? 100, on: node)
            )
        }
        let devices = answers.reduce(0) { boundedSum($0, $1.deviceCount) }
        let gpus = node.nvml?.gpus.count ?? 0
        // Without a limit to some devices, CUDA lists each GPU. In MIG mode, it lists at most one MIG device.
        let isWhole = answers.allSatisfy { $0.visibleDevices == nil }
        if isWhole, devices < gpus, node.gpusWithMIG.isEmpty {
            return .warning(
                "CUDA sees \(devices) of the \(gpus) GPUs that NVML lists.",
                expected: expected,
                remedy: .readXidLines
            )
        }
        // CUDA also lists the GPUs that the configuration ignores, which no other check counts.
        let counting = isWhole && node.gpusWithMIG.isEmpty ? min(devices, gpus) : devices
        return .passed(counted(counting, "device"), expected: expected)
    }
}
