import NodeModel

/// Something that a program cannot do with Vulkan on a node.
enum VulkanProblem: Equatable {
    /// A function that concerns no GPU returned this error code (`VkResult`).
    case call(String, code: Int)
    /// Vulkan does not list the GPU.
    case notListed(GPUFacts)
    /// `vkCreateDevice` returned this error code.
    case device(GPUFacts, code: Int)
    /// Vulkan computes on the GPU, but no queue of it can draw.
    case cannotDraw(GPUFacts)

    var gpu: GPUFacts? {
        switch self {
        case .call: nil
        case .notListed(let gpu), .device(let gpu, _), .cannotDraw(let gpu): gpu
        }
    }

    var text: String {
        switch self {
        case .call(let function, let code): "\(function) returned \(VulkanFacts.name(of: code))"
        case .notListed(let gpu): "Vulkan does not list \(gpu.label)"
        case .device(let gpu, let code): "vkCreateDevice on \(gpu.label) returned \(VulkanFacts.name(of: code))"
        case .cannotDraw(let gpu): "Vulkan cannot draw on \(gpu.label)"
        }
    }

    /// Whether the loader may have found no driver that works.
    ///
    /// It returns -9 when no driver starts, whatever the error of the driver was.
    var mayLackDriver: Bool {
        switch self {
        case .call(_, let code): [-3, -9].contains(code)
        case .notListed: true
        case .device, .cannotDraw: false
        }
    }

    /// Whether the driver may have failed to use the kernel modules.
    var mayLackKernelModule: Bool {
        if case .device(_, let code) = self { return code == -3 }
        return mayLackDriver
    }

    /// Whether a device without graphics can have this problem.
    var mayLackGraphics: Bool {
        if case .cannotDraw = self { return true }
        return mayLackKernelModule
    }

    /// The problems in an answer of Vulkan; empty when a program can draw on each of these GPUs.
    static func all(in answer: VulkanFacts, gpus: [GPUFacts]) -> [VulkanProblem] {
        if answer.result != 0 {
            return [.call(answer.failedCall ?? "Vulkan", code: answer.result)]
        }
        let devices = answer.nvidiaDevices
        return gpus.flatMap { gpu -> [VulkanProblem] in
            let own = devices.filter { $0.isOf(gpu, amongOne: gpus.count == 1 && devices.count == 1) }
            if own.isEmpty { return [.notListed(gpu)] }
            let failed = own.compactMap { $0.result.flatMap { $0 == 0 ? nil : VulkanProblem.device(gpu, code: $0) } }
            if !failed.isEmpty { return failed }
            return own.contains(where: \.draws) ? [] : [.cannotDraw(gpu)]
        }
    }
}

extension VulkanFacts {
    var nvidiaDevices: [VulkanDevice] { devices.filter { $0.vendorID == Int(PCIFunction.nvidiaVendor) } }
}

extension VulkanDevice {
    /// Whether this is the device of a GPU.
    ///
    /// A vGPU can have another UUID in Vulkan than in NVML, so the PCI address decides. A driver that does not tell it
    /// is believed to mean the only GPU of the node.
    fileprivate func isOf(_ gpu: GPUFacts, amongOne isOnly: Bool) -> Bool {
        if let pciAddress, let address = gpu.pciAddress.value { return pciAddress == address }
        return uuid == gpu.uuid.value || isOnly
    }
}
