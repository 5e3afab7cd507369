import ArgumentParser

/// The servers of the simulated node: only the demo and the tests run it.
@main
struct GPUSim: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gpu-sim",
        abstract: "Servers that stand in for those around a GPU node.",
        subcommands: [DownloadServerCommand.self]
    )
}
