import Agent
import ArgumentParser

/// The agent's own child process; not for people, and so not in the help.
struct VendorProbeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "vendor-probe",
        abstract: "Answer the agent's questions about NVIDIA's libraries on standard input and output.",
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
