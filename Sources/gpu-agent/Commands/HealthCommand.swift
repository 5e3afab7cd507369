import Agent
import ArgumentParser
import FoundationEssentials
import Glibc
import NodeModel
import Reporting
import Support

/// `health`: the errors of the GPUs that the kernel log reported.
struct HealthCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "health",
        abstract: "Print the errors of the GPUs that the kernel log reported, and clear them.",
        subcommands: [HealthListCommand.self, HealthClearCommand.self],
        defaultSubcommand: HealthListCommand.self
    )
}

/// `health list`.
struct HealthListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "Print the open errors of the GPUs, what they mean, and the earlier ones.",
        discussion: """
            The command reads the history of the agent and the kernel log of the host. It changes nothing. Exits 0, \
            also when an error is open; use 'gpu-agent validate' for an exit code.
            """
    )

    @OptionGroup var host: HostOptions
    @OptionGroup var choice: ChoiceOptions
    @OptionGroup var format: OutputOption

    func run() async throws {
        try await reporting {
            let source = NodeSource(host: host, choice: choice, facts: try FactsOption.parse([]))
            let view = try await source.view()
            guard let events = try await source.prober().eventFacts() else {
                Output.complain("gpu-agent: the boot ID of the host cannot be read\n")
                throw ExitStatus.cannotTell
            }
            let document = HealthDocument(view.gpuFaults, events)
            try Output.print(document, as: format.output, text: document.text)
        }
    }
}

/// `health clear`.
struct HealthClearCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "clear",
        abstract: "Declare the errors of a GPU as over, with a reason.",
        discussion: """
            The reason, the time and the user stay in the history. An error that comes back is open again. Exits 0 \
            when an error was cleared, 1 when the GPU has no open error.
            """
    )

    @Argument(help: ArgumentHelp("The PCI address or the UUID of the GPU, as 'health' prints it.", valueName: "gpu"))
    var gpu: String
    @Option(help: ArgumentHelp("Why the errors are over, such as \"power cable replaced\".", valueName: "text"))
    var reason: String
    @OptionGroup var host: HostOptions
    @OptionGroup var format: OutputOption

    func validate() throws {
        if reason.allSatisfy(\.isWhitespace) { throw ValidationError("--reason must say why the errors are over") }
    }

    func run() async throws {
        try await reporting {
            let source = NodeSource(
                host: host,
                choice: try ChoiceOptions.parse([]),
                facts: try FactsOption.parse([])
            )
            let cleared = try await source.prober().clearErrors(
                of: gpu,
                reason: Self.withoutEdges(reason).visible.shortened(to: 500),
                user: Self.user
            )
            guard !cleared.isEmpty else {
                Output.complain("gpu-agent: '\(gpu)' has no open error; 'gpu-agent health' lists the open errors\n")
                throw ExitStatus.failed
            }
            let document = HealthClearance(cleared: cleared)
            try Output.print(document, as: format.output) { _ in document.text }
        }
    }

    /// The text without white space at its beginning and at its end.
    private static func withoutEdges(_ text: String) -> String {
        let rest = text.drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace)
        return String(rest.reversed())
    }

    /// The user who runs the command, also through sudo.
    private static var user: String {
        if let user = ProcessInfo.processInfo.environment["SUDO_USER"], !user.isEmpty {
            return user.visible.shortened(to: 100)
        }
        guard let entry = getpwuid(getuid()), let name = entry.pointee.pw_name else { return "user \(getuid())" }
        return String(cString: name).visible.shortened(to: 100)
    }
}
