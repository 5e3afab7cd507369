import CVendor
import NodeModel

extension CUDALibrary {
    /// Copies from the memory of each GPU of a pair to that of the other.
    ///
    /// CUDA initializes in this process, which must see the GPUs of the plan and no others.
    ///
    /// - Returns: The pairs of the plan, in its order. It is skipped when the driver lacks a function, and unreadable when
    ///   CUDA does not initialize with all GPUs.
    func peers(_ plan: CUDAPeerPlan) -> Reading<CUDAPeerFacts> {
        guard plan.isValid else {
            return .unreadable(ReadFailure(.malformed, "the request names GPUs that it does not list"))
        }
        if let symbol = missingForPeers { return .skipped("the driver has no function \(symbol)") }
        do throws(CUDAError) {
            try call("cuInit") { functions.Init(0) }
            var count: Int32 = 0
            try call("cuDeviceGetCount") { functions.DeviceGetCount(&count) }
            guard Int(count) == plan.gpus.count else {
                let detail = "cuDeviceGetCount: \(count) devices, but \(plan.gpus.count) GPUs were asked for"
                return .unreadable(ReadFailure(.vendor, detail))
            }
        } catch {
            return .unreadable(ReadFailure(.vendor, "\(error.call): \(error.code) \(name(of: error.code))"))
        }
        var test = CUDAPeerTest(library: self, gpus: plan.gpus)
        return .present(CUDAPeerFacts(pairs: plan.pairs.map { test.result(of: $0) }))
    }

    /// The first function for peer access that the driver does not have.
    private var missingForPeers: String? {
        if functions.DeviceCanAccessPeer == nil { return "cuDeviceCanAccessPeer" }
        if functions.CtxEnablePeerAccess == nil { return "cuCtxEnablePeerAccess" }
        return functions.MemcpyPeer == nil ? "cuMemcpyPeer" : nil
    }
}

extension CUDAPeerPlan {
    /// Whether each pair names two GPUs of the list.
    var isValid: Bool {
        gpus.count <= CUDAPeerFacts.gpuLimit
            && pairs.allSatisfy { pair in
                pair.first != pair.second && [pair.first, pair.second].allSatisfy(gpus.indices.contains)
            }
    }
}
