import ArgumentParser

@main
struct GPUAgent: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gpu-agent",
        abstract: "Brings the GPUs of a Kubernetes node to work, and says truthfully whether they do.",
        subcommands: [VendorProbeCommand.self]
    )
}
