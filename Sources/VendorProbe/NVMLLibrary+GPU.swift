import CVendor
import NodeModel

extension NVMLLibrary {
    /// Reads all GPUs.
    ///
    /// A fact whose call fails is unreadable, and the other facts are still read. First come the facts of all GPUs that
    /// decisions need, and then what only describes them. So a GPU whose calls are slow does not take the time from the
    /// essential facts of the others.
    func gpus(_ count: Int) -> [GPUFacts] {
        var gpus = (0..<count).map(essentials)
        for index in gpus.indices {
            guard let device = gpus[index].device else { continue }
            reporter.begin(gpus[index].facts)
            describe(&gpus[index].facts, device)
            reporter.finish(gpus[index].facts)
        }
        return gpus.map(\.facts)
    }

    /// The facts of one GPU that decisions need, and its handle; nil for a GPU that has none.
    private func essentials(_ index: Int) -> (facts: GPUFacts, device: gpa_nvml_device_t?) {
        var facts = GPUFacts.unread(index)
        reporter.begin(facts)
        defer { reporter.finish(facts) }
        do throws(NVMLError) {
            let device = try handle("nvmlDeviceGetHandleByIndex_v2") {
                functions.DeviceGetHandleByIndex_v2(UInt32(index), $0)
            }
            read(&facts, device)
            return (facts, device)
        } catch {
            for trait in GPUTrait.allCases { reporter.read(trait, .unreadable(error.failure)) }
            facts = GPUFacts(index: index, unreadable: error.failure)
            return (facts, nil)
        }
    }

    private func read(_ gpu: inout GPUFacts, _ device: gpa_nvml_device_t) {
        set(&gpu, \.pciAddress, Reading { () throws(NVMLError) in try pciAddress(of: device) })
        set(&gpu, \.uuid, Reading { () throws(NVMLError) in try uuid(of: device) })
        set(&gpu, \.name, Reading { () throws(NVMLError) in try name(of: device) })
        // A GPU that shares the memory of the processor has none of its own.
        let memory = Reading(canBeAbsent: true) { () throws(NVMLError) in try self.memory(of: device) }
        set(&gpu, \.memoryMiB, memory.map(\.totalMiB))
        take(&gpu, .memoryUsedMiB, memory.flatMap { $0.used })
        take(&gpu, .memoryFreeMiB, memory.flatMap { $0.free })
        take(&gpu, .memoryReservedMiB, memory.flatMap { $0.reserved })
        set(
            &gpu,
            \.computeCapability,
            Reading(canBeAbsent: true) { () throws(NVMLError) in try computeCapability(of: device) }
        )
        let mode = Reading(canBeAbsent: true) { () throws(NVMLError) in try migMode(of: device) }
        set(&gpu, \.migMode, mode)
        set(
            &gpu,
            \.migDevices,
            mode.flatMap { mode in
                mode.current ? Reading { () throws(NVMLError) in try migDevices(of: device) } : .absent
            }
        )
        set(
            &gpu,
            \.virtualization,
            Reading(canBeAbsent: true) { () throws(NVMLError) in try virtualization(of: device) }
        )
        set(&gpu, \.license, license(of: device))
    }

    /// Reads what only describes a GPU.
    private func describe(_ gpu: inout GPUFacts, _ device: gpa_nvml_device_t) {
        readTraits(of: device) { trait, reading in take(&gpu, trait, reading) }
        set(&gpu, \.migProfiles, gpu.migMode.flatMap { _ in migProfiles(of: device) })
        set(&gpu, \.nvlink, nvlink(of: device))
        set(&gpu, \.fabric, fabric(of: device))
        set(&gpu, \.processes, processes(of: device))
    }

    /// Sets a fact and reports it, so that what was read until a call hangs is not lost.
    private func set<Value>(
        _ gpu: inout GPUFacts,
        _ field: WritableKeyPath<GPUFacts, Reading<Value>>,
        _ reading: Reading<Value>
    ) {
        gpu[keyPath: field] = reading
        reporter.read(gpu)
    }

    private func take(_ gpu: inout GPUFacts, _ trait: GPUTrait, _ reading: Reading<GPUTrait.Value>) {
        let possible = trait.possible(reading)
        gpu.traits[trait] = possible
        reporter.read(trait, possible)
    }

    func uuid(of device: gpa_nvml_device_t) throws(NVMLError) -> String {
        try text("nvmlDeviceGetUUID", size: GPA_NVML_UUID_SIZE) { functions.DeviceGetUUID(device, $0, $1) }
    }

    func name(of device: gpa_nvml_device_t) throws(NVMLError) -> String {
        try text("nvmlDeviceGetName", size: GPA_NVML_NAME_SIZE) {
            functions.DeviceGetName(device, $0, $1)
        }
    }

    func pciAddress(of device: gpa_nvml_device_t) throws(NVMLError) -> PCIAddress {
        let symbol = "nvmlDeviceGetPciInfo_v3"
        let info = try value(symbol, gpa_nvml_pci_info_t()) { functions.DeviceGetPciInfo_v3(device, $0) }
        let text = withUnsafeBytes(of: info.bus_id, vendorText)
        guard let address = PCIAddress(text) else { throw .value(symbol, text) }
        return address
    }

    private func computeCapability(of device: gpa_nvml_device_t) throws(NVMLError) -> ComputeCapability {
        var minor: Int32 = 0
        let symbol = "nvmlDeviceGetCudaComputeCapability"
        let major = try value(symbol, 0 as Int32) {
            functions.DeviceGetCudaComputeCapability(device, $0, &minor)
        }
        guard (0..<100).contains(major), (0..<100).contains(minor) else {
            throw .value(symbol, "\(major).\(minor)")
        }
        return ComputeCapability(major: Int(major), minor: Int(minor))
    }

    func virtualization(of device: gpa_nvml_device_t) throws(NVMLError) -> VirtualizationMode {
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
