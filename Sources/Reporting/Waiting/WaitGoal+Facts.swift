import NodeModel
import Selection
import Support

extension WaitGoal {
    /// What the facts of a node say about a goal.
    enum Known: Sendable, Equatable {
        case yes(String)
        case no(String)
        case unknown(String)
    }

    /// The validation files that each show that the goal is reached.
    ///
    /// The agent makes `driver-ready` only when CUDA works. The GPU Operator makes it as soon as the driver answers, so it
    /// does not show more than that.
    var files: [HandoverFile] {
        switch self {
        case .driver: [.driverReady, .cudaReady, .pluginReady]
        case .cuda: [.cudaReady, .pluginReady]
        case .plugin: [.pluginReady]
        }
    }

    func known(in facts: NodeFacts) -> Known {
        switch self {
        case .driver: Self.driver(facts)
        case .cuda: Self.cuda(facts)
        case .plugin: Self.plugin(facts)
        }
    }

    private static func driver(_ facts: NodeFacts) -> Known {
        if let why = facts.driver.loadedVersion.whyUnknown { return .unknown(why) }
        guard let version = facts.driver.loadedVersion.value else { return .no("no driver is loaded") }
        let nvml = facts.vendor.flatMap(\.nvml)
        if case .skipped(let why) = nvml { return .unknown(why) }
        guard let found = nvml.value else {
            return .no("driver \(version) is loaded, and NVML does not work: \(nvml.whyUnknown ?? "it is not there")")
        }
        let answering = found.gpus.count { $0.uuid.value != nil }
        guard answering > 0 else { return .no("driver \(version) is loaded, and NVML lists no GPU that works") }
        return .yes("driver \(version) is loaded, and NVML lists \(answering) GPU\(answering == 1 ? "" : "s")")
    }

    private static func cuda(_ facts: NodeFacts) -> Known {
        let driver = driver(facts)
        guard case .yes = driver else { return driver }
        let reading = facts.vendor.flatMap(\.cuda)
        if case .skipped(let why) = reading { return .unknown(why) }
        guard let tests = reading.value, !tests.isEmpty else {
            return .no("CUDA does not work: \(reading.whyUnknown ?? "the host has no libcuda.so.1")")
        }
        let failing = tests.filter { !$0.works }
        guard let first = failing.first else { return .yes("CUDA works on every device") }
        let reason = first.fault?.detail ?? first.errorName ?? "it finds no device, or computes wrong results"
        return .no("CUDA fails on \(failing.count) of \(tests.count): \(reason)")
    }

    private static func plugin(_ facts: NodeFacts) -> Known {
        if facts.devicePlugin?.allocatable.value?.offersGPUs == true { return .yes("the Node offers GPUs to pods") }
        if let slices = facts.offerWait?.slices?.value, slices.missingSlices == 0,
            slices.gpus > 0 || slices.migDevices > 0
        {
            return .yes("ResourceSlices of \(OfferedSlices.driver) offer the GPUs")
        }
        let cuda = cuda(facts)
        guard case .yes = cuda else { return cuda }
        if facts.devicePlugin?.allocatable.value != nil, facts.offerWait?.slices == nil {
            // A DRA driver offers its devices elsewhere, where the daemon looks only when it waits for them.
            return .unknown("CUDA works, and the Node offers no GPU in status.allocatable")
        }
        if facts.offerWait?.slices != nil { return .no("CUDA works, and the ResourceSlices do not have the GPUs yet") }
        return .unknown("CUDA works, and the daemon does not know what the Node offers")
    }
}
