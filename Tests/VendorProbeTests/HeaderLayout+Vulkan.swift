extension HeaderLayout {
    /// The structs of Vulkan that the agent uses.
    static let vulkan = [
        HeaderLayout(
            theirs: "VkApplicationInfo",
            ours: "gpa_vulkan_application_info_t",
            members: [
                ("sType", "type"), ("pNext", "next"), ("pApplicationName", "application_name"),
                ("applicationVersion", "application_version"), ("pEngineName", "engine_name"),
                ("engineVersion", "engine_version"), ("apiVersion", "api_version"),
            ]
        ),
        HeaderLayout(
            theirs: "VkInstanceCreateInfo",
            ours: "gpa_vulkan_instance_info_t",
            members: [
                ("sType", "type"), ("pNext", "next"), ("flags", "flags"), ("pApplicationInfo", "application"),
                ("enabledLayerCount", "layer_count"), ("ppEnabledLayerNames", "layers"),
                ("enabledExtensionCount", "extension_count"), ("ppEnabledExtensionNames", "extensions"),
            ]
        ),
        HeaderLayout(
            theirs: "VkPhysicalDeviceProperties",
            ours: "gpa_vulkan_properties_t",
            members: [
                ("apiVersion", "api_version"), ("driverVersion", "driver_version"), ("vendorID", "vendor_id"),
                ("deviceID", "device_id"), ("deviceType", "device_type"), ("deviceName", "device_name"),
                ("pipelineCacheUUID", "cache_uuid"),
            ]
        ),
        HeaderLayout(
            theirs: "VkPhysicalDeviceProperties2",
            ours: "gpa_vulkan_properties_2_t",
            members: [("sType", "type"), ("pNext", "next"), ("properties", "properties")]
        ),
        HeaderLayout(
            theirs: "VkPhysicalDeviceIDProperties",
            ours: "gpa_vulkan_id_properties_t",
            members: [
                ("sType", "type"), ("pNext", "next"), ("deviceUUID", "device_uuid"), ("driverUUID", "driver_uuid"),
                ("deviceLUID", "device_luid"), ("deviceNodeMask", "node_mask"), ("deviceLUIDValid", "has_luid"),
            ]
        ),
        HeaderLayout(
            theirs: "VkPhysicalDevicePCIBusInfoPropertiesEXT",
            ours: "gpa_vulkan_pci_properties_t",
            members: [
                ("sType", "type"), ("pNext", "next"), ("pciDomain", "domain"), ("pciBus", "bus"),
                ("pciDevice", "device"), ("pciFunction", "function"),
            ]
        ),
        HeaderLayout(
            theirs: "VkQueueFamilyProperties",
            ours: "gpa_vulkan_queue_family_t",
            members: [
                ("queueFlags", "flags"), ("queueCount", "count"), ("timestampValidBits", "timestamp_bits"),
                ("minImageTransferGranularity", "granularity"),
            ]
        ),
        HeaderLayout(
            theirs: "VkDeviceQueueCreateInfo",
            ours: "gpa_vulkan_queue_info_t",
            members: [
                ("sType", "type"), ("pNext", "next"), ("flags", "flags"), ("queueFamilyIndex", "family"),
                ("queueCount", "count"), ("pQueuePriorities", "priorities"),
            ]
        ),
        HeaderLayout(
            theirs: "VkDeviceCreateInfo",
            ours: "gpa_vulkan_device_info_t",
            members: [
                ("sType", "type"), ("pNext", "next"), ("flags", "flags"),
                ("queueCreateInfoCount", "queue_info_count"), ("pQueueCreateInfos", "queue_infos"),
                ("enabledLayerCount", "layer_count"), ("ppEnabledLayerNames", "layers"),
                ("enabledExtensionCount", "extension_count"), ("ppEnabledExtensionNames", "extensions"),
                ("pEnabledFeatures", "features"),
            ]
        ),
    ]

    /// The constants of Vulkan in the header, and what the agent uses for them.
    static let vulkanConstants = [
        ("VK_STRUCTURE_TYPE_APPLICATION_INFO", "GPA_VULKAN_APPLICATION_INFO"),
        ("VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO", "GPA_VULKAN_INSTANCE_INFO"),
        ("VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO", "GPA_VULKAN_QUEUE_INFO"),
        ("VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO", "GPA_VULKAN_DEVICE_INFO"),
        ("VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2", "GPA_VULKAN_PROPERTIES_2"),
        ("VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_ID_PROPERTIES", "GPA_VULKAN_ID_PROPERTIES"),
        ("VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PCI_BUS_INFO_PROPERTIES_EXT", "GPA_VULKAN_PCI_PROPERTIES"),
        ("VK_SUCCESS", "0"), ("VK_QUEUE_GRAPHICS_BIT", "1"), ("VK_API_VERSION_1_1", "1 << 22 | 1 << 12"),
        ("sizeof(VkResult)", "sizeof(gpa_vulkan_result_t)"), ("sizeof(VkInstance)", "sizeof(gpa_vulkan_instance_t)"),
        ("sizeof(VkPhysicalDevice)", "sizeof(gpa_vulkan_gpu_t)"), ("sizeof(VkDevice)", "sizeof(gpa_vulkan_device_t)"),
    ]
}
