import Host
package import NodeModel
import Planning
import Support

/// Downloads the packages for the build of kernel modules into a directory, for nodes that cannot download them.
///
/// The package manager of this machine chooses and verifies the packages. So the machine needs the distribution of the
/// nodes, and its repositories.
package struct BuildPackageMirror: Sendable {
    /// The release of the kernel of the nodes.
    package var kernel: String
    /// The version of the driver whose fabric manager and IMEX are downloaded, too; nil for none.
    package var fabric: DriverVersion?
    /// The path of the directory in the agent's own mount namespace.
    package var directory: String
    private let root: HostRoot
    private let commands: HostCommands

    /// - Throws: When the agent cannot run commands on the host.
    package init(
        kernel: String,
        fabric: DriverVersion? = nil,
        directory: String,
        prober: Prober
    ) throws(AgentFailure) {
        guard let commands = prober.commands else { throw .noCommands }
        self.kernel = kernel
        self.fabric = fabric
        self.directory = directory
        self.commands = commands
        root = prober.root
    }

    /// The time limit for the downloads: one hour.
    private static let deadline = Duration.seconds(3600)

    /// Downloads the packages, and copies them into the directory.
    ///
    /// - Parameter system: The operating system of this machine.
    /// - Returns: The packages, for the index.
    /// - Throws: The words of the package manager, or the error of the directory.
    package func run(on system: Reading<OSRelease>) async throws(AgentFailure) -> PackageBundle {
        guard let release = system.value,
            let command = MirrorScript.command(kernel: kernel, fabric: fabric, on: release)
        else {
            let name = system.value.map { $0.prettyName ?? $0.id } ?? "an unknown system"
            throw failure(
                "The agent cannot download packages for the kernel '\(kernel)' on \(name).",
                "Run the command on a machine with the distribution of the nodes, in their version. For a distribution that "
                    + "the agent does not know, install the packages in the image of the nodes."
            )
        }
        let output: String
        do throws(HostError) {
            output = try await commands.run(command, deadline: Self.deadline).output
        } catch {
            throw failure(
                errorChain(error),
                "Use a machine with the distribution of the nodes and a network. 'uname -r' prints the kernel of a node."
            )
        }
        guard let printed = PrintedBundle(output), let place = HostPath(absolute: printed.directory),
            let bundle = printed.bundle(kernel: kernel)
        else { throw failure("The package manager listed packages that the agent cannot use.", "Run it again.") }
        do throws(AgentFailure) { try await copy(bundle, from: place) } catch {
            await remove(printed.directory)
            throw error
        }
        await remove(printed.directory)
        return bundle
    }

    private func copy(_ bundle: PackageBundle, from place: HostPath) async throws(AgentFailure) {
        let target: BundleDirectory
        do throws(DownloadError) { target = try BundleDirectory("\(directory)/\(bundle.directory)") } catch {
            throw failure(errorChain(error), "Check that you can write to \(directory).")
        }
        for file in bundle.files {
            let copy = PackageCopy(
                source: place,
                fileName: file.fileName,
                digest: file.digest,
                size: file.size,
                deadline: Self.deadline
            )
            do throws(PackageSourceError) { _ = try await copy.run(from: root, into: target.descriptor) } catch {
                throw failure(
                    errorChain(error),
                    "Check that you can write to \(directory). Then run the command again."
                )
            }
        }
    }

    /// Removes the directory of the downloads; a remainder in `/var/tmp` does no harm.
    private func remove(_ path: String) async {
        _ = try? await commands.run(["rm", "-rf", path], deadline: .seconds(60))
    }

    private func failure(_ observed: String, _ remedy: String) -> AgentFailure {
        AgentFailure(
            Finding(
                .buildPackagesFailed,
                observed: observed,
                expected: "the packages for the build on the kernel \(kernel)",
                remedy: Remedy(remedy)
            )
        )
    }
}

/// What `MirrorScript` prints.
struct PrintedBundle {
    /// The directory with the downloads on the host.
    var directory: String
    private var values: [String: [Substring]]

    /// Nil when the output names no directory below `/var/tmp`.
    init?(_ output: String) {
        values = [:]
        for line in output.split(whereSeparator: \.isNewline) {
            let parts = line.split(separator: " ", maxSplits: 1)
            guard parts.count == 2 else { continue }
            values[String(parts[0]), default: []].append(parts[1])
        }
        guard let directory = values["directory"]?.first, directory.hasPrefix("/var/tmp/gpu-agent-mirror.") else {
            return nil
        }
        self.directory = String(directory)
    }

    /// The packages; nil when a part is missing or not sound.
    func bundle(kernel: String) -> PackageBundle? {
        let architectures: [Substring: Architecture] = [
            "amd64": .x86_64, "x86_64": .x86_64, "arm64": .aarch64, "aarch64": .aarch64,
        ]
        guard let system = values["system"]?.first, let name = values["architecture"]?.first,
            let architecture = architectures[name]
        else { return nil }
        let lines = values["file"] ?? []
        let files: [PackageBundle.File] = lines.compactMap { line in
            let words = line.split(separator: " ")
            guard words.count == 3, let size = Int(words[2]) else { return nil }
            let digest = Checksum(.sha256, String(words[1]))
            return PackageBundle.File(fileName: String(words[0]), digest: digest, size: size)
        }
        let bundle = PackageBundle(
            kernel: kernel,
            system: String(system),
            architecture: architecture,
            names: (values["name"] ?? []).map(String.init),
            directory: PackageBundle.directory(for: kernel),
            files: files
        )
        return files.count == lines.count && !files.isEmpty && bundle.isSound ? bundle : nil
    }
}
