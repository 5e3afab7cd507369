import NodeModel
import Selection

/// The statements about the GPUs as NVIDIA's libraries show them.
struct VendorChecks {
    var facts: NodeFacts
    var decision: Decision

    var findings: [Finding] {
        guard facts.driver.isLoaded || facts.vendor.value?.nvml.value != nil else { return [] }
        guard let vendor = facts.vendor.value else { return [nvmlMissing(facts.vendor.map { _ in true })] }
        guard let nvml = vendor.nvml.value else { return [nvmlMissing(vendor.nvml.map { _ in true })] }
        return [nvmlWorks(nvml), gpuCount(nvml), gpusReadable(nvml), migDevices(nvml), license(nvml)]
            .compactMap(\.self) + [cuda(vendor.cuda, nvml)]
    }

    private func nvmlWorks(_ nvml: NVMLFacts) -> Finding {
        Finding(
            .nvmlUnavailable,
            .pass,
            observed: "driver \(nvml.driverVersion), CUDA \(nvml.cudaVersion.value ?? "unknown")",
            expected: "an answer"
        )
    }

    private func nvmlMissing(_ reading: Reading<Bool>) -> Finding {
        let expected = "an answer"
        switch reading {
        case .present, .absent:
            return Finding(
                .nvmlUnavailable,
                .failed,
                observed: "no libnvidia-ml.so.1 on the host",
                expected: expected,
                remedy: "the driver is incomplete: install its libraries on the host, or remove the rest of it"
            )
        case .skipped(let why):
            return Finding(.nvmlUnavailable, .skipped, observed: why, expected: expected)
        case .unreadable(let failure) where failure.reason == .hang:
            return Finding(
                .nvmlHang,
                .failed,
                observed: failure.detail,
                expected: expected,
                remedy:
                    "a call into the driver does not return: look for Xid lines in the kernel log and reboot the node"
            )
        case .unreadable(let failure):
            return Finding(
                .nvmlUnavailable,
                failure.isOurOwn ? .unknown : .failed,
                observed: failure.detail,
                expected: expected,
                remedy: failure.isOurOwn
                    ? Self.ownRemedy : "look at the kernel log of the node for lines with NVRM (dmesg)"
            )
        }
    }

    private func gpuCount(_ nvml: NVMLFacts) -> Finding {
        let seen = Set(nvml.gpus.compactMap(\.pciAddress.value))
        // The driver sees nothing of what a virtual machine has, and need not drive what the operator leaves out.
        let gpus = facts.gpus.filter {
            !$0.isHandedToAGuest && (decision.gpus.isEmpty || decision.gpus.contains($0.address))
        }
        let missing = gpus.map(\.address).filter { !seen.contains($0) }
        let state: Finding.State = missing.isEmpty ? .pass : (missing.count < gpus.count ? .warning : .failed)
        return Finding(
            .gpuCount,
            state,
            observed: missing.isEmpty
                ? "\(gpus.count) of \(gpus.count)"
                : "\(missing.count) of \(gpus.count) without an answer: "
                    + missing.map(\.description).joined(separator: ", "),
            expected: "all of them",
            remedy: missing.isEmpty ? "" : "look at the kernel log for the missing GPUs; a reboot may bring them back"
        )
    }

    private func gpusReadable(_ nvml: NVMLFacts) -> Finding {
        let lost = nvml.gpus.compactMap { gpu in
            (gpu.uuid.failure ?? gpu.migMode.failure ?? gpu.migDevices.failure).map { "GPU \(gpu.index): \($0.detail)" }
        }
        let state: Finding.State =
            nvml.gpus.isEmpty ? .failed : lost.isEmpty ? .pass : lost.count < nvml.gpus.count ? .warning : .failed
        return Finding(
            .gpuUnreadable,
            state,
            observed: nvml.gpus.isEmpty
                ? "NVML shows no GPU" : lost.isEmpty ? "\(nvml.gpus.count) read" : lost.joined(separator: "; "),
            expected: "no error from NVML",
            remedy: state == .pass ? "" : "look at the kernel log for Xid lines of these GPUs"
        )
    }

    private func migDevices(_ nvml: NVMLFacts) -> Finding {
        let expected = "at least one on each GPU with MIG on"
        let enabled = nvml.gpus.filter { $0.migMode.value?.current == true }
        guard !enabled.isEmpty else {
            return Finding(.migDevicesMissing, .notApplicable, observed: "MIG is off", expected: expected)
        }
        let unread = enabled.compactMap(\.migDevices.whyUnknown)
        guard unread.count < enabled.count else {
            return Finding(
                .migDevicesMissing,
                .unknown,
                observed: unread.joined(separator: "; "),
                expected: expected,
                remedy: "look at the kernel log for Xid lines of these GPUs"
            )
        }
        let empty = enabled.filter { $0.migDevices.value?.isEmpty ?? $0.migDevices.isAbsent }
        let profiles = enabled.flatMap { $0.migDevices.value ?? [] }.map(\.profile)
        return Finding(
            .migDevicesMissing,
            empty.isEmpty ? .pass : .failed,
            observed: empty.isEmpty
                ? "\(profiles.count): \(Set(profiles).sorted().joined(separator: ", "))"
                : "none on GPU \(empty.map { "\($0.index)" }.joined(separator: ", "))",
            expected: expected,
            remedy: empty.isEmpty ? "" : "create MIG devices, or turn MIG off; on a vGPU the host decides both"
        )
    }

