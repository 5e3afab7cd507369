import NodeModel

/// Finds the programs of the driver that run in the background, their units and their processes.
///
/// It asks no systemd: the GPU Operator runs these programs in a container, and a person can start one without a unit.
struct DriverProgramProbe {
    let root: HostRoot

    /// The directories in which systemd looks for units, in its order.
    static let unitDirectories: [HostPath] = [
        "/etc/systemd/system", "/run/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system",
    ]

    private static let programDirectories: [HostPath] = ["/usr/bin", "/usr/sbin"]

    /// The programs by name; nil when the files cannot be read.
    func read() -> [String: DriverProgram]? {
        let running = runningPrograms()
        var programs: [String: DriverProgram] = [:]
        do throws(HostError) {
            for program in DriverService.Program.allCases {
                var found = DriverProgram(
                    path: try first(program.rawValue, in: Self.programDirectories, followLink: true),
                    // A masked unit is a link to a device, and a unit can be a link to a file that does not exist.
                    unitFile: try first(program.unit, in: Self.unitDirectories, followLink: false),
                    isRunning: running.map { $0.contains(program) }
                )
                if let unit = found.unitFile, try isMasked(HostPath(stringLiteral: unit)) { found.isMasked = true }
                programs[program.rawValue] = found
            }
        } catch { return nil }
        return programs
    }

    /// Whether the file of a unit is a link to something that is no file, such as `/dev/null`.
    private func isMasked(_ unit: HostPath) throws(HostError) -> Bool {
        guard try root.status(unit, followLink: false)?.kind == .link else { return false }
        return try root.status(unit, followLink: true).map { $0.kind != .file } ?? false
    }

    /// The path of a file in the first directory that has it.
    private func first(_ name: String, in directories: [HostPath], followLink: Bool) throws(HostError) -> String? {
        for path in directories.map({ $0.appending(name) }) {
            if try root.status(path, followLink: followLink) != nil { return path.text }
        }
        return nil
    }

    /// The programs that have a process; nil when the processes cannot be seen, as in a copied tree.
    ///
    /// Without a loaded driver, none of them has work, and the agent does not look.
    private func runningPrograms() -> Set<DriverService.Program>? {
        guard (try? root.isDirectory("/sys/module/nvidia")) == true,
            let names = try? root.list("/proc"), names.contains("1")
        else { return nil }
        var running: Set<DriverService.Program> = []
        for name in names where name.utf8.allSatisfy({ UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }) {
            let directory = HostPath("/proc").appending(name)
            // A process can end at any moment.
            guard let command = try? root.text(directory.appending("comm"))?.trimmed,
                let program = DriverService.Program.allCases.first(where: { $0.processName == command }),
                let stat = try? root.text(directory.appending("stat")), !Self.hasEnded(stat)
            else { continue }
            running.insert(program)
        }
        return running
    }

    /// The driver version in what a program prints: `Fabric Manager version is : 580.105.08`, or `IMEX version is:
    /// 580.105.08`.
    static func version(in output: String) -> String? {
        output.split { !($0.isNumber || $0 == ".") }.map(String.init).first { DriverVersion($0) != nil }
    }

    /// Whether a process has ended and only its parent has not noticed (`Z` and `X` in `/proc/PID/stat`).
    static func hasEnded(_ stat: String) -> Bool {
        guard let end = stat.lastIndex(of: ")") else { return true }
        return stat[stat.index(after: end)...].trimmed.first.map { "ZX".contains($0) } ?? true
    }
}
