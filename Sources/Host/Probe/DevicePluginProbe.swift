package import NodeModel
import SystemPackage

/// The options of a running device plugin, as its process has them.
package struct DevicePluginCommand: Codable, Sendable, Equatable {
    package var pid: Int
    /// The value of the argument `--mig-strategy`; nil without the argument.
    package var strategyArgument: String?
    /// The value of the environment variable `MIG_STRATEGY`.
    package var strategyVariable: Reading<String>
    /// The path of the configuration file in the plugin's container: `--config-file` or `CONFIG_FILE`.
    package var configFile: Reading<String>
    /// The text of the configuration file; absent when the plugin has none.
    package var configuration: Reading<String>
    /// The value of the environment variable `NVIDIA_VISIBLE_DEVICES`.
    package var visibleDevices: Reading<String>

    package init(
        pid: Int,
        strategyArgument: String? = nil,
        strategyVariable: Reading<String> = .absent,
        configFile: Reading<String> = .absent,
        configuration: Reading<String> = .absent,
        visibleDevices: Reading<String> = .absent
    ) {
        self.pid = pid
        self.strategyArgument = strategyArgument
        self.strategyVariable = strategyVariable
        self.configFile = configFile
        self.configuration = configuration
        self.visibleDevices = visibleDevices
    }
}

/// Looks for NVIDIA's device plugin among the processes of the host.
///
/// Use one probe for the lifetime of the agent: a read that hangs then occupies one thread, not one per inspection.
package struct DevicePluginProbe: Sendable {
    private let root: HostRoot
    private let queue = ReadQueue()
    private static let deadline = Duration.seconds(10)
    private static let program = "nvidia-device-plugin"
    /// The most plugins to examine; a node has one.
    private static let limit = 8
    private static let variableNames = ["MIG_STRATEGY", "CONFIG_FILE", "NVIDIA_VISIBLE_DEVICES"]
    /// The most bytes of the arguments, which are far more than a plugin has.
    private static let argumentLimit = 64 << 10
    /// The most bytes of the environment and of the configuration file.
    ///
    /// The kubelet adds some variables for each service of the namespace. The limit of the file is that of a ConfigMap.
    private static let fileLimit = 1 << 20

    package init(root: HostRoot) {
        self.root = root
    }

    /// The plugins that run, sorted by process ID; absent when none runs, skipped in a copied tree.
    package func commands() async -> Reading<[DevicePluginCommand]> {
        let root = root
        return await queue.read("the device plugin in /proc", within: Self.deadline) { Self.commands(root) }
    }

    static func commands(_ root: HostRoot) -> Reading<[DevicePluginCommand]> {
        ClaimProbe.runningProcesses(root).flatMap { processes in
            reading { () throws(HostError) in
                var commands: [DevicePluginCommand] = []
                for process in processes where commands.count < limit {
                    if let command = try command(process, root) { commands.append(command) }
                }
                return commands.isEmpty ? nil : commands
            }
        }
    }

    /// The process as a device plugin; nil when it is another program or has ended meanwhile.
    private static func command(_ process: Int, _ root: HostRoot) throws(HostError) -> DevicePluginCommand? {
        let directory = HostPath("/proc").appending("\(process)")
        let arguments: [String]
        do throws(HostError) {
            // The kernel cuts this name off after 15 characters. It comes first, because the arguments are in the memory
            // of the process: a process whose memory is locked would hold up the read.
            guard try root.text(directory.appending("comm"))?.trimmed == String(program.prefix(15)),
                let bytes = try beginning(of: directory.appending("cmdline"), root)
            else { return nil }
            arguments = strings(bytes)
        } catch {
            guard error.isOfEndedProcess else { throw error }
            return nil
        }
        guard arguments.first?.split(separator: "/").last.map(String.init) == program else { return nil }
        let variables = variables(directory.appending("environ"), root)
        let named = option("config-file", in: arguments)
        let file: Reading<String> = named.map { .present($0) } ?? variables.value("CONFIG_FILE")
        let path: Reading<String> = file.flatMap { $0.isEmpty ? .absent : .present($0) }
        return DevicePluginCommand(
            pid: process,
            strategyArgument: option("mig-strategy", in: arguments),
            strategyVariable: variables.value("MIG_STRATEGY"),
            configFile: path,
            configuration: path.flatMap { configuration($0, of: directory.appending("root"), root) },
            visibleDevices: variables.value("NVIDIA_VISIBLE_DEVICES")
        )
    }

    private static func beginning(of path: HostPath, _ root: HostRoot) throws(HostError) -> [UInt8]? {
        guard let file = try root.openFile(path) else { return nil }
        do throws(Errno) { return try file.read(at: 0, count: argumentLimit) } catch {
            throw .file(.read, path, cause: error)
        }
    }

    /// The variables that decide what the plugin offers.
    ///
    /// The environment of a process can have secrets, so nothing else of it leaves this function.
    private static func variables(_ path: HostPath, _ root: HostRoot) -> Reading<[String: String]> {
        reading { () throws(HostError) in
            guard let bytes = try root.read(path, limit: fileLimit) else { return nil }
            var found: [String: String] = [:]
            for variable in bytes.split(separator: 0) {
                for name in variableNames where variable.starts(with: "\(name)=".utf8) {
                    found[name] = String(decoding: variable.dropFirst(name.utf8.count + 1), as: UTF8.self)
                }
            }
            return found
        }
    }

    /// The text of a file in the container of the plugin.
    ///
    /// `openat2` with a root does not follow the link `/proc/PID/root` to the container, so the container is opened by
    /// its path. Every path below it is then resolved in the container.
    private static func configuration(_ path: String, of container: HostPath, _ root: HostRoot) -> Reading<String> {
        guard let file = HostPath(absolute: path) else {
            return .unreadable(ReadFailure(.malformed, "'\(path.prefix(200))' is not an absolute path"))
        }
        let text = reading { () throws(HostError) in
            try HostRoot(root.outsidePath(container)).text(file, limit: fileLimit)
        }
        // The plugin does not start without its file.
        return text.isAbsent ? .unreadable(ReadFailure(.io, "the container of the plugin has no \(file)")) : text
    }

    /// The value of an option, of which the last one counts: `--NAME=VALUE`, `--NAME VALUE`, or with one hyphen.
    static func option(_ name: String, in arguments: [String]) -> String? {
        var value: String?
        var isNext = false
        for argument in arguments.dropFirst() {
            if isNext {
                (value, isNext) = (argument, false)
                continue
            }
            for hyphens in ["--", "-"] {
                if argument == "\(hyphens)\(name)" { isNext = true }
                let beginning = "\(hyphens)\(name)="
                if argument.hasPrefix(beginning) { value = String(argument.dropFirst(beginning.count)) }
            }
        }
        return value
    }

    /// The strings of a file below `/proc`, each of which ends with a NUL character.
    private static func strings(_ bytes: [UInt8]) -> [String] {
        let ended = bytes.last == 0 ? bytes.dropLast() : bytes[...]
        return ended.split(separator: 0, omittingEmptySubsequences: false).map { String(decoding: $0, as: UTF8.self) }
    }
}

extension Reading<[String: String]> {
    /// The variable with this name; absent when there is none.
    fileprivate func value(_ name: String) -> Reading<String> {
        flatMap { found in found[name].map { .present($0) } ?? .absent }
    }
}