    private func license(_ nvml: NVMLFacts) -> Finding {
        let expected = "licensed"
        guard decision.driver?.kind == .grid else {
            return Finding(.licenseMissing, .notApplicable, observed: "no vGPU", expected: expected)
        }
        let unlicensed = nvml.gpus.filter { $0.license.value?.licensed == false }
        let products = Set(nvml.gpus.compactMap { $0.license.value?.product }).sorted().joined(separator: ", ")
        guard unlicensed.isEmpty else {
            return Finding(
                .licenseMissing,
                .warning,
                observed: "no license on GPU \(unlicensed.map { "\($0.index)" }.joined(separator: ", "))",
                expected: expected,
                remedy: "see that nvidia-gridd runs and reaches its license server: journalctl -u nvidia-gridd"
            )
        }
        // A lost GPU is a finding of its own.
        let answering = nvml.gpus.filter { $0.uuid.value != nil }
        let silent = answering.compactMap { gpu in gpu.license.whyUnknown.map { "GPU \(gpu.index): \($0)" } }
        guard silent.isEmpty, !answering.isEmpty else {
            return Finding(
                .licenseMissing,
                .unknown,
                observed: silent.isEmpty ? "no GPU answers" : silent.joined(separator: "; "),
                expected: expected,
                remedy: "see that nvidia-gridd runs: systemctl status nvidia-gridd"
            )
        }
        return Finding(
            .licenseMissing,
            .pass,
            observed: products.isEmpty ? "the GPUs ask for none" : products,
            expected: expected
        )
    }

    private func cuda(_ reading: Reading<[CUDAFacts]>, _ nvml: NVMLFacts) -> Finding {
        let expected = "a device for every GPU or MIG device"
        switch reading {
        case .present(let answers):
            let bad = answers.filter { $0.result != 0 || $0.deviceCount == 0 }
            let words = bad.map { answer in
                let where_ = answer.visibleDevices.map { " on \($0)" } ?? ""
                return "\(answer.errorName ?? "no device")\(where_)"
            }
            let devices = answers.reduce(0) { $0 + $1.deviceCount }
            let works = bad.isEmpty && !answers.isEmpty
            // Asked about the whole node, CUDA shows each GPU; with MIG on it shows one MIG device at most.
            let isWhole = answers.allSatisfy { $0.visibleDevices == nil }
            if works, isWhole, devices < nvml.gpus.count,
                !nvml.gpus.contains(where: { $0.migMode.value?.current == true })
            {
                return Finding(
                    .cudaFailed,
                    .warning,
                    observed: "\(devices) of the \(nvml.gpus.count) GPUs in NVML",
                    expected: expected,
                    remedy: "look at the kernel log for Xid lines of the missing GPUs"
                )
            }
            return Finding(
                .cudaFailed,
                works ? .pass : .failed,
                observed: works
                    ? "\(devices) device\(devices == 1 ? "" : "s")"
                    : (words.isEmpty ? "CUDA was not asked about any device" : words.joined(separator: "; ")),
                expected: expected,
                remedy: works ? "" : failedCUDARemedy
            )
        case .absent:
            return Finding(
                .cudaFailed,
                .failed,
                observed: "no libcuda.so.1 on the host",
                expected: expected,
                remedy: "the driver is incomplete: install its libraries on the host, or remove the rest of it"
            )
        case .skipped(let why):
            return Finding(.cudaFailed, .skipped, observed: why, expected: expected)
        case .unreadable(let failure):
            let hang = failure.reason == .hang
            return Finding(
                hang ? .cudaHang : .cudaFailed,
                failure.isOurOwn ? .unknown : .failed,
                observed: failure.detail,
                expected: expected,
                remedy: failure.isOurOwn
                    ? Self.ownRemedy : "look for Xid lines in the kernel log; a reboot may be needed"
            )
        }
    }

    private var failedCUDARemedy: String {
        guard let need = decision.fabricManager, need.isNeeded else {
            return "look at the kernel log of the node; is nvidia-uvm loaded?"
        }
        return "is a fabric manager of the driver's version running (systemctl status nvidia-fabricmanager)? "
            + "These GPUs need one: \(need.why)"
    }

    private static let ownRemedy =
        "the agent itself could not ask: see that it runs as root, and that its /tmp, memory and processes are not used up"
}

extension ReadFailure {
    /// Whether it was the agent that could not ask, and not the driver that did not answer.
    fileprivate var isOurOwn: Bool { [.permission, .io, .command, .malformed].contains(reason) }
}
