import CVendor
import NodeModel

extension NVMLLibrary {
    /// Reads one GPU; a fact whose call fails is unreadable, and the other facts are still read.
    func gpu(_ index: Int) -> GPUFacts {
        reporter.begin(index)
        var facts = GPUFacts.unread(index)
        defer { reporter.finish(facts) }
        facts = read(index)
        return facts
    }

    private func read(_ index: Int) -> GPUFacts {
        do throws(NVMLError) {
            let device = try handle("nvmlDeviceGetHandleByIndex_v2") {
                functions.DeviceGetHandleByIndex_v2(UInt32(index), $0)
            }
            return gpu(index, device)
        } catch {
            return GPUFacts(index: index, unreadable: error.failure)
        }
    }

    private func gpu(_ index: Int, _ device: gpa_nvml_device_t) -> GPUFacts {
        var gpu = GPUFacts.unread(index)
        // What was read until a call hangs is not lost.
        func set<Value>(_ field: WritableKeyPath<GPUFacts, Reading<Value>>, _ reading: Reading<Value>) {
            gpu[keyPath: field] = reading
            reporter.read(gpu)
        }
        set(\.pciAddress, Reading { () throws(NVMLError) in try pciAddress(of: device) })
        set(\.uuid, Reading { () throws(NVMLError) in try uuid(of: device) })
        set(\.name, Reading { () throws(NVMLError) in try name(of: device) })
        // A GPU that shares the memory of the processor has none of its own.
        set(
            \.memoryMiB,
            Reading(canBeAbsent: true) { () throws(NVMLError) in try memoryMiB(of: device) }
        )
        set(
            \.computeCapability,
            Reading(canBeAbsent: true) { () throws(NVMLError) in try computeCapability(of: device) }
        )
        set(\.migMode, Reading(canBeAbsent: true) { () throws(NVMLError) in try migMode(of: device) })
        set(
            \.migDevices,
            gpu.migMode.flatMap { mode in
                mode.current ? Reading { () throws(NVMLError) in try migDevices(of: device) } : .absent
            }
        )
        set(
            \.virtualization,
            Reading(canBeAbsent: true) { () throws(NVMLError) in try virtualization(of: device) }
        )
        set(\.license, license(of: device))
        for trait in GPUTrait.allCases { set(\.traits[trait], read(trait, of: device)) }
        return gpu
    }

    func uuid(of device: gpa_nvml_device_t) throws(NVMLError) -> String {
        try text("nvmlDeviceGetUUID", size: GPA_NVML_UUID_SIZE) { functions.DeviceGetUUID(device, $0, $1) }
    }

    func name(of device: gpa_nvml_device_t) throws(NVMLError) -> String {
        try text("nvmlDeviceGetName", size: GPA_NVML_NAME_SIZE) { functions.DeviceGetName(device, $0, $1) }
    }

    /// The total memory of a GPU or a MIG device, in MiB.
    ///
    /// It calls `nvmlDeviceGetMemoryInfo_v2`. When the driver or the device does not support that, it calls
    /// `nvmlDeviceGetMemoryInfo`.
    func memoryMiB(of device: gpa_nvml_device_t) throws(NVMLError) -> Int {
        if let call = functions.DeviceGetMemoryInfo_v2 {
            var memory = gpa_nvml_memory_v2_t()
            memory.version = GPA_NVML_MEMORY_V2_VERSION
            reporter.calling("nvmlDeviceGetMemoryInfo_v2")
            let code = NVMLReturn(rawValue: call(device, &memory))
            switch code {
            case .success: return Int(memory.total >> 20)
            case .argumentVersionMismatch, .functionNotFound, .notSupported: break
            default: throw .call("nvmlDeviceGetMemoryInfo_v2", code)
            }
        }
        let memory = try value("nvmlDeviceGetMemoryInfo", gpa_nvml_memory_t()) {
            functions.DeviceGetMemoryInfo(device, $0)
        }
        return Int(memory.total >> 20)
    }

