import Dispatch
package import NodeModel
import Support

/// Asks NVIDIA's libraries, each time in child processes that live no longer than the question.
///
/// After a change of driver the next call therefore uses the new libraries.
package struct VendorProber: Sendable {
    /// How long each step may take.
    package struct Deadlines: Sendable {
        /// The start of a child, until it takes questions.
        package var hello: Duration
        /// All of NVML: the first to open a GPU waits until it is initialized, 30 s and more on large machines.
        package var nvml: Duration
        /// CUDA's initialization, for each value of `CUDA_VISIBLE_DEVICES`.
        package var cuda: Duration
        /// How long a child is given to end, and once more to die when it was killed.
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

    /// Makes a prober; nothing is started yet.
    ///
    /// - Parameters:
    ///   - program: the path of the program to start, as a rule this one.
    ///   - arguments: what makes it call `VendorChild.run`; `--nvml PATH` or `--cuda PATH` is put behind.
    ///   - libraries: the libraries to ask; nil for one that the host does not have.
    ///   - companions: the other libraries of the same driver (`DriverLibrary.companions`).
    ///   - scratch: a directory in which a short-lived directory of links to the companions can be made.
    ///   - deadlines: how long each step may take.
    package init(
        program: String,
        arguments: [String] = ["vendor-probe"],
        libraries: VendorLibraries,
        companions: [DriverLibrary],
        scratch: String,
        deadlines: Deadlines = Deadlines()
    ) {
        self.program = program
        self.arguments = arguments
        self.libraries = libraries
        self.companions = companions
        self.scratch = scratch
        self.deadlines = deadlines
    }

    /// What the libraries say.
    ///
    /// Cancelling the task ends the probe at once; the rest of the facts is then `skipped`.
    package func facts() async -> VendorFacts {
        let cancellation: Cancellation
        do throws(SpawnError) {
            cancellation = try Cancellation()
        } catch {
            return failed(.io, errorChain(error))
        }
        // The waiting blocks a thread, so it is not one of the cooperative pool.
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
                // Nothing is to be written to a home directory, and a crash is the parent's to report.
                "CUDA_CACHE_DISABLE=1",
                "SWIFT_BACKTRACE=enable=no",
            ],
            deadlines: deadlines,
            cancellation: cancellation
        )
        let nvml = nvml(exchange)
        return VendorFacts(nvml: nvml, cuda: cuda(exchange, after: nvml))
    }

    private func nvml(_ exchange: VendorExchange) -> Reading<NVMLFacts> {
        guard let path = libraries.nvml else { return .absent }
        var exchange = exchange
        exchange.arguments += ["--nvml", path]
        return exchange.ask(.nvml, about: "NVML", within: deadlines.nvml)
    }

    private func cuda(_ exchange: VendorExchange, after nvml: Reading<NVMLFacts>) -> Reading<[CUDAFacts]> {
        guard let path = libraries.cuda else { return .absent }
        if nvml.failure?.reason == .hang {
            return .skipped("NVML gives no answer, and CUDA would wait for the same driver")
        }
        var facts: [CUDAFacts] = []
        for visible in Self.visibleDevices(nvml.value?.gpus ?? []) {
            var exchange = exchange
            exchange.arguments += ["--cuda", path]
            if let visible { exchange.environment.append("CUDA_VISIBLE_DEVICES=\(visible)") }
            let subject = visible.map { "CUDA on \($0)" } ?? "CUDA"
            let answer: Reading<CUDAFacts> = exchange.ask(.cuda, about: subject, within: deadlines.cuda)
            guard case .present(let fact) = answer else { return answer.map { [$0] } }
            facts.append(fact)
        }
        return .present(facts)
    }

    /// The values of `CUDA_VISIBLE_DEVICES` to ask with, each in a process of its own; nil is: not set.
    ///
    /// Once without it where no GPU has MIG on. Where one has, a process sees a single MIG device, so each is named,
    /// and so is each GPU that has MIG off.
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
