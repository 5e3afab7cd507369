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
            for trait in GPUTrait.allCases { reporter.read(trait, .unreadable(error.failure)) }
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
        let memory = Reading(canBeAbsent: true) { () throws(NVMLError) in try self.memory(of: device) }
        set(\.memoryMiB, memory.map(\.totalMiB))
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
        set(\.migProfiles, gpu.migMode.flatMap { _ in migProfiles(of: device) })
        set(
            \.virtualization,
            Reading(canBeAbsent: true) { () throws(NVMLError) in try virtualization(of: device) }
        )
        set(\.license, license(of: device))
        func take(_ trait: GPUTrait, _ reading: Reading<GPUTrait.Value>) {
            gpu.traits[trait] = reading
            reporter.read(trait, reading)
        }
        take(.memoryUsedMiB, memory.map { .number($0.usedMiB) })
        take(.memoryFreeMiB, memory.map { .number($0.freeMiB) })
        take(.memoryReservedMiB, memory.flatMap { $0.reserved })
        readTraits(of: device, take)
        set(\.nvlink, nvlink(of: device))
        set(\.fabric, fabric(of: device))
        set(\.processes, processes(of: device))
        return gpu
    }

    func uuid(of device: gpa_nvml_device_t) throws(NVMLError) -> String {
        try text("nvmlDeviceGetUUID", size: GPA_NVML_UUID_SIZE) { functions.DeviceGetUUID(device, $0, $1) }
    }

    func name(of device: gpa_nvml_device_t) throws(NVMLError) -> String {
        try text("nvmlDeviceGetName", size: GPA_NVML_NAME_SIZE) {
            functions.DeviceGetName(device, $0, $1)
        }
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
            migProfiles: .unreadable(failure),
            virtualization: .unreadable(failure),
            license: .unreadable(failure),
            nvlink: .unreadable(failure),
            fabric: .unreadable(failure),
            processes: .unreadable(failure),
            traits: GPUTraits(.unreadable(failure))
        )
    }
}
