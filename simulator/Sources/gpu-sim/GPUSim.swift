import ArgumentParser

/// The simulated surroundings of a node, for the demo and for trying things by hand.
@main
struct GPUSim: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gpu-sim",
        abstract: "Simulate the surroundings of a GPU node.",
        subcommands: [
            APIServerCommand.self,
            DownloadServerCommand.self,
        ]
    )
}
