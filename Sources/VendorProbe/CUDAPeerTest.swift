import CVendor
import NodeModel
import Support

/// Tests pairs of GPUs one after the other, in a process in which CUDA is initialized.
///
/// Only the GPUs of one pair have a context at a time. So the process needs no more memory for many GPUs than for two,
/// and no GPU has more peers than CUDA allows.
struct CUDAPeerTest {
    /// A GPU of the current pair.
    private struct Side {
        var gpu: CUDAPeerPlan.GPU
        var device: gpa_cuda_device_t
        var context: gpa_cuda_context_t
        /// The address of its piece of memory.
        var memory: gpa_cuda_address_t
    }

    /// A call that failed, and the GPU that it was about.
    struct CallError: CausedError {
        var error: CUDAError
        var gpu: CUDAPeerPlan.GPU

        var cause: (any Error)? { error }
        var description: String { "the test of peer access failed on \(gpu.uuid)" }
    }

    /// The number of values of 4 bytes that are copied: one page.
    private static let count = 1024
    private static let size = count * MemoryLayout<UInt32>.size

    private let library: CUDALibrary
    private let gpus: [CUDAPeerPlan.GPU]
    /// The error after which nothing more is tested; nil before it.
    ///
    /// After some errors, every further call of the process fails, too, and would accuse GPUs that work.
    private var end: CUDAError?

    init(library: CUDALibrary, gpus: [CUDAPeerPlan.GPU]) {
        self.library = library
        self.gpus = gpus
    }

    private var functions: gpa_cuda_functions_t { library.functions }

    /// Tests a pair in both directions.
    mutating func result(of pair: CUDAPeerPlan.Pair) -> CUDAPeerPair {
        let (first, second) = (gpus[pair.first], gpus[pair.second])
        var result = CUDAPeerPair(first: first.uuid, second: second.uuid)
        if let end {
            result.untested = "the test ended with the error \(end.code) in \(end.call)"
            return result
        }
        do throws(CallError) {
            let sides = (try open(first, number: pair.first), try open(second, number: pair.second))
            for (from, to) in [sides, (sides.1, sides.0)] {
                if let failure = try copy(from: from, to: to) { result.failures.append(failure) }
            }
            try close(sides.0)
            try close(sides.1)
        } catch {
            end = error.error
            result.failures.append(failure(error))
        }
        return result
    }

    private func open(_ gpu: CUDAPeerPlan.GPU, number: Int) throws(CallError) -> Side {
        var device: gpa_cuda_device_t = 0
        try call("cuDeviceGet", gpu) { functions.DeviceGet(&device, Int32(number)) }
        var context: gpa_cuda_context_t?
        try call("cuDevicePrimaryCtxRetain", gpu) { functions.DevicePrimaryCtxRetain(&context, device) }
        guard let context else {
            let error = CUDAError(call: "cuDevicePrimaryCtxRetain", code: CUDALibrary.unknown)
            throw CallError(error: error, gpu: gpu)
        }
        try call("cuCtxSetCurrent", gpu) { functions.CtxSetCurrent(context) }
        var memory: gpa_cuda_address_t = 0
        try call("cuMemAlloc_v2", gpu) { functions.MemAlloc_v2(&memory, Self.size) }
        return Side(gpu: gpu, device: device, context: context, memory: memory)
    }

    private func close(_ side: Side) throws(CallError) {
        try call("cuCtxSetCurrent", side.gpu) { functions.CtxSetCurrent(side.context) }
        try call("cuMemFree_v2", side.gpu) { functions.MemFree_v2(side.memory) }
        try call("cuDevicePrimaryCtxRelease_v2", side.gpu) { functions.DevicePrimaryCtxRelease_v2(side.device) }
    }

    /// Copies values from one GPU to the other, and reads them there.
    ///
    /// - Returns: What does not work; nil when the values arrived.
    /// - Throws: The error of a call after which the process may not be usable.
    private func copy(from: Side, to: Side) throws(CallError) -> CUDAPeerFailure? {
        try call("cuCtxSetCurrent", from.gpu) { functions.CtxSetCurrent(from.context) }
        if let refusal = refusal(from, to) { return refusal }
        let values = (0..<UInt32(Self.count)).map { ($0 + 1) &* 0x9e37_79b9 }
        // The memory begins with other values, so that a copy that did not happen is noticed.
        try write(values.map { ~$0 }, to: to)
        try write(values, to: from)
        try call("cuMemcpyPeer", from.gpu) {
            functions.MemcpyPeer?(to.memory, to.context, from.memory, from.context, Self.size) ?? CUDALibrary.unknown
        }
        try call("cuCtxSynchronize", from.gpu) { functions.CtxSynchronize() }
        try call("cuCtxSetCurrent", to.gpu) { functions.CtxSetCurrent(to.context) }
        var arrived = [UInt32](repeating: 0, count: Self.count)
        try call("cuMemcpyDtoH_v2", to.gpu) { functions.MemcpyDtoH_v2(&arrived, to.memory, Self.size) }
        let wrong = zip(values, arrived).count { $0 != $1 }
        return wrong == 0 ? nil : CUDAPeerFailure(from: from.gpu.uuid, wrongValues: wrong)
    }

    private func write(_ values: [UInt32], to side: Side) throws(CallError) {
        try call("cuCtxSetCurrent", side.gpu) { functions.CtxSetCurrent(side.context) }
        try call("cuMemcpyHtoD_v2", side.gpu) { functions.MemcpyHtoD_v2(side.memory, values, Self.size) }
    }

    /// Why CUDA does not let one GPU use the memory of the other; nil when it does.
    ///
    /// The context of the first GPU is the current one. Without access, a copy goes through the memory of the host and works, so it proves nothing.
    private func refusal(_ from: Side, _ to: Side) -> CUDAPeerFailure? {
        do throws(CallError) {
            var answer: Int32 = 0
            try call("cuDeviceCanAccessPeer", from.gpu) {
                functions.DeviceCanAccessPeer?(&answer, from.device, to.device) ?? CUDALibrary.unknown
            }
            guard answer != 0 else { return CUDAPeerFailure(from: from.gpu.uuid, call: "cuDeviceCanAccessPeer") }
            try call("cuCtxEnablePeerAccess", from.gpu) {
                functions.CtxEnablePeerAccess?(to.context, 0) ?? CUDALibrary.unknown
            }
            return nil
        } catch {
            return failure(error)
        }
    }

    /// The calls that are about both GPUs.
    ///
    /// A failure of any other one says nothing about peer access.
    private static let peerCalls: Set<String> = [
        "cuDeviceCanAccessPeer", "cuCtxEnablePeerAccess", "cuMemcpyPeer", "cuCtxSynchronize",
    ]

    private func failure(_ failed: CallError) -> CUDAPeerFailure {
        CUDAPeerFailure(
            from: failed.gpu.uuid,
            call: failed.error.call,
            result: Int(failed.error.code),
            errorName: library.name(of: failed.error.code),
            isAlone: Self.peerCalls.contains(failed.error.call) ? nil : true
        )
    }

    private func call(
        _ name: String,
        _ gpu: CUDAPeerPlan.GPU,
        _ body: () -> gpa_cuda_result_t
    ) throws(CallError) {
        do throws(CUDAError) { try library.call(name, gpu: gpu.index, body) } catch {
            throw CallError(error: error, gpu: gpu)
        }
    }
}