    private func pciAddress(of device: gpa_nvml_device_t) throws(NVMLError) -> PCIAddress {
        let symbol = "nvmlDeviceGetPciInfo_v3"
        let info = try value(symbol, gpa_nvml_pci_info_t()) { functions.DeviceGetPciInfo_v3(device, $0) }
        let text = withUnsafeBytes(of: info.bus_id, vendorText)
        guard let address = PCIAddress(text) else { throw .value(symbol, text) }
        return address
    }

    private func computeCapability(of device: gpa_nvml_device_t) throws(NVMLError) -> ComputeCapability {
        var minor: Int32 = 0
        let major = try value("nvmlDeviceGetCudaComputeCapability", 0 as Int32) {
            functions.DeviceGetCudaComputeCapability(device, $0, &minor)
        }
        return ComputeCapability(major: Int(major), minor: Int(minor))
    }

    private func virtualization(of device: gpa_nvml_device_t) throws(NVMLError) -> VirtualizationMode {
        let symbol = "nvmlDeviceGetVirtualizationMode"
        let modes: [VirtualizationMode] = [.none, .passthrough, .vgpu, .hostVgpu, .hostVsga]
        let number = try value(symbol, 0 as Int32) { functions.DeviceGetVirtualizationMode(device, $0) }
        guard modes.indices.contains(Int(number)) else { throw .value(symbol, "\(number)") }
        return modes[Int(number)]
    }

    private func license(of device: gpa_nvml_device_t) -> Reading<LicenseFacts> {
        let symbol: String
        let call: (gpa_nvml_device_t, UnsafeMutablePointer<gpa_nvml_grid_licensable_features_t>) -> gpa_nvml_return_t
        if let function = functions.DeviceGetGridLicensableFeatures_v4 {
            (symbol, call) = ("nvmlDeviceGetGridLicensableFeatures_v4", { function($0, $1) })
        } else if let function = functions.DeviceGetGridLicensableFeatures_v3 {
            (symbol, call) = ("nvmlDeviceGetGridLicensableFeatures_v3", { function($0, $1) })
        } else {
            return .unreadable(ReadFailure(.library, "no symbol nvmlDeviceGetGridLicensableFeatures_v4"))
        }
        let features = Reading<[LicenseFacts]>(canBeAbsent: true) { () throws(NVMLError) in
            let answer = try value(symbol, gpa_nvml_grid_licensable_features_t()) { call(device, $0) }
            return answer.is_grid_license_supported == 0 ? [] : licenses(in: answer)
        }
        // A licensed feature has precedence. Without one, the first feature that can be licensed counts.
        return features.flatMap { features in
            (features.first(where: \.licensed) ?? features.first).map { .present($0) } ?? .absent
        }
    }

    private func licenses(in answer: gpa_nvml_grid_licensable_features_t) -> [LicenseFacts] {
        withUnsafeBytes(of: answer.grid_licensable_features) { bytes in
            bytes.bindMemory(to: gpa_nvml_grid_licensable_feature_t.self)
                .prefix(Int(answer.licensable_features_count))
                .map { feature in
                    let product = withUnsafeBytes(of: feature.product_name, vendorText)
                    return LicenseFacts(
                        licensed: feature.feature_state != 0,
                        product: product.isEmpty ? nil : product
                    )
                }
        }
    }
}

extension GPUFacts {
    /// A GPU without a handle, so that every fact is unreadable.
    fileprivate init(index: Int, unreadable failure: ReadFailure) {
        self.init(
            index: index,
            pciAddress: .unreadable(failure),
            uuid: .unreadable(failure),
            name: .unreadable(failure),
            memoryMiB: .unreadable(failure),
            computeCapability: .unreadable(failure),
            migMode: .unreadable(failure),
            migDevices: .unreadable(failure),
            virtualization: .unreadable(failure),
            license: .unreadable(failure),
            traits: GPUTraits(.unreadable(failure))
        )
    }
}
