import CVendor
import NodeModel

extension NVMLLibrary {
    /// The processes that compute or draw on a GPU and on its MIG devices.
    func processes(of device: gpa_nvml_device_t) -> Reading<GPUProcesses> {
        let compute = processes(
            .compute,
            of: device,
            "nvmlDeviceGetComputeRunningProcesses",
            functions.DeviceGetComputeRunningProcesses_v3,
            functions.DeviceGetComputeRunningProcesses_v2
        )
        let graphics = processes(
            .graphics,
            of: device,
            "nvmlDeviceGetGraphicsRunningProcesses",
            functions.DeviceGetGraphicsRunningProcesses_v3,
            functions.DeviceGetGraphicsRunningProcesses_v2
        )
        // A GPU that only computes has no list of the others.
        if compute.isAbsent { return graphics.isAbsent ? compute : graphics }
        return compute.flatMap { compute in
            if graphics.isAbsent { return .present(compute) }
            return graphics.map { graphics in
                GPUProcesses(
                    count: compute.count + graphics.count,
                    list: Array((compute.list + graphics.list).prefix(GPUProcesses.limit))
                )
            }
        }
    }

    private typealias Lister =
        @convention(c) (
            gpa_nvml_device_t, UnsafeMutablePointer<UInt32>,
            UnsafeMutablePointer<gpa_nvml_process_info_t>?
        ) -> gpa_nvml_return_t

    /// The most processes on one GPU that the agent asks for.
    private static let mostProcesses: UInt32 = 1024
    /// The largest process ID, and so the most processes, of Linux (`PID_MAX_LIMIT`).
    private static let mostPIDs: UInt32 = 1 << 22

    private func processes(
        _ kind: GPUProcess.Kind,
        of device: gpa_nvml_device_t,
        _ name: String,
        _ newest: Lister?,
        _ older: Lister?
    ) -> Reading<GPUProcesses> {
        let symbol = name + (newest == nil && older != nil ? "_v2" : "_v3")
        return detail(symbol, newest ?? older) { call throws(NVMLError) in
            var room = UInt32(GPUProcesses.limit)
            while true {
                var count = room
                var infos = [gpa_nvml_process_info_t](repeating: .init(), count: Int(room))
                reporter.calling(symbol)
                let code = NVMLReturn(rawValue: call(device, &count, &infos))
                if code == .insufficientSize || code == .success, count > Self.mostPIDs {
                    throw .count(symbol, "\(count) processes, but at most \(Self.mostPIDs) are possible")
                }
                if code == .insufficientSize, room < Self.mostProcesses {
                    // Processes can start between the two calls.
                    room = min(max(count, room) + 16, Self.mostProcesses)
                    continue
                }
                // More than the agent asks for: only their number counts.
                if code == .insufficientSize { return GPUProcesses(count: Int(count), list: []) }
                try check(symbol, code.rawValue)
                guard count <= room else {
                    throw .count(symbol, "\(count) processes, but there was room for \(room)")
                }
                var listed: [GPUProcess] = []
                for info in infos.prefix(Int(count)) { listed.append(try process(symbol, info, kind)) }
                return GPUProcesses(count: listed.count, list: Array(listed.prefix(GPUProcesses.limit)))
            }
        }
    }

    private func process(
        _ symbol: String,
        _ info: gpa_nvml_process_info_t,
        _ kind: GPUProcess.Kind
    ) throws(NVMLError) -> GPUProcess {
        func instance(_ id: UInt32) throws(NVMLError) -> Int? { id == .max ? nil : try instanceID(symbol, id) }
        guard info.pid <= Self.mostPIDs else { throw .value(symbol, "process \(info.pid)") }
        return GPUProcess(
            pid: Int(info.pid),
            kind: kind,
            memoryMiB: info.used_memory == .max ? nil : try mebibytes(symbol, info.used_memory),
            gpuInstanceID: try instance(info.gpu_instance_id),
            computeInstanceID: try instance(info.compute_instance_id)
        )
    }
}
