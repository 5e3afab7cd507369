import NodeModel
import Support

/// Reads what is around the driver on the host.
struct SurroundingsProbe {
    let root: HostRoot

    /// The most bytes of a file that the agent writes around a driver.
    private static let fileLimit = 512 << 10
    /// The most names of files that are listed.
    private static let nameLimit = 64

    func read() -> DriverSurroundings {
        var found = DriverSurroundings()
        let paths = [
            OwnFile.blacklist, ModuleParameters.path, OwnFile.persistenceUnit, LicenseFiles.configuration,
            OwnFile.deviceRule, OwnFile.managementInterface,
        ]
        for path in paths {
            let text = try? root.text(HostPath(stringLiteral: path), limit: Self.fileLimit)
            if let text, text.hasPrefix(OwnFile.mark) { found.ownFiles[path] = OwnFile.lines(text) }
        }
        found.foreignFiles = paths.filter { found.ownFiles[$0] == nil && isThere($0) }.sorted()
        found.stateFiles = try? root.list(HostPath(stringLiteral: HostLayout.state))?.sorted().prefix(Self.nameLimit)
            .map(\.self)
        if let lines = found.ownFiles[ModuleParameters.path] {
            found.parametersInForce = inForce(ModuleParameters(lines: lines))
        }
        found.hasUdevRules = try? root.isDirectory("/etc/udev/rules.d")
        found.hasSystemd = try? root.isDirectory("/run/systemd/system")
        found.hasPersistenceUser = (try? root.text("/etc/passwd"))?.split(whereSeparator: \.isNewline)
            .contains { $0.hasPrefix("nvidia-persistenced:") }
        found.programs = DriverProgramProbe(root: root).read()
        found.fabric = FabricProbe(root: root).read()
        found.license = LicenseProbe(root: root).read(
            hasOwnConfiguration: found.ownFiles[LicenseFiles.configuration] != nil
        )
        DeviceGapProbe(root: root).read(into: &found)
        return found
    }

    /// Whether something is in this place, also a link that leads nowhere; true when the agent cannot tell.
    ///
    /// It then leaves alone what can be there.
    private func isThere(_ path: String) -> Bool {
        do throws(HostError) { return try root.status(HostPath(stringLiteral: path), followLink: false) != nil } catch {
            return true
        }
    }

    /// The values that the loaded modules have for these parameters.
    ///
    /// The module nvidia hides its parameters in `/sys/module`, and prints most of them in `/proc/driver/nvidia/params`.
    private func inForce(_ parameters: ModuleParameters) -> [String: [String: String]] {
        var values: [String: [String: String]] = [:]
        for (module, wanted) in parameters.modules {
            let printed = module == "nvidia" ? printedParameters() : [:]
            guard let directory = try? HostPath("/sys/module").entry(module.replacing("-", with: "_")) else { continue }
            for name in wanted.keys {
                let value = printed[name] ?? text(directory.appending("parameters"), name)
                if let value { values[module, default: [:]][name] = value }
            }
        }
        return values
    }

    private func text(_ directory: HostPath, _ name: String) -> String? {
        guard let path = try? directory.entry(name), let text = try? root.text(path) else { return nil }
        return text.trimmed
    }

    private func printedParameters() -> [String: String] {
        Self.parse((try? root.text("/proc/driver/nvidia/params")) ?? "")
    }

    /// The parameters in `/proc/driver/nvidia/params` by the names that the module accepts.
    ///
    /// A line is `EnableMSI: 1` or `RegistryDwords: "a=1;b=2"`. The module's own name has the prefix `NVreg_`. Source:
    /// `nv-procfs.c` and `nv-reg.h` of NVIDIA's open kernel modules, also for the one parameter with another name.
    static func parse(_ text: String) -> [String: String] {
        var values: [String: String] = [:]
        for line in text.split(whereSeparator: \.isNewline) {
            guard let colon = line.firstIndex(of: ":") else { continue }
            let name = line[..<colon].trimmed
            var value = line[line.index(after: colon)...].trimmed
            if value.count >= 2, value.first == "\"", value.last == "\"" {
                value = String(value.dropFirst().dropLast())
            }
            values[name == "RmProfilingAdminOnly" ? "NVreg_RestrictProfilingToAdminUsers" : "NVreg_\(name)"] = value
        }
        return values
    }
}
