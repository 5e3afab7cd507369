import NodeModel
import Support

/// Finds the file that `modprobe nvidia` loads for a kernel, and reads its version, its license and its kernel.
struct ModuleFileProbe {
    let root: HostRoot
    let commands: HostCommands?

    /// Debian's packages use the second name, with an alias.
    private static let stems = ["nvidia.ko", "nvidia-current.ko"]
    private static let compressions = ["", ".xz", ".zst", ".gz"]
    /// The directories that distributions and NVIDIA's installer use, in depmod's order of preference.
    private static let places = ["updates/dkms", "updates", "extra", "extra/nvidia", "kernel/drivers/video", "misc"]

    func read(kernelRelease: Reading<String>) async -> Reading<ModuleFile> {
        guard let release = kernelRelease.value else { return kernelRelease.flatMap { _ in .absent } }
        let place = await offPool { find(release) }
        guard case .present(let text) = place, let path = HostPath(absolute: text) else {
            return place.flatMap { _ in .absent }
        }
        if path.lastComponent.hasSuffix(".ko") { return await offPool { readSection(path, of: release) } }
        return await askHost(path, of: release)
    }

    /// Reads the module of a kernel without a command on the host; skipped when its file is compressed.
    func readUncompressed(_ release: String) -> Reading<ModuleFile> {
        find(release).flatMap { text in
            guard text.hasSuffix(".ko"), let path = HostPath(absolute: text) else {
                return .skipped("the file is compressed")
            }
            return readSection(path, of: release)
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

    /// The kernel that a module in the directory of a kernel was built for; nil when it is this one, or not known.
    ///
    /// It is the first word of `vermagic`. On Red Hat and SUSE, `weak-modules` puts a link to a module of an earlier
    /// kernel into the directory of a later one that can load it. The file itself is not in that directory.
    static func otherKernel(_ vermagic: String?, _ path: HostPath, than release: String) -> String? {
        guard let built = vermagic?.split(separator: " ").first.map(String.init), built != release,
            path.text.contains("/modules/\(release)/")
        else { return nil }
        return built
    }

    private func readSection(_ path: HostPath, of release: String) -> Reading<ModuleFile> {
        do {
            guard let file = try root.openFile(path) else { return .absent }
            let info = try ModuleInfo { try file.read(at: $0, count: $1) }
            return facts(path, of: release, info.fields)
        } catch let error as HostError {
            return .unreadable(ReadFailure(error))
        } catch let error as MessageError {
            return .unreadable(ReadFailure(.malformed, "\(path): \(errorChain(error))"))
        } catch {
            return .unreadable(ReadFailure(.io, "\(path): \(errorChain(error))"))
        }
    }

    /// Reads a compressed module with the host's own `modinfo`.
    private func askHost(_ path: HostPath, of release: String) async -> Reading<ModuleFile> {
        guard let commands else {
            let why = "cannot read the compressed module \(path): the agent cannot run modinfo on the host"
            return .unreadable(ReadFailure(.command, why))
        }
        var fields: [String: String] = [:]
        do throws(HostError) {
            for name in ["version", "license", "vermagic"] {
                let command = ["modinfo", "-F", name, path.text]
                fields[name] = try await commands.run(command, deadline: .seconds(20)).output.trimmed
            }
        } catch { return .unreadable(ReadFailure(error)) }
        return facts(path, of: release, fields)
    }

    /// What the fields of a module say; absent when it is for another kernel, which refuses to load it.
    private func facts(
        _ path: HostPath,
        of release: String,
        _ fields: [String: String]
    ) -> Reading<ModuleFile> {
        guard let version = fields["version"], DriverVersion(version) != nil,
            let kernelModuleType = Self.kernelModuleType(license: fields["license"] ?? "")
        else {
            let what = "version '\(fields["version"] ?? "none")', license '\(fields["license"] ?? "none")'"
            return .unreadable(ReadFailure(.malformed, "\(path): \(what)"))
        }
        if let other = Self.otherKernel(fields["vermagic"], path, than: release) {
            return .absentBecause("\(path) is for the kernel \(other)")
        }
        return .present(ModuleFile(path: path.text, version: version, kernelModuleType: kernelModuleType))
    }
}
