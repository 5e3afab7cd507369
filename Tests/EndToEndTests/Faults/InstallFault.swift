import FoundationEssentials
import NodeModel
import TestSupport
import Testing

/// A fault of a host, a server or an installer, and what an install must do about it.
///
/// `InstallFaultTests` injects each fault for real, and checks the reason code, the exit status, the time, what is left on the
/// disk, and that the next install succeeds when the fault is gone.
struct InstallFault: Sendable, CustomTestStringConvertible {
    /// The name in the results of the tests, as a noun.
    var name: String
    /// `KEY=VALUE` lines of the scenario's `host` file.
    var settings: [String] = []
    /// Options of the download server.
    var server: [String] = []
    /// Runs a server or another process that has the fault, during the install.
    var around: @Sendable (FaultyNode, @escaping @Sendable () async throws -> Void) async throws -> Void = {
        try await $1()
    }
    /// Makes the fault real before the install starts.
    var inject: @Sendable (FaultyNode) async throws -> Void = { _ in }
    /// Makes the fault real while the install runs.
    var during: @Sendable (FaultyNode) async throws -> Void = { _ in }
    /// Takes the fault away: what the remedy says.
    var heal: @Sendable (FaultyNode) async throws -> Void = { _ in }
    /// The reason code of the install; nil when the install succeeds in spite of the fault.
    var code: String?
    /// A part of the agent's output that shows that the fault was there.
    var says: String
    /// The time within which the install must end.
    var limit = Duration.seconds(60)
    /// What may be on the disk after the failed install, besides the journal and empty directories.
    var leaves: Set<Leftover> = []
    /// Whether the install needs its time: such a fault runs in the nightly form only.
    var isSlow = false

    var testDescription: String { name }
    /// The exit status of the install.
    var exitStatus: Int { code == nil ? 0 : 1 }

    static let all = downloads + disks + hosts + installers

    /// Whether this is the nightly form: `KILLS` is set.
    static let isNightly = ProcessInfo.processInfo.environment["KILLS"] != nil
}

/// Files that a failed install leaves on the host.
enum Leftover: String, Sendable {
    /// The received part of the package, from which the next download goes on.
    case partialPackage
    /// The verified package.
    case package
    /// The directory of the job that failed, with its log.
    case job
    /// The log of NVIDIA's installer.
    case installerLog
    /// The blacklist of other drivers.
    case blacklist
    /// Parts of the driver. The journal says that they are the agent's.
    case driver

    /// What a file on the host is; nil for the agent's journal and lock, which every install leaves.
    init?(path: String) {
        let name = path.split(separator: "/").last ?? ""
        switch path {
        case HostLayout.journal, HostLayout.lock: return nil
        case _ where path.hasPrefix("/run/gpu-agent/"): return nil
        case HostLayout.installerLog: self = .installerLog
        case "/etc/modprobe.d/gpu-agent.conf": self = .blacklist
        case _ where path.hasPrefix("\(HostLayout.jobs)/"): self = .job
        case _ where path.hasPrefix("\(HostLayout.packages)/"):
            self = name.contains(".partial") ? .partialPackage : .package
        default: self = .driver
        }
    }
}

/// A simulated node with a fault.
struct FaultyNode: Sendable {
    let node: SimulatedNode
    /// The agent's options and environment, which a fault can change.
    let setup = Shared()

    /// What a fault adds to the agent's command.
    actor Shared {
        var options: [String] = []
        var environment: [String: String] = [:]

        func add(options: [String] = [], environment: [String: String] = [:]) {
            self.options += options
            self.environment.merge(environment) { $1 }
        }

        func reset() {
            (options, environment) = ([], [:])
        }
    }

    /// The file name of the package that the agent chooses for the node.
    static let package = "NVIDIA-Linux-x86_64-595.91.07-grid-azure.run"
    var package: String { "\(HostLayout.packages)/\(Self.package)" }

    /// Runs a shell script on the host, which must succeed.
    func shell(_ script: String) async throws { try await node.run(["sh", "-ec", script]) }

    /// Installs the driver.
    func install(during: @escaping @Sendable () async throws -> Void = {}) async throws -> Finished {
        let (options, environment) = await (setup.options, setup.environment)
        return try await node.agent("install", options, environment: environment, deadline: .seconds(1200)) { _ in
            try await during()
        }
    }

    /// Mounts a small file system in memory on a directory, with what the directory contains.
    func mount(_ directory: String, _ options: String) async throws {
        try await shell(
            "mkdir -p \(directory); cp -a \(directory) /run/kept; mount -t tmpfs -o mode=755,\(options) small \(directory)"
                + "; cp -a /run/kept/. \(directory)/; rm -rf /run/kept"
        )
    }

    /// Fills the file system of a directory with one file, and leaves some bytes.
    func fill(_ directory: String, leaving bytes: Int = 0) async throws {
        try await shell(
            "free=$(($(stat -f -c '%a * %S' \(directory)) - \(bytes)));"
                + "head -c $free /dev/zero >\(directory)/filler 2>/dev/null || true"
        )
    }

    /// The bytes of the package that the agent has received.
    func received() -> Int {
        let size = (try? FileManager.default.attributesOfItem(atPath: node.path("\(package).partial")))?[.size]
        return size as? Int ?? 0
    }

    /// Waits until a part of the package has arrived.
    func awaitDownload() async throws {
        try await until("a part of the package arrives") { received() > 100_000 }
    }

    /// The bytes of the package on the server.
    func servedPackage() throws -> Data {
        try Data(contentsOf: URL(filePath: node.directory.path("packages/\(Self.package)")))
    }

    /// Serves another package under the name of the chosen one, with its own checksum in the catalog.
    func serve(_ script: String) async throws {
        let file = node.directory.path("packages/\(Self.package)")
        let old = try await digest(file)
        let size = try servedPackage().count
        try await succeed(["mv", file, "\(file).original"])
        try Data(script.utf8).write(to: URL(filePath: file))
        let catalog = try node.directory.text("catalog.yaml")
        try node.directory.write("catalog.original", catalog)
        let changed = catalog.replacing(old, with: try await digest(file))
            .replacing("size: \(size)", with: "size: \(script.utf8.count)")
        try node.directory.write("catalog.yaml", changed)
    }

    /// Serves the right packages again.
    func serveOriginal() async throws {
        let file = node.directory.path("packages/\(Self.package)")
        if node.directory.exists("packages/\(Self.package).original") {
            try await succeed(["mv", "\(file).original", file])
        }
        try node.directory.write("catalog.yaml", try node.directory.text("catalog.original"))
    }

    /// Names another server for the package.
    ///
    /// There are as many URLs as the agent makes attempts, so that it does not wait between them.
    func nameServer(_ url: String) throws {
        let catalog = try node.directory.text("catalog.yaml")
        try node.directory.write("catalog.original", catalog)
        let lines = catalog.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            guard line.contains("urls:") else { return String(line) }
            return "      urls: [\((1...9).map { "\"\(url)/\(Self.package)?\($0)\"" }.joined(separator: ", "))]"
        }
        try node.directory.write("catalog.yaml", lines.joined(separator: "\n"))
    }

    private func digest(_ file: String) async throws -> String {
        String(try await succeed(["sha256sum", file]).output.prefix(64))
    }
}
