import ArgumentParser
import Glibc

@main
struct GPUAgent: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gpu-agent",
        abstract: "Installs the NVIDIA driver on a Kubernetes node, and checks that its GPUs work.",
        discussion: """
            The agent reads the PCI bus and the host, selects the right NVIDIA driver or none, installs it, checks \
            that CUDA works, and publishes the result on the Node.


            On a node, start with 'gpu-agent status': it prints what is wrong and what to do.
            """,
        version: Version.text,
        subcommands: [
            StatusCommand.self,
            ValidateCommand.self,
            PlanCommand.self,
            InstallCommand.self,
            FactsCommand.self,
            LabelsCommand.self,
            CatalogCommand.self,
            RunCommand.self,
            UnpublishCommand.self,
            VersionCommand.self,
            VendorProbeCommand.self,
        ]
    )

    /// Runs the command.
    ///
    /// After wrong usage it exits with 2, as `validate` documents. The argument parser itself would exit with 64.
    static func main() async {
        do {
            var command = try parseAsRoot()
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        } catch {
            guard exitCode(for: error) == .validationFailure else { exit(withError: error) }
            Output.complain(fullMessage(for: error) + "\n")
            Glibc.exit(ExitStatus.usage.rawValue)
        }
    }
}
