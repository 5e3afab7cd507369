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
            let branch = nvml.driverBranch.value.map { " (\($0))" } ?? ""
            return
                "\(nvml.nvmlVersion), driver \(nvml.driverVersion)\(branch), CUDA up to \(cuda), \(count)"
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
        let confidential = vendor.nvml.value?.confidentialComputing.value.map(confidential)
        let system = [confidential.map { ("confidential computing", $0) }].compactMap(\.self)
        return section(
            "NVIDIA's libraries",
            [("NVML", nvml)] + system + gpus + [("CUDA", cuda)] + peers(vendor) + vulkan(vendor.vulkan)
        )
    }

    /// The result of peer access; empty on a node with one GPU, and when the facts do not have it.
    private func peers(_ vendor: VendorFacts) -> [(String, String)] {
        guard vendor.nvml.value.map({ $0.gpus.count > 1 }) ?? true, !vendor.peers.isAbsent,
            vendor.peers != .skipped(Reading<CUDAPeerFacts>.notRecorded)
        else { return [] }
        let text = say(vendor.peers) { answer in
            let failed = answer.pairs.filter { !$0.failures.isEmpty }
            let works = "works between \(answer.pairs.count(where: \.works)) of \(answer.pairs.count) pairs"
            guard !failed.isEmpty else { return works }
            return style.yellow("\(works), fails between \(listed(failed.map { "\($0.first) and \($0.second)" }))")
        }
        return [("peer access", text)]
    }

    /// The result of Vulkan; empty when nobody asked for it.
    private func vulkan(_ reading: Reading<VulkanFacts>) -> [(String, String)] {
        if reading == .skipped(VulkanFacts.notRequested) { return [] }
        let text = say(reading) { answer in
            let reason = answer.loadError.map { ": \($0)" } ?? ""
            guard answer.result == 0 else { return VulkanFacts.name(of: answer.result) + reason }
            return listed(
                answer.devices.map { device in
                    let result =
                        device.result.map { $0 == 0 ? "" : ", vkCreateDevice: \(VulkanFacts.name(of: $0))" } ?? ""
                    return "\(device.name) (\(device.pciAddress?.description ?? device.uuid))\(result)"
                }
            )
        }
        return [("Vulkan", text)]
    }

    /// What a device computed, after the name of the device; empty when the facts do not say it.
    private func computation(_ answer: CUDAFacts) -> String {
        if let fault = answer.fault { return style.yellow(" \(fault.reason.rawValue): \(fault.detail)") }
        return switch answer.computation {
        case .present(let values) where values.isRight: ", computes the right results"
        case .present: style.yellow(", computes wrong results")
        case .skipped(let why): ", no kernel ran: \(why)"
        case .absent, .absentBecause, .unreadable, nil: ""
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
            ].compactMap(\.self)
        let devices = (gpu.migDevices.value ?? []).map { device in
            let place =
                device.gpuInstance.value.map { ", slices \($0.start) to \($0.start + $0.size - 1)" } ?? ""
            return "\(device.uuid)  \(device.profile), \(device.memoryMiB) MiB\(place)"
        }
        let faults = gpu.faults.map { style.yellow("\($0.reason.rawValue): \($0.detail)") }
        let details =
            [say(gpu.uuid) { $0 }] + (states.isEmpty ? [] : [states.joined(separator: ", ")])
            + traits(gpu) + connections(gpu)
            + devices
            + faults
        return [("GPU \(gpu.index)", line)] + details.map { ("", $0) }
    }

    /// One row for each group of traits that the GPU has.
    private func traits(_ gpu: GPUFacts) -> [String] {
        GPUTrait.Group.allCases.compactMap { group in
            let words = GPUTrait.allCases.filter { $0.declaration.group == group }.compactMap { trait in
                gpu.traits[trait].value.map { value in
                    "\(trait.declaration.name) \(value.text)\(trait.declaration.unit)"
                }
            }
            return words.isEmpty ? nil : words.joined(separator: ", ")
        }
    }

    /// The NVLink links, the fabric and the processes, when the GPU has them.
    private func connections(_ gpu: GPUFacts) -> [String] {
        let links = gpu.nvlink.value.map { links in
            "NVLink: \(links.active.count) of \(links.active.count + links.inactive.count) links active"
        }
        let fabric = gpu.fabric.value.map { fabric in
            let health = fabric.health.map { ", \($0)" } ?? ""
            let cluster = fabric.cluster.map { ", cluster \($0)" } ?? ""
            return "fabric: \(fabric.state), \(fabric.status)\(cluster), clique \(fabric.clique)\(health)"
        }
        let processes = gpu.processes.value.flatMap { processes in
            processes.count == 0
                ? nil
                : "processes: \(listed(processes.list.map { "\($0.pid)" }, leftOut: processes.count - processes.list.count))"
        }
        return [links, fabric, processes].compactMap(\.self)
    }

    private func confidential(_ settings: ConfidentialComputing) -> String {
        let multiGPU = settings.multiGPU.map { ", multi-GPU mode \($0)" } ?? ""
        let ready = settings.acceptsWork.map { $0 ? "" : ", the GPUs do not accept work yet" } ?? ""
        let tools = settings.developerTools ? ", developer tools allowed" : ""
        return "\(settings.feature), environment \(settings.environment)\(multiGPU)\(tools)\(ready)"
    }

    private func mig(_ mode: MIGMode) -> String {
        let now = "MIG \(mode.current ? "on" : "off")"
        return mode.pending == mode.current ? now : "\(now) (\(mode.pending ? "on" : "off") after the next GPU reset)"
    }

    private func license(_ license: LicenseFacts) -> String {
        let product = license.product.map { " for \($0)" } ?? ""
        let until = license.features?.first { $0.licensed }?.expires.map { " until \($0)" } ?? ""
        return license.licensed ? "licensed\(product)\(until)" : style.yellow("not licensed\(product)")
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
