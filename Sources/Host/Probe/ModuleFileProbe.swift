import NodeModel
import Support

/// Finds the file that `modprobe nvidia` loads for a kernel, and reads its version and license.
struct ModuleFileProbe {
    let root: HostRoot
    let commands: HostCommands?

    /// Debian's packages use the second name, with an alias.
    private static let stems = ["nvidia.ko", "nvidia-current.ko"]
    private static let compressions = ["", ".xz", ".zst", ".gz"]
    /// The directories that distributions and NVIDIA's installer use, in depmod's order of preference.
    private static let places = ["updates/dkms", "updates", "extra", "extra/nvidia", "kernel/drivers/video", "misc"]

    func read(kernelRelease: Reading<String>) async -> Reading<ModuleFile> {
        let place = await offPool { kernelRelease.flatMap { find($0) } }
        guard case .present(let text) = place, let path = HostPath(absolute: text) else {
            return place.flatMap { _ in .absent }
        }
        if path.lastComponent.hasSuffix(".ko") { return await offPool { readSection(path) } }
        return await askHost(path)
    }

    /// Reads the module of a kernel without a command on the host; absent when its file is compressed.
    func readUncompressed(_ release: String) -> Reading<ModuleFile> {
        find(release).flatMap { text in
            guard text.hasSuffix(".ko"), let path = HostPath(absolute: text) else { return .absent }
            return readSection(path)
        }
    }

    /// The real path of the module's file.
    func find(_ release: String) -> Reading<String> {
        reading { () throws(HostError) in
            let modules = try HostPath("/lib/modules").entry(release)
            let listed = try root.text(modules.appending("modules.dep"), limit: 8 << 20).flatMap(Self.parseDependencies)
            let names = Self.stems.flatMap { stem in Self.compressions.map { stem + $0 } }
            let guesses = Self.places.flatMap { place in names.map { "\(place)/\($0)" } }
            for candidate in (listed.map { [$0] } ?? []) + guesses {
                let path = try (candidate.hasPrefix("/") ? .root : modules).descendant(candidate)
                if let found = try root.resolve(path) { return found.text }
            }
            return nil
        }
    }

    /// The path of the module in `modules.dep`, which is the text before a colon.
    ///
    /// It may be relative or absolute.
    static func parseDependencies(_ text: String) -> String? {
        let paths = text.split(separator: "\n").compactMap { $0.split(separator: ":").first }
        for stem in stems {
            let names = Set(compressions.map { stem + $0 })
            if let path = paths.first(where: { names.contains(String($0.split(separator: "/").last ?? "")) }) {
                return String(path)
            }
        }
        return nil
    }

    /// The kernel module type by the module's license: `Dual MIT/GPL` is open, `NVIDIA` is proprietary.
    static func kernelModuleType(license: String) -> KernelModuleType? {
        switch license {
        case "Dual MIT/GPL": .open
        case "NVIDIA": .proprietary
        default: nil
        }
    }

    private func readSection(_ path: HostPath) -> Reading<ModuleFile> {
        do {
            guard let file = try root.openFile(path) else { return .absent }
            let info = try ModuleInfo { try file.read(at: $0, count: $1) }
            return facts(path, version: info.fields["version"], license: info.fields["license"])
        } catch let error as HostError {
            return .unreadable(ReadFailure(error))
        } catch let error as MessageError {
            return .unreadable(ReadFailure(.malformed, "\(path): \(errorChain(error))"))
        } catch {
            return .unreadable(ReadFailure(.io, "\(path): \(errorChain(error))"))
        }
    }

    /// Reads a compressed module with the host's own `modinfo`.
    private func askHost(_ path: HostPath) async -> Reading<ModuleFile> {
        guard let commands else {
            let why = "cannot read the compressed module \(path): the agent cannot run modinfo on the host"
            return .unreadable(ReadFailure(.command, why))
        }
        func field(_ name: String) async throws(HostError) -> String {
            try await commands.run(["modinfo", "-F", name, path.text], deadline: .seconds(20)).output.trimmed
        }
        do throws(HostError) {
            return facts(path, version: try await field("version"), license: try await field("license"))
        } catch { return .unreadable(ReadFailure(error)) }
    }

    private func facts(_ path: HostPath, version: String?, license: String?) -> Reading<ModuleFile> {
        guard let version, DriverVersion(version) != nil,
            let kernelModuleType = Self.kernelModuleType(license: license ?? "")
        else {
            let what = "version '\(version ?? "none")', license '\(license ?? "none")'"
            return .unreadable(ReadFailure(.malformed, "\(path): \(what)"))
        }
        return .present(ModuleFile(path: path.text, version: version, kernelModuleType: kernelModuleType))
    }
}
