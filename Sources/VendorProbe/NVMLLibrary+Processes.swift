import CVendor
import NodeModel

extension NVMLLibrary {
    /// The processes that compute or draw on a GPU and on its MIG devices.
    func processes(of device: gpa_nvml_device_t) -> Reading<GPUProcesses> {
        let compute = processes(
            .compute,
            of: device,
            "nvmlDeviceGetComputeRunningProcesses_v3",
            functions.DeviceGetComputeRunningProcesses_v3 ?? functions.DeviceGetComputeRunningProcesses_v2
        )
        let graphics = processes(
            .graphics,
            of: device,
            "nvmlDeviceGetGraphicsRunningProcesses_v3",
            functions.DeviceGetGraphicsRunningProcesses_v3
                ?? functions.DeviceGetGraphicsRunningProcesses_v2
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

    private func processes(
        _ kind: GPUProcess.Kind,
        of device: gpa_nvml_device_t,
        _ symbol: String,
        _ function: Lister?
    ) -> Reading<GPUProcesses> {
        detail(symbol, function) { call throws(NVMLError) in
            var room = UInt32(GPUProcesses.limit)
            while true {
                var count = room
                var infos = [gpa_nvml_process_info_t](repeating: .init(), count: Int(room))
                reporter.calling(symbol)
                let code = NVMLReturn(rawValue: call(device, &count, &infos))
                if code == .insufficientSize, room < Self.mostProcesses {
                    // Processes can start between the two calls.
                    room = min(max(count, room) &+ 16, Self.mostProcesses)
                    continue
                }
                // More than the agent asks for: only their number counts.
                if code == .insufficientSize { return GPUProcesses(count: Int(count), list: []) }
                try check(symbol, code.rawValue)
                let listed = infos.prefix(Int(min(count, room))).map { GPUProcess($0, kind) }
                return GPUProcesses(count: listed.count, list: Array(listed.prefix(GPUProcesses.limit)))
            }
        }
    }
}

extension GPUProcess {
    fileprivate init(_ info: gpa_nvml_process_info_t, _ kind: Kind) {
        func instance(_ id: UInt32) -> Int? { id == .max ? nil : Int(id) }
        self.init(
            pid: Int(info.pid),
            kind: kind,
            memoryMiB: info.used_memory == .max ? nil : Int(info.used_memory >> 20),
            gpuInstanceID: instance(info.gpu_instance_id),
            computeInstanceID: instance(info.compute_instance_id)
        )
    }
}
