import CVendor
import NodeModel

extension CUDALibrary {
    /// The number of threads of the kernel, each of which computes one value: one warp.
    private static let threads = 32

    /// The kernel, for which thread `n` writes `3n + 1` to element `n` of an array.
    ///
    /// The driver compiles the text for the GPU. Each GPU since Maxwell can run code for `sm_50`, and each driver since
    /// branch 384 knows version 6.0 of PTX.
    private static let kernel = """
        .version 6.0
        .target sm_50
        .address_size 64
        .visible .entry gpu_agent_test(.param .u64 results)
        {
            .reg .u64 %rd<5>;
            .reg .u32 %r<3>;
            ld.param.u64 %rd1, [results];
            cvta.to.global.u64 %rd2, %rd1;
            mov.u32 %r1, %tid.x;
            mad.lo.u32 %r2, %r1, 3, 1;
            mul.wide.u32 %rd3, %r1, 4;
            add.u64 %rd4, %rd2, %rd3;
            st.global.u32 [%rd4], %r2;
            ret;
        }
        """

    /// Copies values to each device and back, and runs the kernel there.
    func compute(onDevices count: Int32) throws(CUDAError) -> CUDAComputation {
        var sum = CUDAComputation()
        for number in 0..<count {
            var device: gpa_cuda_device_t = 0
            try call("cuDeviceGet") { functions.DeviceGet(&device, number) }
            var context: gpa_cuda_context_t?
            try call("cuDevicePrimaryCtxRetain") { functions.DevicePrimaryCtxRetain(&context, device) }
            try call("cuCtxSetCurrent") { functions.CtxSetCurrent(context) }
            let found = try compute()
            // After an error, the process ends, and with it all that it has on the device.
            try call("cuDevicePrimaryCtxRelease_v2") { functions.DevicePrimaryCtxRelease_v2(device) }
            sum.wrongCopies += found.wrongCopies
            sum.wrongResults += found.wrongResults
        }
        return sum
    }

    /// Copies values to the device of the current context and back, and runs the kernel there.
    private func compute() throws(CUDAError) -> CUDAComputation {
        // No value is a result of the kernel, so that a kernel that did not run is noticed.
        let sent = (0..<Self.threads).map { UInt32(truncatingIfNeeded: ~$0 &* 0x0101_0101) }
        let size = Self.threads * MemoryLayout<UInt32>.size
        var memory: gpa_cuda_address_t = 0
        try call("cuMemAlloc_v2") { functions.MemAlloc_v2(&memory, size) }
        try call("cuMemcpyHtoD_v2") { functions.MemcpyHtoD_v2(memory, sent, size) }
        let copied = try read(memory)
        try runKernel(memory)
        let results = try read(memory)
        try call("cuMemFree_v2") { functions.MemFree_v2(memory) }
        return CUDAComputation(
            wrongCopies: zip(sent, copied).count { $0 != $1 },
            wrongResults: results.enumerated().count { $1 != UInt32($0) * 3 + 1 }
        )
    }

    /// Compiles the kernel, runs it, and waits for its end.
    private func runKernel(_ memory: gpa_cuda_address_t) throws(CUDAError) {
        var module: gpa_cuda_module_t?
        try call("cuModuleLoadData") {
            Self.kernel.withCString { functions.ModuleLoadData(&module, $0) }
        }
        guard let module else { throw CUDAError(call: "cuModuleLoadData", code: Self.unknown) }
        var function: gpa_cuda_function_t?
        try call("cuModuleGetFunction") { functions.ModuleGetFunction(&function, module, "gpu_agent_test") }
        guard let function else { throw CUDAError(call: "cuModuleGetFunction", code: Self.unknown) }
        var results = memory
        try call("cuLaunchKernel") {
            withUnsafeMutablePointer(to: &results) { results in
                var parameters: [UnsafeMutableRawPointer?] = [UnsafeMutableRawPointer(results)]
                return functions.LaunchKernel(function, 1, 1, 1, UInt32(Self.threads), 1, 1, 0, nil, &parameters, nil)
            }
        }
        try call("cuCtxSynchronize") { functions.CtxSynchronize() }
        try call("cuModuleUnload") { functions.ModuleUnload(module) }
    }

    private func read(_ memory: gpa_cuda_address_t) throws(CUDAError) -> [UInt32] {
        var values = [UInt32](repeating: 0, count: Self.threads)
        let size = Self.threads * MemoryLayout<UInt32>.size
        try call("cuMemcpyDtoH_v2") { functions.MemcpyDtoH_v2(&values, memory, size) }
        return values
    }

    /// `CUDA_ERROR_UNKNOWN`, for a function that reports success without a result.
    static let unknown: gpa_cuda_result_t = 999
}
