import CVendor
import NodeModel
import Support

/// Vulkan, loaded in this process.
///
/// The loader reads the drivers that the environment names (`VK_DRIVER_FILES`).
struct VulkanLibrary {
    private let functions: gpa_vulkan_functions_t
    /// Hears of each call before it is made.
    private let reporter: VendorReporter

    /// Only the devices of this vendor are created.
    private static let nvidia: UInt32 = 0x10de

    init(path: String, reporter: VendorReporter) throws(LibraryError) {
        functions = try VendorLibrary(path: path).functions(gpa_vulkan_symbols)
        self.reporter = reporter
    }

    /// Creates an instance, lists the devices, and creates each device of NVIDIA.
    ///
    /// - Parameter vendor: The vendor whose devices are created.
    /// - Returns: The result of the first call that failed, or the devices. It is malformed when their number is not
    ///   possible.
    func facts(vendor: UInt32 = Self.nvidia) -> Reading<VulkanFacts> {
        var instance: gpa_vulkan_instance_t?
        var application = gpa_vulkan_application_info_t()
        application.type = Int32(GPA_VULKAN_APPLICATION_INFO)
        // 1.1 has the functions for the UUID of a device.
        application.api_version = 1 << 22 | 1 << 12
        let created = withUnsafePointer(to: application) { application in
            var info = gpa_vulkan_instance_info_t()
            info.type = Int32(GPA_VULKAN_INSTANCE_INFO)
            info.application = application
            reporter.calling("vkCreateInstance")
            return functions.CreateInstance(&info, nil, &instance)
        }
        guard created == 0, let instance else {
            return .present(VulkanFacts(result: Int(created), failedCall: "vkCreateInstance"))
        }
        defer {
            reporter.calling("vkDestroyInstance")
            functions.DestroyInstance(instance, nil)
        }
        let symbol = "vkEnumeratePhysicalDevices"
        var count: UInt32 = 0
        reporter.calling(symbol)
        var result = functions.EnumeratePhysicalDevices(instance, &count, nil)
        guard result >= 0 else { return .present(VulkanFacts(result: Int(result), failedCall: symbol)) }
        guard count <= vendorDeviceLimit else {
            let detail = "\(symbol): \(count) devices, but at most \(vendorDeviceLimit) are possible"
            return .unreadable(ReadFailure(.malformed, detail))
        }
        var gpus = [gpa_vulkan_gpu_t?](repeating: nil, count: Int(count))
        reporter.calling(symbol)
        result = functions.EnumeratePhysicalDevices(instance, &count, &gpus)
        guard result >= 0 else { return .present(VulkanFacts(result: Int(result), failedCall: symbol)) }
        let devices = gpus.prefix(Int(count)).compactMap { gpu in gpu.map { device($0, of: vendor) } }
        return .present(VulkanFacts(devices: devices))
    }

    private func device(_ gpu: gpa_vulkan_gpu_t, of vendor: UInt32) -> VulkanDevice {
        var identity = gpa_vulkan_id_properties_t()
        identity.type = Int32(GPA_VULKAN_ID_PROPERTIES)
        var place = gpa_vulkan_pci_properties_t()
        place.type = Int32(GPA_VULKAN_PCI_PROPERTIES)
        // No bus has this number, so it stays when the driver does not know the struct.
        place.bus = .max
        let properties = withUnsafeMutablePointer(to: &identity) { identity in
            withUnsafeMutablePointer(to: &place) { place in
                var all = gpa_vulkan_properties_2_t()
                all.type = Int32(GPA_VULKAN_PROPERTIES_2)
                all.next = UnsafeMutableRawPointer(identity)
                identity.pointee.next = UnsafeMutableRawPointer(place)
                reporter.calling("vkGetPhysicalDeviceProperties2")
                functions.GetPhysicalDeviceProperties2(gpu, &all)
                return all.properties
            }
        }
        let address = Self.address(place)
        let families = families(of: gpu, at: address)
        let graphics = families.firstIndex { $0.flags & 1 != 0 }
        let family = graphics ?? (families.isEmpty ? nil : 0)
        return VulkanDevice(
            name: withUnsafeBytes(of: properties.device_name, vendorText),
            vendorID: Int(properties.vendor_id),
            uuid: withUnsafeBytes(of: identity.device_uuid, Self.uuid),
            pciAddress: address,
            draws: graphics != nil,
            result: properties.vendor_id == vendor ? family.map { create(gpu, family: $0, at: address) } : nil
        )
    }

    private func families(of gpu: gpa_vulkan_gpu_t, at address: PCIAddress?) -> [gpa_vulkan_queue_family_t] {
        var count: UInt32 = 0
        reporter.calling("vkGetPhysicalDeviceQueueFamilyProperties", at: address)
        functions.GetPhysicalDeviceQueueFamilyProperties(gpu, &count, nil)
        // A GPU has less than ten.
        count = min(count, 64)
        var families = [gpa_vulkan_queue_family_t](repeating: gpa_vulkan_queue_family_t(), count: Int(count))
        functions.GetPhysicalDeviceQueueFamilyProperties(gpu, &count, &families)
        return Array(families.prefix(Int(count)))
    }

    /// Creates a device with one queue, and destroys it.
    private func create(_ gpu: gpa_vulkan_gpu_t, family: Int, at address: PCIAddress?) -> Int {
        var device: gpa_vulkan_device_t?
        let result = withUnsafePointer(to: Float(1)) { priority in
            var queue = gpa_vulkan_queue_info_t()
            queue.type = Int32(GPA_VULKAN_QUEUE_INFO)
            queue.family = UInt32(family)
            queue.count = 1
            queue.priorities = priority
            return withUnsafePointer(to: queue) { queue in
                var info = gpa_vulkan_device_info_t()
                info.type = Int32(GPA_VULKAN_DEVICE_INFO)
                info.queue_info_count = 1
                info.queue_infos = queue
                reporter.calling("vkCreateDevice", at: address)
                return functions.CreateDevice(gpu, &info, nil, &device)
            }
        }
        if result == 0, let device {
            reporter.calling("vkDestroyDevice", at: address)
            functions.DestroyDevice(device, nil)
        }
        return Int(result)
    }

    private static func address(_ place: gpa_vulkan_pci_properties_t) -> PCIAddress? {
        guard let bus = UInt8(exactly: place.bus), let device = UInt8(exactly: place.device),
            let function = UInt8(exactly: place.function)
        else { return nil }
        return PCIAddress(domain: place.domain, bus: bus, device: device, function: function)
    }

    /// The UUID of a GPU as NVML writes it.
    private static func uuid(_ bytes: UnsafeRawBufferPointer) -> String {
        let digits = bytes.map { hex($0, digits: 2) }
        let parts = [0..<4, 4..<6, 6..<8, 8..<10, 10..<16].map { digits[$0].joined() }
        return "GPU-\(parts.joined(separator: "-"))"
    }
}
