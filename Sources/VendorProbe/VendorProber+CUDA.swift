import Dispatch
import NodeModel
import Synchronization

extension VendorProber {
    /// Tests CUDA on each device, as far as `cudaTest` says.
    ///
    /// - Returns: An answer for each device. The whole is unreadable when no process answers, with the first reason.
    func cuda(_ exchange: VendorExchange, after nvml: Reading<NVMLFacts>) -> Reading<[CUDAFacts]> {
        guard let path = libraries.cuda else { return .absent }
        if nvml.failure?.isWithoutAnswer == true || nvml.value?.hang != nil {
            return .skipped("NVML does not answer, and CUDA would wait for the same driver")
        }
        let devices = Self.cudaDevices(nvml.value?.gpus ?? [])
        let tests = devices.map { ($0, test: cudaTest($0.gpu, $0.uuid)) }
        let computes = tests.contains { $0.test == .full }
        // Few processes run at the same time, so many devices need more time.
        let deadline = (computes ? deadlines.cudaComputation : deadlines.cuda) * (1 + Double(devices.count) / 16)
        let end = ContinuousClock.now + deadline
        let answers = inParallel(tests, limit: computes ? computingLimit : childLimit) {
            device,
            test -> Reading<CUDAFacts> in
            let subject = device.uuid.map { "CUDA on \($0)" } ?? "CUDA"
            let rest = min(ContinuousClock.now.duration(to: end), exchange.rest)
            guard rest > .zero else {
                return .unreadable(exchange.notCalled(subject, within: exchange.deadlines.together ?? deadline))
            }
            var exchange = exchange
            exchange.arguments += ["--cuda", path]
            if let uuid = device.uuid { exchange.environment.append("CUDA_VISIBLE_DEVICES=\(uuid)") }
            switch test {
            case .full: return exchange.ask(.cudaComputation, about: subject, within: rest)
            case .light(let why):
                let answer: Reading<CUDAFacts> = exchange.ask(.cuda, about: subject, within: rest)
                return answer.map { $0.without(computation: why) }
            }
        }
        // A device whose process did not answer does not hide what the others say.
        guard answers.contains(where: { $0.value != nil }) else { return answers.first?.map { [$0] } ?? .absent }
        let facts = zip(devices, answers).compactMap { device, answer in
            answer.value ?? answer.failure.map { CUDAFacts(visibleDevices: device.uuid, fault: $0) }
        }
        return .present(facts)
    }

    /// A device on which a child process tests CUDA.
    struct CUDADevice: Sendable, Equatable {
        /// The GPU; nil when NVML names none.
        var gpu: GPUFacts?
        /// The value of `CUDA_VISIBLE_DEVICES`; nil leaves the variable unset.
        var uuid: String?
    }

    /// The devices on which CUDA is tested, each in a separate process: the MIG devices, and each GPU without MIG.
    ///
    /// When NVML names no device, a process without a limit says why CUDA does not work.
    static func cudaDevices(_ gpus: [GPUFacts]) -> [CUDADevice] {
        let devices = gpus.flatMap { gpu in
            let uuids =
                gpu.migMode.value?.current == true
                ? (gpu.migDevices.value ?? []).map(\.uuid) : gpu.uuid.value.map { [$0] } ?? []
            return uuids.map { CUDADevice(gpu: gpu, uuid: $0) }
        }
        return devices.isEmpty ? [CUDADevice()] : devices
    }
}

extension CUDAFacts {
    /// The facts of a test that only initialized CUDA.
    fileprivate func without(computation why: String) -> CUDAFacts {
        var facts = self
        facts.computation = result == 0 ? .skipped(why) : .absent
        return facts
    }
}

/// The number of child processes for CUDA that run at the same time.
///
/// Each initializes CUDA, which needs some 100 MiB of memory.
private let childLimit = 8

/// The same number when a process runs a kernel.
///
/// Such a process also needs memory for its context and for the compiler of the driver.
private let computingLimit = 3

/// Calls a blocking function with each element, on several threads, and returns the results in order.
private func inParallel<Element: Sendable, Result: Sendable>(
    _ elements: [Element],
    limit: Int,
    _ work: @escaping @Sendable (Element) -> Result
) -> [Result] {
    let next = Mutex(0)
    let results = Mutex([Int: Result]())
    let group = DispatchGroup()
    for _ in 0..<min(limit, elements.count) {
        // The threads of the global queue are few, and each of these blocks one.
        DispatchQueue(label: "vendor-cuda").async(group: group) {
            while true {
                let index = next.withLock { next in
                    defer { next += 1 }
                    return next
                }
                guard index < elements.count else { return }
                let result = work(elements[index])
                results.withLock { $0[index] = result }
            }
        }
    }
    group.wait()
    return results.withLock { results in elements.indices.compactMap { results[$0] } }
}
