/// The result of Vulkan in one child process.
package struct VulkanFacts: Codable, Sendable, Equatable {
    /// The error code of `vkCreateInstance` or of `vkEnumeratePhysicalDevices` (`VkResult`); 0 on success.
    package var result: Int
    /// The function that returned that code; nil on success.
    package var failedCall: String?
    /// The devices of all Vulkan drivers that the child process could use.
    package var devices: [VulkanDevice]
    /// The file on the host that names the Vulkan driver of NVIDIA; nil when the host has none.
    package var driverFile: String?
    /// Why the Vulkan driver of NVIDIA cannot be loaded, in the words of the dynamic loader.
    ///
    /// Nil when it can, and when Vulkan lists one of its devices, so that nobody asked.
    package var loadError: String?

    package init(
        result: Int = 0,
        failedCall: String? = nil,
        devices: [VulkanDevice] = [],
        driverFile: String? = nil,
        loadError: String? = nil
    ) {
        self.result = result
        self.failedCall = failedCall
        self.devices = devices
        self.driverFile = driverFile
        self.loadError = loadError
    }

    /// Why the agent did not test Vulkan.
    package static let notRequested = "the configuration does not ask for it (checks.vulkan)"

    /// The names of the error codes (`VkResult`).
    package static func name(of code: Int) -> String {
        let names = [
            -1: "VK_ERROR_OUT_OF_HOST_MEMORY", -2: "VK_ERROR_OUT_OF_DEVICE_MEMORY",
            -3: "VK_ERROR_INITIALIZATION_FAILED", -4: "VK_ERROR_DEVICE_LOST", -6: "VK_ERROR_LAYER_NOT_PRESENT",
            -7: "VK_ERROR_EXTENSION_NOT_PRESENT", -8: "VK_ERROR_FEATURE_NOT_PRESENT",
            -9: "VK_ERROR_INCOMPATIBLE_DRIVER", -13: "VK_ERROR_UNKNOWN",
        ]
        return names[code].map { "\(code) \($0)" } ?? "\(code)"
    }
}

/// A device that Vulkan lists, and whether a program can use it.
package struct VulkanDevice: Codable, Sendable, Equatable {
    package var name: String
    package var vendorID: Int
    /// The UUID in the form of NVML, such as `GPU-6f1c8d3e-0000-4a2b-9c7d-000000000000`.
    package var uuid: String
    /// Nil when the driver does not tell it (`VK_EXT_pci_bus_info`).
    package var pciAddress: PCIAddress?
    /// Whether a queue of the device can draw.
    package var draws: Bool
    /// The error code of `vkCreateDevice`; 0 on success, and nil for a device of another vendor, which is not created.
    package var result: Int?

    package init(
        name: String,
        vendorID: Int,
        uuid: String,
        pciAddress: PCIAddress? = nil,
        draws: Bool,
        result: Int?
    ) {
        self.name = name
        self.vendorID = vendorID
        self.uuid = uuid
        self.pciAddress = pciAddress
        self.draws = draws
        self.result = result
    }
}
