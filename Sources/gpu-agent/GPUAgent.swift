import ArgumentParser
import Glibc

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
            CatalogCommand.self,
            RunCommand.self,
            VersionCommand.self,
            VendorProbeCommand.self,
        ]
    )

    /// Wrong use ends with 2, as `validate` documents it; the argument parser's own code for it is 64.
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
