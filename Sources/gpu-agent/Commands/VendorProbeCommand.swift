import Agent
import ArgumentParser

/// `vendor-probe`: the agent's own child process, which the help does not list.
struct VendorProbeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "vendor-probe",
        abstract: "Call NVIDIA's libraries for the agent, which sends requests on standard input.",
        shouldDisplay: false
    )

    @Option(help: "The path of libnvidia-ml.so.VERSION.")
    var nvml: String?

    @Option(help: "The path of libcuda.so.VERSION.")
    var cuda: String?

    func run() throws {
        throw ExitCode(VendorChildEntry.run(nvml: nvml, cuda: cuda))
    }
}
