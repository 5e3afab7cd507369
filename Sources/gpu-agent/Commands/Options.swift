import Agent
import ArgumentParser
import FoundationEssentials
import Glibc

/// Where the node is.
struct HostOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The root directory of the host, or a directory tree copied from one.",
            discussion: "Default: /proc/PID/root of --host-pid, or / where the agent runs on the host itself.",
            valueName: "dir"
        )
    )
    var hostRoot: String?

    @Option(
        help: ArgumentHelp(
            "The process whose namespaces are the host's, or 'none'.",
            discussion: "Default: 1. With 'none' no command is run on the host and no library of it is loaded.",
            valueName: "pid"
        )
    )
    var hostPid: HostPID?

    /// The process to enter; nil when no command may be run on the host.
    var process: Int? { hostPid.map(\.number) ?? 1 }
}

/// The value of `--host-pid`.
enum HostPID: ExpressibleByArgument {
    case process(Int)
    case none

    init?(argument: String) {
        if argument == "none" {
            self = .none
        } else if let pid = Int(argument), pid > 0 {
            self = .process(pid)
        } else {
            return nil
        }
    }

    var defaultValueDescription: String { number.map(String.init) ?? "none" }

    var number: Int? {
        guard case .process(let pid) = self else { return nil }
        return pid
    }
}

/// What choices are made from.
struct ChoiceOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The directory of the agent's own catalog.", valueName: "dir"))
    var catalogDirectory = Settings.catalogDirectory

    @Option(
        help: ArgumentHelp(
            "A catalog file to lay over the agent's own; can be given several times.",
            valueName: "file"
        )
    )
    var catalog: [String] = []

    @Option(
        help: ArgumentHelp(
            "The configuration file.",
            discussion: "Default: /etc/gpu-agent/config.yaml, where the DaemonSet mounts it, if it is there.",
            valueName: "file"
        )
    )
    var config: String?

    /// The file to read, given or by default; nil for none.
    var configFile: String? {
        let usual = "/etc/gpu-agent/config.yaml"
        return config ?? (access(usual, F_OK) == 0 ? usual : nil)
    }
}

/// The facts of another node.
struct FactsOption: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Work on the facts in this file ('-': standard input) instead of looking at this node; needs no root.",
            discussion: "'gpu-agent facts -o json' writes such a file.",
            valueName: "file"
        )
    )
    var facts: String?
}

/// How a value is printed.
struct OutputOption: ParsableArguments {
    @Option(name: .shortAndLong, help: "How to print: text, json or yaml.")
    var output: OutputFormat = .text
}

enum OutputFormat: String, ExpressibleByArgument, CaseIterable {
    case text, json, yaml
}

extension Settings {
    init(_ host: HostOptions, _ choice: ChoiceOptions?) {
        self.init(
            hostRoot: host.hostRoot ?? host.hostPid?.number.map { Settings.root(of: $0) },
            hostPID: host.process,
            catalogDirectory: choice?.catalogDirectory ?? Settings.catalogDirectory,
            catalogs: choice?.catalog ?? [],
            configFile: choice?.configFile,
            environment: ProcessInfo.processInfo.environment.filter { name, _ in
                ["http_proxy", "https_proxy", "no_proxy"].contains(name.lowercased())
            }
        )
    }
}
