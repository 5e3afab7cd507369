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
        /// The calls of all libraries together, when a person waits; nil without such a limit.
        ///
        /// A driver that works can exceed it. The reading is then `slow` and not `hang`.
        package var together: Duration?
        /// The initialization of CUDA on all devices together.
        package var cuda: Duration
        /// The tests of CUDA on all devices together when one of them runs a kernel.
        package var cudaComputation: Duration
        /// The test of peer access between the GPUs; many pairs have more time.
        package var cudaPeers = Duration.seconds(60)
        /// A change of the MIG layout of one GPU.
        ///
        /// A change of the mode can reset the GPU.
        package var migChange: Duration
        /// All calls of Vulkan.
        package var vulkan = Duration.seconds(30)
        /// How long a child process may take to exit, and again after it was killed.
        package var ending: Duration

        package init(
            hello: Duration = .seconds(10),
            nvml: Duration = .seconds(60),
            cuda: Duration = .seconds(30),
            cudaComputation: Duration = .seconds(60),
            migChange: Duration = .seconds(120),
            ending: Duration = .seconds(2)
        ) {
            self.hello = hello
            self.nvml = nvml
            self.cuda = cuda
            self.cudaComputation = cudaComputation
            self.migChange = migChange
            self.ending = ending
        }

        /// Shortens the limits so that `gpu-agent status` answers within two seconds, also while the driver hangs.
        ///
        /// NVML leaves some of the time to CUDA. A child process that cannot be killed takes `ending` twice.
        package mutating func beBrief() {
            nvml = .milliseconds(1200)
            together = .milliseconds(1500)
            ending = .milliseconds(100)
        }
    }

    private let program: String
    private let arguments: [String]
    let libraries: VendorLibraries
    private let companions: [DriverLibrary]
    private let scratch: String
    private let abandoned: AbandonedChildren
    let deadlines: Deadlines
    /// Whether to test Vulkan.
    let testsVulkan: Bool
    let cudaTest: @Sendable (GPUFacts?, _ device: String?) -> CUDATest
    let peerTest: @Sendable (GPUFacts, GPUFacts) -> CUDATest
    private let progress: @Sendable (String, VendorCall) -> Void
    private let measured: @Sendable (Part, Duration) -> Void

    /// What is measured.
    package enum Part: String, Sendable, CaseIterable {
        case nvml, cuda, peers, vulkan
    }

    /// Creates a prober without starting a process.
    ///
    /// - Parameters:
    ///   - program: The path of the program to start, normally the agent.
    ///   - arguments: The arguments that make it call `VendorChild.run`. The prober appends `--nvml PATH`, `--cuda PATH`,
    ///     or `--vulkan PATH` and `--vulkan-driver PATH`.
    ///   - libraries: The libraries to load; nil for a library that the host does not have.
    ///   - companions: The other libraries of the same driver (`DriverLibrary.companions`).
    ///   - scratch: A directory in which the prober creates a temporary directory with links to the companions.
    ///   - deadlines: The time limits of the steps.
    ///   - abandoned: The child processes that the agent could not kill, which all its probers share.
    ///   - testsVulkan: Whether to test Vulkan.
    ///   - cudaTest: Says how far to test CUDA on a device: a GPU, and the UUID of the GPU or of one of its MIG devices.
    ///     Both are nil when NVML names no device. Several threads call it.
    ///   - peerTest: Says whether to test peer access between two GPUs that NVLink connects.
    ///   - progress: It hears of each call before it is made, with the name of what is read. Several threads call it.
    ///   - measured: It hears how long each part took that was asked.
    package init(
        program: String,
        arguments: [String] = ["vendor-probe"],
        libraries: VendorLibraries,
        companions: [DriverLibrary],
        scratch: String,
        deadlines: Deadlines = Deadlines(),
        abandoned: AbandonedChildren = AbandonedChildren(),
        testsVulkan: Bool = false,
        cudaTest: @escaping @Sendable (GPUFacts?, _ device: String?) -> CUDATest = { _, _ in .full },
        peerTest: @escaping @Sendable (GPUFacts, GPUFacts) -> CUDATest = { _, _ in .full },
        progress: @escaping @Sendable (String, VendorCall) -> Void = { _, _ in },
        measured: @escaping @Sendable (Part, Duration) -> Void = { _, _ in }
    ) {
        self.measured = measured
        self.testsVulkan = testsVulkan
        self.cudaTest = cudaTest
        self.peerTest = peerTest
        self.progress = progress
        self.program = program
        self.arguments = arguments
        self.libraries = libraries
        self.companions = companions
        self.scratch = scratch
        self.deadlines = deadlines
        self.abandoned = abandoned
    }

    /// Reads the facts.
    ///
    /// Canceling the task ends the probe at once. Facts that were not read until then are `skipped`.
    package func facts() async -> VendorFacts {
        let answer = await exchanging { exchange in
            let nvml = measure(.nvml) { self.nvml(exchange) }
            let cuda = measure(.cuda) { self.cuda(exchange, after: nvml) }
            let peers = measure(.peers) { self.peers(exchange, after: nvml, cuda) }
            let vulkan = measure(.vulkan) { self.vulkan(exchange, after: nvml) }
            return VendorFacts(nvml: nvml, cuda: cuda, vulkan: vulkan, peers: peers)
        }
        switch answer {
        case .success(let facts): return facts
        case .failure(let failure): return failed(failure)
        }
    }

    /// Measures a part, unless nothing was asked.
    private func measure<Value>(_ part: Part, _ work: () -> Reading<Value>) -> Reading<Value> {
        let start = ContinuousClock.now
        let answer = work()
        switch answer {
        case .present, .unreadable: measured(part, ContinuousClock.now - start)
        case .absent, .absentBecause, .skipped: break
        }
        return answer
    }

    /// The answer of a child process, or why none could be prepared.
    enum Exchanged<Value: Sendable>: Sendable {
        case success(Value)
        case failure(ReadFailure)
    }

    /// Calls `work` with what starts a child process, on a thread of its own.
    ///
    /// Canceling the task ends the child process at once.
    func exchanging<Value: Sendable>(
        _ work: @escaping @Sendable (VendorExchange) -> Value
    ) async -> Exchanged<Value> {
        let cancellation: Cancellation
        do throws(SpawnError) {
            cancellation = try Cancellation()
        } catch {
            return .failure(ReadFailure(.io, errorChain(error)))
        }
        // The probe blocks its thread, so it must not run in the cooperative pool.
        let queue = DispatchQueue(label: "vendor-probe")
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                queue.async { continuation.resume(returning: prepared(cancellation, work)) }
            }
        } onCancel: {
            cancellation.cancel()
        }
    }

    private func prepared<Value: Sendable>(
        _ cancellation: Cancellation,
        _ work: (VendorExchange) -> Value
    ) -> Exchanged<Value> {
        abandoned.look()
        let directory: CompanionDirectory
        do throws(CompanionError) {
            directory = try CompanionDirectory(in: scratch, companions)
        } catch {
            return .failure(ReadFailure(.io, errorChain(error)))
        }
        defer { directory.remove() }
        var vulkanDriver = libraries.vulkanDriver
        if testsVulkan, let library = libraries.vulkanLibrary, LibraryFile.distrust(library.path) == nil {
            do throws(CompanionError) { vulkanDriver = try directory.vulkanDriverFile(library) } catch {
                return .failure(ReadFailure(.io, errorChain(error)))
            }
        }
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
            vulkanDriver: vulkanDriver,
            cancellation: cancellation,
            abandoned: abandoned,
            progress: progress
        )
        return .success(work(exchange))
    }

    private func nvml(_ exchange: VendorExchange) -> Reading<NVMLFacts> {
        guard let path = libraries.nvml else { return .absent }
        var exchange = exchange
        exchange.arguments += ["--nvml", path]
        return exchange.ask(.nvml, about: "NVML", within: deadlines.nvml) { notes, hang in
            // What was read in a short time would look like GPUs with faults.
            let facts = hang.reason == .slow ? nil : notes.facts(until: hang)
            return facts.map { .present($0) } ?? .unreadable(hang)
        }
    }

    private func failed(_ failure: ReadFailure) -> VendorFacts {
        VendorFacts(
            nvml: libraries.nvml == nil ? .absent : .unreadable(failure),
            cuda: libraries.cuda == nil ? .absent : .unreadable(failure),
            vulkan: testsVulkan ? .unreadable(failure) : .skipped(VulkanFacts.notRequested),
            peers: .skipped(failure.detail)
        )
    }
}
