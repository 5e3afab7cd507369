import Agent
import ArgumentParser
import FoundationEssentials
import Glibc

/// The options that locate the host.
struct HostOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The root directory of the host, or a copy of it.",
            discussion: "Default: /proc/PID/root of --host-pid, or / when the agent runs on the host itself.",
            valueName: "dir"
        )
    )
    var hostRoot: String?

    @Option(
        help: ArgumentHelp(
            "The ID of a process in the host's namespaces, or 'none'.",
            discussion: "Default: 1. With 'none', the agent runs no commands on the host and loads no host libraries.",
            valueName: "pid"
        )
    )
    var hostPid: HostPID?

    /// The process to enter; nil when the agent must not run commands on the host.
    var process: Int? { hostPid.map(\.number) ?? 1 }

    /// The options for a user who cannot enter the host: the files of this user's own mount namespace.
    ///
    /// They are the same options for root, and when the command line names the host.
    var withoutRoot: HostOptions {
        guard geteuid() != 0, hostRoot == nil, hostPid == nil else { return self }
        var options = self
        (options.hostRoot, options.hostPid) = ("/", HostPID.none)
        return options
    }
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

/// The options for the catalog and the configuration.
struct ChoiceOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The directory of the agent's own catalog.",
            discussion: "Default: \(Settings.catalogDirectory), or the directory 'catalog' beside the program.",
            valueName: "dir"
        )
    )
    var catalogDirectory: String?

    @Option(
        help: ArgumentHelp(
            "A catalog file to add to the agent's own catalog. Repeat the option to add several files.",
            valueName: "file"
        )
    )
    var catalog: [String] = []

    @Option(
        help: ArgumentHelp(
            "The configuration file.",
            discussion: "Default: /etc/gpu-agent/config.yaml, if it exists. The DaemonSet mounts the file there.",
            valueName: "file"
        )
    )
    var config: String?

    /// The configuration file to read; nil when there is none.
    var configFile: String? {
        config ?? (access(Settings.mountedConfiguration, F_OK) == 0 ? Settings.mountedConfiguration : nil)
    }

    /// The directory whose catalog files the agent uses; nil when `--config` names another configuration.
    var configDirectory: String? {
        Settings.mountedDirectory(besideConfiguration: config).flatMap { access($0, F_OK) == 0 ? $0 : nil }
    }
}

/// The option to use the facts of another node.
struct FactsOption: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Use the facts in this file ('-': standard input) instead of inspecting this node. Works without root.",
            discussion: "'gpu-agent facts -o json' writes such a file.",
            valueName: "file"
        )
    )
    var facts: String?
}

/// The option for the labels of the Node, when the configuration has pools.
struct NodeLabelsOption: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The labels of the Node (KEY=VALUE,...), when the configuration has pools. Default: as the daemon read them.",
            valueName: "labels"
        )
    )
    var labels: NodeLabels?
}

/// The value of `--labels`: `example.com/pool=grid,zone=a`.
struct NodeLabels: ExpressibleByArgument {
    var labels: [String: String] = [:]

    init?(argument: String) {
        for part in argument.split(separator: ",") {
            guard let mark = part.firstIndex(of: "="), mark > part.startIndex else { return nil }
            let (key, value) = (String(part[..<mark]), String(part[part.index(after: mark)...]))
            guard labels.updateValue(value, forKey: key) == nil else { return nil }
        }
    }
}

/// The option for the output format.
struct OutputOption: ParsableArguments {
    @Option(name: .shortAndLong, help: "The output format: text, json or yaml.")
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
            catalogDirectory: choice?.catalogDirectory ?? Settings.foundCatalogDirectory,
            catalogs: choice?.catalog ?? [],
            configFile: choice?.configFile,
            configDirectory: choice?.configDirectory,
            environment: ProcessInfo.processInfo.environment.filter { name, _ in
                ["http_proxy", "https_proxy", "no_proxy"].contains(name.lowercased())
            },
            authorityFile: ProcessInfo.processInfo.environment["SSL_CERT_FILE"].flatMap { $0.isEmpty ? nil : $0 }
        )
    }
}
