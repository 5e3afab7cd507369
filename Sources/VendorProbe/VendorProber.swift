import Dispatch
package import NodeModel
import Support
import Synchronization

/// Reads facts from NVIDIA's libraries in child processes.
///
/// Each child process ends after its answer, so after a change of the driver the next call uses the new libraries.
package struct VendorProber: Sendable {
    /// The time limits of the steps.
    package struct Deadlines: Sendable {
        /// From the start of a child process until it accepts requests.
        package var hello: Duration
        /// All calls of NVML.
        ///
        /// The first process that opens a GPU waits for its initialization. On large machines this takes 30 s or more.
        package var nvml: Duration
        /// The initialization of CUDA, for all values of `CUDA_VISIBLE_DEVICES` together.
        package var cuda: Duration
        /// How long a child process may take to exit, and again after it was killed.
        package var ending: Duration

        package init(
            hello: Duration = .seconds(10),
            nvml: Duration = .seconds(60),
            cuda: Duration = .seconds(30),
            ending: Duration = .seconds(2)
        ) {
            self.hello = hello
            self.nvml = nvml
            self.cuda = cuda
            self.ending = ending
        }
    }

    private let program: String
    private let arguments: [String]
    private let libraries: VendorLibraries
    private let companions: [DriverLibrary]
    private let scratch: String
    private let deadlines: Deadlines
    private let progress: @Sendable (String, VendorCall) -> Void

    /// Creates a prober without starting a process.
    ///
    /// - Parameters:
    ///   - program: The path of the program to start, normally the agent.
    ///   - arguments: The arguments that make it call `VendorChild.run`. The prober appends `--nvml PATH` or
    ///     `--cuda PATH`.
    ///   - libraries: The libraries to load; nil for a library that the host does not have.
    ///   - companions: The other libraries of the same driver (`DriverLibrary.companions`).
    ///   - scratch: A directory in which the prober creates a temporary directory with links to the companions.
    ///   - deadlines: The time limits of the steps.
    ///   - progress: It hears of each call before it is made, with the name of what is read. Several threads call it.
    package init(
        program: String,
        arguments: [String] = ["vendor-probe"],
        libraries: VendorLibraries,
        companions: [DriverLibrary],
        scratch: String,
        deadlines: Deadlines = Deadlines(),
        progress: @escaping @Sendable (String, VendorCall) -> Void = { _, _ in }
    ) {
        self.progress = progress
        self.program = program
        self.arguments = arguments
        self.libraries = libraries
        self.companions = companions
        self.scratch = scratch
        self.deadlines = deadlines
    }

    /// Reads the facts.
    ///
    /// Canceling the task ends the probe at once. Facts that were not read until then are `skipped`.
    package func facts() async -> VendorFacts {
        let cancellation: Cancellation
        do throws(SpawnError) {
            cancellation = try Cancellation()
        } catch {
            return failed(.io, errorChain(error))
        }
        // The probe blocks its thread, so it must not run in the cooperative pool.
        let queue = DispatchQueue(label: "vendor-probe")
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                queue.async { continuation.resume(returning: probe(cancellation)) }
            }
        } onCancel: {
            cancellation.cancel()
        }
    }

    private func probe(_ cancellation: Cancellation) -> VendorFacts {
        let directory: CompanionDirectory
        do throws(CompanionError) {
            directory = try CompanionDirectory(in: scratch, companions)
        } catch {
            return failed(.io, errorChain(error))
        }
        defer { directory.remove() }
        let exchange = VendorExchange(
            program: program,
            arguments: arguments,
            environment: [
                "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
                "LD_LIBRARY_PATH=\(directory.path)",
                // CUDA must not write a cache to a home directory, and the parent reports a crash.
                "CUDA_CACHE_DISABLE=1",
                "SWIFT_BACKTRACE=enable=no",
            ],
            deadlines: deadlines,
            cancellation: cancellation,
            progress: progress
        )
        let nvml = nvml(exchange)
        return VendorFacts(nvml: nvml, cuda: cuda(exchange, after: nvml))
    }

    private func nvml(_ exchange: VendorExchange) -> Reading<NVMLFacts> {
        guard let path = libraries.nvml else { return .absent }
        var exchange = exchange
        exchange.arguments += ["--nvml", path]
        return exchange.ask(.nvml, about: "NVML", within: deadlines.nvml) { notes, hang in
            notes.facts(until: hang).map { .present($0) } ?? .unreadable(hang)
        }
    }

    private func cuda(_ exchange: VendorExchange, after nvml: Reading<NVMLFacts>) -> Reading<[CUDAFacts]> {
        guard let path = libraries.cuda else { return .absent }
        if nvml.failure?.reason == .hang || nvml.value?.hang != nil {
            return .skipped("NVML does not answer, and CUDA would wait for the same driver")
        }
        let end = ContinuousClock.now + deadlines.cuda
        let answers = inParallel(Self.visibleDevices(nvml.value?.gpus ?? [])) { visible -> Reading<CUDAFacts> in
            var exchange = exchange
            exchange.arguments += ["--cuda", path]
            if let visible { exchange.environment.append("CUDA_VISIBLE_DEVICES=\(visible)") }
            let subject = visible.map { "CUDA on \($0)" } ?? "CUDA"
            let rest = ContinuousClock.now.duration(to: end)
            guard rest > .zero else {
                let detail = "\(subject): not called within \(deadlines.cuda), because the other calls took that long"
                return .unreadable(ReadFailure(.hang, detail))
            }
            return exchange.ask(.cuda, about: subject, within: rest)
        }
        var facts: [CUDAFacts] = []
        for answer in answers {
            guard case .present(let fact) = answer else { return answer.map { [$0] } }
            facts.append(fact)
        }
        return .present(facts)
    }

    /// The values of `CUDA_VISIBLE_DEVICES`, each for a separate process; nil leaves the variable unset.
    ///
    /// Without MIG, one process sees all GPUs and the variable stays unset. A process sees only one MIG device, so when
    /// a GPU has MIG enabled, the list names each MIG device and each GPU with MIG disabled.
    static func visibleDevices(_ gpus: [GPUFacts]) -> [String?] {
        guard gpus.contains(where: { $0.migMode.value?.current == true }) else { return [nil] }
        let names = gpus.flatMap { gpu in
            gpu.migMode.value?.current == true
                ? (gpu.migDevices.value ?? []).map(\.uuid) : gpu.uuid.value.map { [$0] } ?? []
        }
        return names.isEmpty ? [nil] : names
    }

    private func failed(_ reason: ReadFailure.Reason, _ detail: String) -> VendorFacts {
        let failure = ReadFailure(reason, detail)
        return VendorFacts(
            nvml: libraries.nvml == nil ? .absent : .unreadable(failure),
            cuda: libraries.cuda == nil ? .absent : .unreadable(failure)
        )
    }
}

/// The number of child processes for CUDA that run at the same time.
///
/// Each initializes CUDA, which needs some 100 MiB of memory.
private let childLimit = 8

/// Calls a blocking function with each element, on several threads, and returns the results in order.
private func inParallel<Element: Sendable, Result: Sendable>(
    _ elements: [Element],
    _ work: @escaping @Sendable (Element) -> Result
) -> [Result] {
    let next = Mutex(0)
    let results = Mutex([Int: Result]())
    let group = DispatchGroup()
    for _ in 0..<min(childLimit, elements.count) {
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
