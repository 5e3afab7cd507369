import CVendor
import NodeModel

/// Waits for the events of all GPUs in this process.
struct NVMLEventSet {
    /// A GPU whose events are registered.
    private struct GPU {
        var address: PCIAddress
        var uuid: String?
    }

    private typealias Wait = (gpa_nvml_event_set_t, UnsafeMutablePointer<gpa_nvml_event_data_t>, UInt32) ->
        gpa_nvml_return_t

    private let library: NVMLLibrary
    private let set: gpa_nvml_event_set_t
    private let wait: (symbol: String, call: Wait)
    /// The address and the UUID of each GPU, which a lost GPU can no longer tell.
    private var gpus: [gpa_nvml_device_t: GPU] = [:]
    /// All GPUs that NVML counts.
    private(set) var sources: [NVMLEventLine.Source] = []

    /// Registers the events of all GPUs.
    ///
    /// A GPU that does not answer or has no events is left out.
    ///
    /// - Throws: The error of NVML. A function that the driver does not have is `functionNotFound`.
    init(_ library: NVMLLibrary) throws(NVMLError) {
        self.library = library
        let functions = library.functions
        guard let create = functions.EventSetCreate, let register = functions.DeviceRegisterEvents,
            let supported = functions.DeviceGetSupportedEventTypes
        else { throw .call("nvmlEventSetCreate", .functionNotFound) }
        if let call = functions.EventSetWait_v2 {
            wait = ("nvmlEventSetWait_v2", call)
        } else if let call = functions.EventSetWait {
            wait = ("nvmlEventSetWait", call)
        } else {
            throw .call("nvmlEventSetWait_v2", .functionNotFound)
        }
        let symbol = "nvmlEventSetCreate"
        let created = try library.value(symbol, nil as gpa_nvml_event_set_t?) { create($0) }
        guard let created else { throw .value(symbol, "no set") }
        set = created
        for index in 0..<Int(try library.count()) {
            var source = NVMLEventLine.Source(index: index)
            do throws(NVMLError) {
                let device = try library.handle("nvmlDeviceGetHandleByIndex_v2") {
                    functions.DeviceGetHandleByIndex_v2(UInt32(index), $0)
                }
                let address = try library.pciAddress(of: device)
                source.address = address
                let types = try library.value("nvmlDeviceGetSupportedEventTypes", 0 as UInt64) { supported(device, $0) }
                let wanted = types & (GPA_NVML_EVENT_XID | GPA_NVML_EVENT_MIG)
                if wanted & GPA_NVML_EVENT_XID == 0 {
                    source.failure = "the GPU does not report an Xid as an event"
                } else {
                    library.reporter.calling("nvmlDeviceRegisterEvents")
                    try library.check("nvmlDeviceRegisterEvents", register(device, wanted, created))
                    // Without a UUID, the address says which GPU it is.
                    gpus[device] = GPU(address: address, uuid: try? library.uuid(of: device))
                }
            } catch {
                source.failure = error.description
            }
            sources.append(source)
        }
    }

    /// Whether no GPU reports its events.
    var isEmpty: Bool { gpus.isEmpty }

    /// Waits for the next event; nil when the time passes without one, or for an event of another type.
    func next(milliseconds: UInt32) throws(NVMLError) -> NVMLEvent? {
        // The old function does not write the instances.
        var data = gpa_nvml_event_data_t(
            device: nil,
            type: 0,
            data: 0,
            gpu_instance: .max,
            compute_instance: .max
        )
        let code = wait.call(set, &data, milliseconds)
        if code == NVMLReturn.timeout.rawValue { return nil }
        try library.check(wait.symbol, code)
        guard let device = data.device else { throw .value(wait.symbol, "no device") }
        let known = gpus[device]
        let address: PCIAddress
        if let known { address = known.address } else { address = try library.pciAddress(of: device) }
        switch data.type {
        case GPA_NVML_EVENT_XID:
            guard let xid = Int(exactly: data.data), xid <= Int(UInt32.max) else {
                throw .value(wait.symbol, "Xid \(data.data)")
            }
            return NVMLEvent(
                kind: .xid,
                address: address,
                uuid: known?.uuid,
                code: xid,
                gpuInstance: Self.instance(data.gpu_instance),
                computeInstance: Self.instance(data.compute_instance)
            )
        case GPA_NVML_EVENT_MIG: return NVMLEvent(kind: .migChange, address: address, uuid: known?.uuid)
        default: return nil
        }
    }

    private static func instance(_ id: UInt32) -> Int? { id == .max ? nil : Int(id) }
}
