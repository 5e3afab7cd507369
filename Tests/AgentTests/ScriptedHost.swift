import Catalog
import FoundationEssentials
import Glibc
import Host
import HostSupport
import NodeModel
import Support
import Synchronization
import TestSupport
import Testing

@testable import Agent

/// A simulated host of scripts: a tree with one H100, its own namespaces, and the few programs that an install runs
/// there.
///
/// The programs change files: the kernel modules are directories, the driver is a few files, and the driver package is
/// a shell script on a file server.
struct ScriptedHost: Sendable {
    static let version = "595.71.05"
    /// A version that an install of `version` replaces.
    static let formerVersion = "580.105.08"
    static let job = "install-\(version)"

    /// The host's root directory.
    let tree: TemporaryDirectory
    var inspector: Inspector
    let commands: HostCommands
    let server: FileServer

    /// Writes a file in the host's `/run` that tells the programs what to do.
    func order(_ name: String) throws { try tree.write("run/\(name)", "") }

    func withdraw(_ name: String) throws { try FileManager.default.removeItem(atPath: tree.path("run/\(name)")) }

    /// The recorded calls of a program, one line for each call.
    func calls(_ name: String) -> [String] {
        ((try? tree.text("run/\(name)")) ?? "").split(separator: "\n").map(String.init)
    }

    func journal(_ path: String = HostLayout.journal) throws -> Journal {
        try JSONDecoder().decode(Journal.self, from: Data(tree.text(path).utf8))
    }

    func install(
        downloader: Downloader = Downloader(backoff: .milliseconds(1), patience: 2),
        longestJob: Duration? = nil,
        progress: @escaping @Sendable (InstallProgress) -> Void = { _ in }
    ) -> InstallRun {
        InstallRun(
            inspector: inspector,
            commands: commands,
            downloader: downloader,
            patience: .zero,
            longestJob: longestJob,
            progress: progress
        )
    }

    /// The same host, for which the configuration and the catalog name this version of the driver.
    func offering(_ version: String) throws -> ScriptedHost {
        try tree.write("run/offered", version)
        var host = self
        host.inspector.setup.policy.version = DriverVersion(version)
        host.inspector.setup.catalog.drivers[0].version = try #require(DriverVersion(version))
        host.inspector.setup.catalog.drivers[0].artifact.urls = [
            server.url.replacing("/file", with: "/driver-\(version).run")
        ]
        return host
    }

    func uninstall(progress: @escaping @Sendable (InstallProgress) -> Void = { _ in }) -> UninstallRun {
        UninstallRun(prober: inspector.prober, commands: commands, progress: progress)
    }

    /// The activity that `status` shows, with or without a process that installs.
    func activity(installing: Bool) async -> Activity? {
        var view = await inspector.look()
        if installing { view.report.verdict = .installing }
        return await inspector.prober.activity(view, nil)
    }

    /// Runs a test with such a host.
    static func with(_ body: @escaping @Sendable (ScriptedHost) async throws -> Void) async throws {
        try await PrivateHost.with { host in
            let (tree, tools) = (try TemporaryDirectory(), try TemporaryDirectory())
            try writeMachine(tree)
            try writePrograms(tools, tree)
            let mounts = ["run", "var/lib", "var/log"].map { "mount --bind \(tree.path($0)) /\($0)" }
            let script = mounts.joined(separator: "\n")
            _ = try await host.commands.run(["sh", "-ec", script], deadline: .seconds(60))
            try tools.write("package", packageScript(tree))
            let sum = try await host.commands.run(["sha256sum", tools.path("package")], deadline: .seconds(60)).output
            let package = Array(packageScript(tree).utf8)
            try await FileServer.serving(package) { server in
                let settings = Settings(
                    hostRoot: tree.path,
                    hostPID: host.pid,
                    catalogDirectory: catalogDirectory,
                    program: tools.path("vendor"),
                    environment: ["PATH": "\(tools.path):/usr/sbin:/usr/bin:/sbin:/bin"]
                )
                var setup = try Setup.load(settings)
                setup.catalog.drivers = [
                    CatalogDriver(
                        version: try #require(DriverVersion(version)),
                        kind: .datacenter,
                        artifact: Artifact(
                            urls: [server.url.replacing("/file", with: "/driver.run")],
                            digest: Checksum(.sha256, String(sum.prefix(64))),
                            size: package.count
                        )
                    )
                ]
                let prober = try Prober(settings)
                try await body(
                    ScriptedHost(
                        tree: tree,
                        inspector: Inspector(prober: prober, setup: setup),
                        commands: try #require(prober.commands),
                        server: server
                    )
                )
                // Kept until here: the host's programs write into it.
                withExtendedLifetime(tools) {}
            }
        }
    }

