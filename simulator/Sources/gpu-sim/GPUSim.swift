import ArgumentParser

/// The simulated environment of a node, for the demo and for manual tests.
@main
struct GPUSim: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gpu-sim",
        abstract: "Simulate the environment of a GPU node.",
        subcommands: [
            APIServerCommand.self,
            DownloadServerCommand.self,
        ]
    )
}
