import NodeModel

extension VendorProber {
    /// Tests Vulkan, when the configuration asks for it.
    ///
    /// The loader of the host reads only the driver of NVIDIA, so that no other driver hides that it does not work.
    func vulkan(_ exchange: VendorExchange, after nvml: Reading<NVMLFacts>) -> Reading<VulkanFacts> {
        guard testsVulkan else { return .skipped(VulkanFacts.notRequested) }
        guard let path = libraries.vulkan else { return .absent }
        if nvml.failure?.isWithoutAnswer == true || nvml.value?.hang != nil {
            return .skipped("NVML does not answer, and Vulkan would wait for the same driver")
        }
        var exchange = exchange
        exchange.arguments += ["--vulkan", path]
        if let driver = exchange.vulkanDriver {
            exchange.arguments += ["--vulkan-driver", driver]
            // Loaders before 1.3.207 know only the second name.
            exchange.environment += ["VK_DRIVER_FILES=\(driver)", "VK_ICD_FILENAMES=\(driver)"]
        }
        // A layer of the host changes what a program sees, and can crash.
        exchange.environment.append("VK_LOADER_LAYERS_DISABLE=~all~")
        let limit = min(deadlines.vulkan, exchange.rest)
        guard limit > .zero else {
            return .unreadable(exchange.notCalled("Vulkan", within: exchange.deadlines.together ?? deadlines.vulkan))
        }
        return exchange.ask(.vulkan, about: "Vulkan", within: limit)
    }
}