    private static let catalogDirectory = URL(filePath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().appending(path: "catalog").path

    private static func writeMachine(_ tree: TemporaryDirectory) throws {
        for directory in ["run", "var/lib", "var/log", "tmp", "usr/bin", "dev", "sys/module", "lib/modules"] {
            try tree.makeDirectory(directory)
        }
        let build = "lib/modules/\(NodeFacts.kernel)/build/include/config/kernel.release"
        for (path, text) in [
            ("proc/sys/kernel/osrelease", NodeFacts.kernel), ("proc/sys/kernel/arch", "x86_64"),
            ("proc/sys/kernel/random/boot_id", "7c1d0b52-90f1-4f0e-9d6b-0c2a55a0f4d1"),
            ("etc/os-release", "ID=ubuntu\nVERSION_ID=\"22.04\""), (build, NodeFacts.kernel),
            ("sys/class/dmi/id/sys_vendor", "Microsoft Corporation"),
            ("sys/class/dmi/id/chassis_asset_tag", "7783-7084-3265-9085-8269-3286-77"),
        ] { try tree.write(path, "\(text)\n") }
        for program in ["gcc", "make"] { try writeProgram(tree, "usr/bin/\(program)", "exit 1") }
        // A process without open files.
        try tree.write("proc/1/comm", "init\n")
        try tree.makeDirectory("proc/1/fd")
        let function = "sys/bus/pci/devices/0001:00:00.0"
        for (name, text) in [("vendor", "0x10de"), ("device", "0x2321"), ("class", "0x030200"), ("revision", "0xa1")] {
            try tree.write("\(function)/\(name)", "\(text)\n")
        }
        var space = [UInt8](repeating: 0, count: 256)
        space.replaceSubrange(0..<4, with: [0xde, 0x10, 0x21, 0x23])
        space.replaceSubrange(0x2c..<0x30, with: [0xde, 0x10, 0x39, 0x18])
        try tree.write("\(function)/config", bytes: space)
    }

    private static func writeProgram(_ directory: TemporaryDirectory, _ name: String, _ script: String) throws {
        try directory.write(name, "#!/bin/sh\n\(script)\n")
        chmod(directory.path(name), 0o755)
    }

    private static func writePrograms(_ tools: TemporaryDirectory, _ tree: TemporaryDirectory) throws {
        let host = tree.path
        try writeProgram(
            tools,
            "modprobe",
            """
            echo "$*" >>\(host)/run/modprobe
            cp /var/lib/gpu-agent/journal.json \(host)/run/journal-at-modprobe 2>/dev/null
            if [ "$1" = -r ]; then
                [ ! -e \(host)/run/busy-$2 ] || { echo "modprobe: FATAL: Module $2 is in use." >&2; exit 1; }
                rm -rf \(host)/sys/module/$2
                [ "$2" != nvidia ] || rm -rf \(host)/proc/driver/nvidia
                exit
            fi
            [ ! -e \(host)/run/broken-module ] || { echo "modprobe: ERROR: could not insert '$1'" >&2; exit 1; }
            mkdir -p \(host)/sys/module/$(echo $1 | tr - _) \(host)/proc/driver/nvidia
            [ "$1" = nvidia ] || exit 0
            version=$(cat \(host)/run/installed 2>/dev/null || echo \(version))
            echo $version >\(host)/sys/module/nvidia/version
            echo "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  $version  Release Build" \
                >\(host)/proc/driver/nvidia/version
            """
        )
        try writeProgram(
            tools,
            "systemctl",
            """
            echo "$*" >>\(host)/run/systemctl
            [ "$1" != cat ] || [ ! -e \(host)/run/no-unit ] || exit 1
            [ "$1" != start ] || [ ! -e \(host)/run/broken-service ] || { echo "Job for $2 failed." >&2; exit 1; }
            """
        )
        let nodes = ["nvidia0", "nvidiactl", "nvidia-uvm"].map { "\(host)/dev/\($0)" }.joined(separator: " ")
        try writeProgram(
            tools,
            "nvidia-modprobe",
            """
            echo "$*" >>\(host)/run/nvidia-modprobe
            [ ! -e \(host)/run/hold-nodes ] || until [ -e \(host)/run/go ]; do sleep 0.02; done
            for node in \(nodes); do [ -e $node ] || mknod $node c 195 0; done
            """
        )
        try writeProgram(
            tools,
            "nvidia-uninstall",
            """
            echo "$*" >>\(host)/run/nvidia-uninstall
            [ ! -e \(host)/run/broken-uninstaller ] || exit 1
            [ ! -e \(host)/run/hold-uninstaller ] || until [ -e \(host)/run/go ]; do sleep 0.02; done
            rm -rf \(host)/usr/lib/x86_64-linux-gnu/lib* \(host)/lib/modules/\(NodeFacts.kernel)/updates
            """
        )
        // A job also writes its result to the disk.
        try writeProgram(tools, "sync", "[ \"$1\" != -f ] || echo \"$*\" >>\(host)/run/sync")
        try writeProgram(
            tools,
            "modinfo",
            """
            case $2 in
            version) cat \(host)/run/installed 2>/dev/null || echo \(version) ;;
            license) echo 'Dual MIT/GPL' ;;
            esac
            """
        )
        let vendor = NodeFacts.h100Ready.vendor.value
        try tools.write("nvml.json", bytes: Array(try JSONEncoder().encode(vendor?.nvml ?? .absent)))
        let cuda = CUDAFacts(visibleDevices: nil, result: 0, errorName: nil, deviceCount: 1)
        try tools.write("cuda.json", bytes: Array(try JSONEncoder().encode(Reading.present(cuda))))
        // Speaks the protocol of the vendor child.
        try writeProgram(
            tools,
            "vendor",
            """
            while read -r line; do
                case $line in
                *hello*) reading='{"state":"present","value":{"protocolVersion":2}}' ;;
                *nvml*)
                    version=$(cat \(host)/run/installed 2>/dev/null || echo \(version))
                    reading=$(sed "s/\(version)/$version/g" \(tools.path("nvml.json")))
                    ;;
                *) reading=$(cat \(tools.path("cuda.json"))) ;;
                esac
                printf '{"id":%s,"reading":%s}\\n' "$(printf %s "$line" | sed 's/.*"id":\\([0-9]*\\).*/\\1/')" "$reading"
            done
            """
        )
    }

    /// The driver package: an installer that a test can pause and let fail.
    private static func packageScript(_ tree: TemporaryDirectory) -> String {
        let host = tree.path
        let libraries = "\(host)/usr/lib/x86_64-linux-gnu"
        return """
            #!/bin/sh
            echo "$*" >>\(host)/run/installer
            cp /var/lib/gpu-agent/journal.json \(host)/run/journal-at-installer
            echo 'Building kernel modules'
            [ ! -e \(host)/run/hold ] || until [ -e \(host)/run/go ]; do sleep 0.02; done
            if [ -e \(host)/run/no-compiler ]; then
                echo 'ERROR: Unable to find the development tool cc.' >/var/log/gpu-agent/nvidia-installer.log
                exit 1
            fi
            version=$(cat \(host)/run/offered 2>/dev/null || echo \(version))
            rm -f \(libraries)/lib*
            mkdir -p \(libraries) \(host)/lib/modules/\(NodeFacts.kernel)/updates
            echo $version >\(host)/run/installed
            echo compressed >\(host)/lib/modules/\(NodeFacts.kernel)/updates/nvidia.ko.xz
            for name in libnvidia-ml.so libcuda.so; do
                : >\(libraries)/$name.$version
                ln -sf $name.$version \(libraries)/$name.1
            done
            """
    }
}

/// The progress of an install, as words.
final class ProgressWords: Sendable {
    private let words = Mutex<[String]>([])
    private let estimates = Mutex<[String: Double]>([:])

    /// How long each step that started took in the last install, by the name of the step, in seconds.
    var usual: [String: Double] { estimates.withLock { $0 } }
    var all: [String] { words.withLock { $0 } }

    func note(_ progress: InstallProgress) {
        if case .started(let step, number: _, of: _, usual: let seconds?) = progress {
            estimates.withLock { $0[step.id.rawValue] = seconds }
        }
        let word: String? =
            switch progress {
            case .started(let step, number: _, of: _, usual: _): "started \(step.id.rawValue)"
            case .finished(let step, seconds: _): "finished \(step.id.rawValue)"
            case .failed(let step, let problem): "failed \(step.id.rawValue): \(problem.code.rawValue)"
            case .waitingForJob(let name): "waiting for \(name)"
            case .waitingForLock: "waiting for the lock"
            case .downloaded, .said: nil
            case .noted(let text): "noted: \(text)"
            }
        if let word { words.withLock { $0.append(word) } }
    }
}
