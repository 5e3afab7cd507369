package import NodeModel
import Support

extension ReasonCode {
    package static let cudaFailed = ReasonCode("cuda-failed")
}

extension Check {
    static let cudaFailed = Check(
        .cudaFailed,
        title: "CUDA works on every device",
        group: .gpus,
        phase: .use,
        dependsOn: [
            .nvmlUnavailable, .deviceNodesMissing, .gpuCount, .gpuUnreadable, .migDevicesMissing, .cudaHang,
            .fabricManagerMissing, .fabricManagerVersionMismatch, .fabricManagerNotRunning,
        ],
        // CUDA does not initialize until the fabric manager has started.
        settlesWithin: .seconds(60),
        meaning:
            "CUDA does not initialize, sees no device, or a device does not compute the right results. If CUDA sees "
            + "only some of the GPUs, the finding is a warning.",
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
        case .absent, .absentBecause:
            return .failed("The host has no libcuda.so.1.", expected: expected, remedy: .completeDriver)
        case .skipped(let why):
            return .skipped(why, expected: expected)
        case .unreadable(let failure) where failure.isWithoutAnswer:
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

    /// The outcome of the devices that answered; nil when these work, and `status` did not wait for the others.
    private static func cudaAnswered(_ answers: [CUDAFacts], on node: CheckedNode, expected: String) -> Outcome? {
        let isSlow = answers.contains { $0.fault?.reason == .slow }
        let failed = answers.filter { !$0.works && $0.fault?.reason != .slow }
        // A GPU with an error has its own finding, so its failure counts only when nothing else works.
        let faulty = Set(node.faultyGPUs.flatMap(\.deviceUUIDs))
        let unexplained = failed.filter { $0.visibleDevices.map { !faulty.contains($0) } ?? true }
        let bad = failed.count < answers.count ? unexplained : failed
        guard bad.isEmpty, !answers.isEmpty else {
            let errors = grouped(bad.map { ($0.visibleDevices ?? "", $0.problem) }).map { group in
                let devices = group.subjects.filter { !$0.isEmpty }
                return group.text + (devices.isEmpty ? "" : " on \(shortList(devices))")
            }
            return .failed(
                errors.isEmpty ? "The agent found no device to test with CUDA." : errors.joined(separator: "; "),
                expected: expected,
                remedy: bad.contains(where: \.computesWrong)
                    ? .wrongResults : .cuda(bad.first { $0.result != 0 }?.result ?? 100, on: node)
            )
        }
        if isSlow { return nil }
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
        return .passed(counted(counting, "device") + computed(answers), expected: expected)
    }

    /// How far CUDA was tested, as the end of a sentence; empty when the facts do not say it.
    private static func computed(_ answers: [CUDAFacts]) -> String {
        let light = answers.compactMap { answer -> (subject: String, text: String)? in
            guard case .skipped(let why) = answer.computation else { return nil }
            return (answer.visibleDevices ?? "", why)
        }
        guard let first = light.first else {
            return answers.allSatisfy { $0.computation?.value != nil }
                ? ", each of which computes the right results" : ""
        }
        let extent = light.count < answers.count ? " on \(light.count) of them" : ""
        return "; no kernel ran\(extent): \(first.text)"
    }
}

extension CUDAFacts {
    /// What is wrong with CUDA on these devices.
    fileprivate var problem: String {
        if let fault { return fault.detail }
        if let errorName {
            let isFirst = failedCall == nil || failedCall == "cuInit"
            return "\(result) \(errorName)" + (isFirst ? "" : " in \(failedCall ?? "")")
        }
        guard let computation = computation?.value, computesWrong else { return "no device" }
        return computation.wrongResults > 0
            ? "a kernel computed \(counted(computation.wrongResults, "wrong value"))"
            : "\(counted(computation.wrongCopies, "value")) came back changed from the GPU's memory"
    }
}

extension Remedy {
    /// What to do when a GPU computes wrong values.
    fileprivate static var wrongResults: Remedy {
        """
        Take the node out of use, and test the GPU with DCGM (dcgmi diag -r 3). If the test fails, replace the GPU. \
        Read the kernel log (dmesg) for Xid errors.
        """
    }
}
