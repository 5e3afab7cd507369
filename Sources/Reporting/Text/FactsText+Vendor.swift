import NodeModel

extension FactsText {
    /// What NVIDIA's libraries report about the driver and each GPU.
    var vendor: [String] {
        guard let vendor = facts.vendor.value else {
            return section("NVIDIA's libraries", [("NVML", say(facts.vendor) { _ in "" })])
        }
        let nvml = say(vendor.nvml) { nvml in
            let cuda = say(nvml.cudaVersion) { $0 }
            let count = "\(nvml.gpus.count) GPU\(nvml.gpus.count == 1 ? "" : "s")"
            return "\(nvml.nvmlVersion), driver \(nvml.driverVersion), CUDA up to \(cuda), \(count)"
        }
        let cuda = say(vendor.cuda) { answers in
            listed(
                answers.map { answer in
                    let which = answer.visibleDevices.map { " (\($0))" } ?? ""
                    let devices = "\(answer.deviceCount) device\(answer.deviceCount == 1 ? "" : "s")"
                    return "\(answer.errorName ?? devices)\(which)\(computation(answer))"
                }
            )
        }
        let gpus = (vendor.nvml.value?.gpus ?? []).flatMap(rows)
        return section("NVIDIA's libraries", [("NVML", nvml)] + gpus + [("CUDA", cuda)])
    }

    /// What a device computed, after the name of the device; empty when the facts do not say it.
    private func computation(_ answer: CUDAFacts) -> String {
        if let fault = answer.fault { return style.yellow(" \(fault.reason.rawValue): \(fault.detail)") }
        return switch answer.computation {
        case .present(let values) where values.isRight: ", computes the right results"
        case .present: style.yellow(", computes wrong results")
        case .skipped(let why): ", no kernel ran: \(why)"
        case .absent, .unreadable, nil: ""
        }
    }

    private func rows(_ gpu: GPUFacts) -> [(String, String)] {
        let address = gpu.pciAddress.value?.description ?? "?"
        let line = "\(say(gpu.name) { $0 }), \(say(gpu.memoryMiB) { "\($0) MiB" }), \(address)"
        let states =
            [
                gpu.computeCapability.value.map { "compute capability \($0)" },
                gpu.migMode.value.map(mig),
                gpu.virtualization.value.flatMap(Self.kind),
                gpu.license.value.map(license),
            ].compactMap(\.self) + traits(gpu)
        let devices = (gpu.migDevices.value ?? []).map { "\($0.uuid)  \($0.profile), \($0.memoryMiB) MiB" }
        let faults = gpu.faults.map { style.yellow("\($0.reason.rawValue): \($0.detail)") }
        let details =
            [say(gpu.uuid) { $0 }] + (states.isEmpty ? [] : [states.joined(separator: ", ")]) + devices + faults
        return [("GPU \(gpu.index)", line)] + details.map { ("", $0) }
    }

    private func traits(_ gpu: GPUFacts) -> [String] {
        GPUTrait.allCases.compactMap { trait in
            gpu.traits[trait].value.map { "\(trait.declaration.name) \($0.text)" }
        }
    }

    private func mig(_ mode: MIGMode) -> String {
        let now = "MIG \(mode.current ? "on" : "off")"
        return mode.pending == mode.current ? now : "\(now) (\(mode.pending ? "on" : "off") after the next GPU reset)"
    }

    private func license(_ license: LicenseFacts) -> String {
        let product = license.product.map { " for \($0)" } ?? ""
        return license.licensed ? "licensed\(product)" : style.yellow("not licensed\(product)")
    }

    /// How the GPU is virtualized, in words; nil when it is not.
    private static func kind(_ mode: VirtualizationMode) -> String? {
        switch mode {
        case .none: nil
        case .passthrough: "passed through to this machine"
        case .vgpu: "vGPU"
        case .hostVgpu: "serves vGPUs"
        case .hostVsga: "serves vSGA"
        }
    }
}
