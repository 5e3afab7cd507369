import Agent
import ArgumentParser
import Documents
import Glibc

@main
struct GPUAgent: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gpu-agent",
        abstract: "Installs the NVIDIA driver on a Kubernetes node, and checks that its GPUs work.",
        discussion: """
            The agent reads the PCI bus and the host, and selects the NVIDIA driver that the node needs, if any. It \
            installs this driver, checks that CUDA works, and publishes the result on the Node.


            On a node, start with 'gpu-agent status': it prints what is wrong and what to do.
            """,
        version: Version.text,
        subcommands: [
            StatusCommand.self,
            ValidateCommand.self,
            WaitCommand.self,
            PlanCommand.self,
            InstallCommand.self,
            UninstallCommand.self,
            HealthCommand.self,
            MIGCommand.self,
            FactsCommand.self,
            LabelsCommand.self,
            CatalogCommand.self,
            ConfigCommand.self,
            RunCommand.self,
            UnpublishCommand.self,
            VersionCommand.self,
        ]
    )

    /// What is wrong with the name of the command, with a suggestion and the usage; nil when the command exists.
    static func unknownCommand(_ arguments: some Collection<String>) -> String? {
        guard let word = arguments.first, !word.hasPrefix("-") else { return nil }
        guard let command = configuration.subcommands.first(where: { $0._commandName == word }) else {
            return word == "help" ? nil : unknown(word, among: configuration.subcommands)
        }
        let below = command.configuration.subcommands
        guard !below.isEmpty, let second = arguments.dropFirst().first, !second.hasPrefix("-"), second != "help",
            !below.contains(where: { $0._commandName == second })
        else { return nil }
        return unknown(second, among: below, of: word)
    }

    private static func unknown(_ word: String, among all: [any ParsableCommand.Type], of: String? = nil) -> String {
        let names = all.filter { $0.configuration.shouldDisplay }.map { $0._commandName }
        let near = nearest(to: word, in: names).map { "; did you mean '\($0)'?" } ?? ""
        let command = ["gpu-agent", of].compactMap(\.self).joined(separator: " ")
        return """
            unknown subcommand '\(word)'\(of.map { " of \($0)" } ?? "")\(near)
            Usage: \(command) <subcommand>; see '\(command) --help'.
            """
    }

    /// A message of the argument parser in the form of the agent's own messages, which name the program first.
    private static func usageText(_ message: String) -> String {
        let prefix = "Error: "
        return "gpu-agent: " + (message.hasPrefix(prefix) ? message.dropFirst(prefix.count) : message[...])
    }

    /// Runs the command.
    ///
    /// After wrong usage it exits with 2, as `validate` documents. The argument parser itself would exit with 64.
    static func main() async {
        if let status = VendorChildEntry.run(CommandLine.arguments.dropFirst()) { Glibc.exit(status) }
        if let problem = OpenFiles.problem() {
            Output.complain("gpu-agent: \(problem)\n")
            Glibc.exit(ExitStatus.cannotTell.rawValue)
        }
        if let message = unknownCommand(CommandLine.arguments.dropFirst()) {
            Output.complain("gpu-agent: \(message)\n")
            Glibc.exit(ExitStatus.usage.rawValue)
        }
        do {
            var command = try parseAsRoot()
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        } catch {
            guard exitCode(for: error) == .validationFailure else { exit(withError: error) }
            Output.complain(usageText(fullMessage(for: error)) + "\n")
            Glibc.exit(ExitStatus.usage.rawValue)
        }
    }
}
