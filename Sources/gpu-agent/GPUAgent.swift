import ArgumentParser

@main
struct GPUAgent: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gpu-agent",
        abstract: "Brings the GPUs of a Kubernetes node to work, and says truthfully whether they do.",
        discussion: """
            It looks at the PCI bus and at the host, chooses the right NVIDIA driver (or none), installs it, checks that \
            CUDA works, and tells the cluster.

            On a node, begin with 'gpu-agent status': it says what is wrong and what to do.
            """,
        version: Version.text,
        subcommands: [
            StatusCommand.self,
            ValidateCommand.self,
            PlanCommand.self,
            InstallCommand.self,
            FactsCommand.self,
            LabelsCommand.self,
            RunCommand.self,
            VersionCommand.self,
            VendorProbeCommand.self,
        ]
    )
}
