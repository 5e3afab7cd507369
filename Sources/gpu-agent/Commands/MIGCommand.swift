import Agent
import ArgumentParser
import MIG
import NodeModel
import Reporting

/// `mig`: the MIG layouts of the GPUs.
struct MIGCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mig",
        abstract: "Print, check and change the MIG layouts of the GPUs.",
        discussion: """
            The commands read the configuration files of NVIDIA's nvidia-mig-parted. Without a file, they know its \
            standard layouts, such as all-balanced. See docs/mig.md.
            """,
        subcommands: [
            MIGListCommand.self, MIGPlanCommand.self, MIGAssertCommand.self, MIGApplyCommand.self,
            MIGRestoreCommand.self,
        ],
        defaultSubcommand: MIGListCommand.self
    )
}

/// The options that name a layout.
struct MIGLayoutOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The file with the layouts, in the format of nvidia-mig-parted ('-': standard input, 'standard': no file).",
            valueName: "file"
        )
    )
    var config = Policy.standardMIGLayouts

    @Option(
        help: ArgumentHelp("The layout to use. A file with only one layout does not need it.", valueName: "name")
    )
    var selected: String?

    /// Reads the file, and makes plans of the layout.
    func planner() throws -> @Sendable (MIGInventory) -> MIGNodePlan {
        let source = try MIGLayoutSource.read(config)
        do throws(MIGSelectionError) { return try source.planner(selected) } catch {
            Output.complain("gpu-agent: \(config): \(error)\n")
            throw ExitStatus.usage
        }
    }
}

extension HostOptions {
    func migProber() throws -> Prober {
        try NodeSource(host: self, choice: try ChoiceOptions.parse([]), facts: try FactsOption.parse([])).prober()
    }
}

/// `mig list`.
struct MIGListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "Print the MIG devices of the GPUs, what still fits, and the standard layouts. Changes nothing."
    )

    @OptionGroup var host: HostOptions
    @OptionGroup var format: OutputOption

    func run() async throws {
        try await reporting {
            let document = MIGListDocument(try await host.migProber().migView().inventory)
            try Output.print(document, as: format.output, text: document.text)
        }
    }
}

/// `mig plan`.
struct MIGPlanCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plan",
        abstract: "Print the steps that give the GPUs a MIG layout. Changes nothing.",
        discussion: """
            Exits 0 when the GPUs have the layout or 'mig apply' can make it now, 1 when it cannot be made, 3 when a \
            GPU needs a reset or a reboot first.
            """
    )

    @OptionGroup var layout: MIGLayoutOptions
    @OptionGroup var host: HostOptions
    @OptionGroup var format: OutputOption

    func run() async throws {
        try await reporting {
            let planner = try layout.planner()
            let view = try await host.migProber().migView()
            var plan = planner(view.inventory)
            plan.refuse(view.users)
            let document = MIGDocument(.plan, plan, isVirtualMachine: view.isVirtualMachine)
            try Output.print(document, as: format.output, text: document.text)
            try document.state.exit()
        }
    }
}

/// `mig assert`.
struct MIGAssertCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "assert",
        abstract: "Check that the GPUs have a MIG layout. Changes nothing.",
        discussion: "Exits 0 when all GPUs have it, 1 when one does not."
    )

    @OptionGroup var layout: MIGLayoutOptions
    @OptionGroup var host: HostOptions
    @OptionGroup var format: OutputOption

    func run() async throws {
        try await reporting {
            let planner = try layout.planner()
            let view = try await host.migProber().migView()
            let plan = planner(view.inventory)
            let document = MIGDocument(.assertion, plan, isVirtualMachine: view.isVirtualMachine)
            try Output.print(document, as: format.output, text: document.text)
            guard document.state == .success else { throw ExitStatus.failed }
        }
    }
}

/// `mig apply`.
struct MIGApplyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "apply",
        abstract: "Give the GPUs a MIG layout, and check it by reading the GPUs again.",
        discussion: """
            The command changes nothing while a process uses a GPU that would change, or when one of the GPUs cannot \
            get its layout. It never changes a vGPU. It records the layout on the host for 'mig restore'. Exits 0 \
            when all GPUs have the layout, 1 when they do not, 3 when a GPU needs a reset or a reboot first.
            """
    )

    @OptionGroup var layout: MIGLayoutOptions
    @OptionGroup var host: HostOptions
    @OptionGroup var format: OutputOption

    @Option(help: ArgumentHelp("How long to wait while another process changes the host.", valueName: "duration"))
    var lockWait = WaitDuration(seconds: 60)

    func run() async throws {
        try await reporting {
            let planner = try layout.planner()
            let document = try await host.migProber().makeMIG(
                environment: Output.environment,
                lockDeadline: lockWait.duration,
                plan: planner
            )
            try Output.print(document, as: format.output, text: document.text)
            try document.state.exit()
        }
    }
}

/// `mig restore`.
struct MIGRestoreCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore",
        abstract: "Give the GPUs the MIG layouts that 'mig apply' recorded, for example after a reboot.",
        discussion: "Exits 0 when all GPUs have the layout or none is recorded, otherwise as 'mig apply'."
    )

    @OptionGroup var host: HostOptions
    @OptionGroup var format: OutputOption

    @Option(help: ArgumentHelp("How long to wait while another process changes the host.", valueName: "duration"))
    var lockWait = WaitDuration(seconds: 60)

    func run() async throws {
        try await reporting {
            let document = try await host.migProber().restoreMIG(
                environment: Output.environment,
                lockDeadline: lockWait.duration
            )
            try Output.print(document, as: format.output, text: document.text)
            try document.state.exit()
        }
    }
}

extension MIGDocument.State {
    /// Ends the command with the exit code of the state.
    fileprivate func exit() throws {
        switch self {
        case .success, .possible, .notRecorded: return
        case .resetRequired, .rebootRequired: throw ExitStatus.deadline
        case .failed: throw ExitStatus.failed
        }
    }
}
