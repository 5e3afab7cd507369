/// The parameters of the driver's kernel modules that the operator asks for, by the name of the module.
package struct ModuleParameters: Codable, Sendable, Equatable {
    /// The values by module (`nvidia`) and parameter (`NVreg_EnablePCIERelaxedOrderingMode`).
    package var modules: [String: [String: String]]

    package init(_ modules: [String: [String: String]] = [:]) {
        self.modules = modules.filter { !$0.value.isEmpty }
    }

    /// The modules that a driver of this agent has.
    package static let knownModules = ["nvidia", "nvidia-uvm", "nvidia-modeset", "nvidia-peermem"]

    /// The file that `modprobe` reads.
    package static let path = "/etc/modprobe.d/gpu-agent-parameters.conf"

    package var isEmpty: Bool { modules.isEmpty }

    /// The content of the file.
    package var text: String {
        let lines = modules.sorted { $0.key < $1.key }.map { module, values in
            let words = values.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
            return "options \(module) \(words.joined(separator: " "))\n"
        }
        return "\(OwnFile.mark) the module parameters of its configuration (driver.moduleParameters).\n"
            + lines.joined()
    }

    /// Reads the lines of the file; lines of another form are left out.
    package init(lines: [String]) {
        var modules: [String: [String: String]] = [:]
        for line in lines {
            let words = line.split(separator: " ")
            guard words.count > 2, words[0] == "options" else { continue }
            for word in words.dropFirst(2) {
                let parts = word.split(separator: "=", maxSplits: 1)
                guard parts.count == 2 else { continue }
                modules[String(words[1]), default: [:]][String(parts[0])] = String(parts[1])
            }
        }
        self.init(modules)
    }

    /// The parameters that the loaded modules have with another value, as clauses, sorted.
    ///
    /// - Parameter inForce: The values of the loaded modules. A parameter that it lacks is not compared.
    /// - Returns: `NVreg_EnableMSI of nvidia is 1 instead of 0` for each difference.
    package func differences(from inForce: [String: [String: String]]) -> [String] {
        modules.sorted { $0.key < $1.key }.flatMap { module, values in
            values.sorted { $0.key < $1.key }.compactMap { name, value in
                guard let current = inForce[module]?[name], !Self.isSame(value, current) else { return nil }
                return "\(name) of \(module) is \(current.isEmpty ? "empty" : current) instead of \(value)"
            }
        }
    }

    /// Whether two values are the same for the kernel, which prints a number as an unsigned decimal number, and a
    /// truth value as `Y` or `N`.
    private static func isSame(_ left: String, _ right: String) -> Bool {
        if left == right { return true }
        if let left = number(left), let right = number(right) { return left == right }
        let truths = ["Y": true, "y": true, "1": true, "N": false, "n": false, "0": false]
        return truths[left].map { $0 == truths[right] } ?? false
    }

    private static func number(_ text: String) -> UInt32? {
        let digits = text.lowercased()
        if digits.hasPrefix("0x") { return UInt32(digits.dropFirst(2), radix: 16) }
        return UInt32(digits) ?? Int32(digits).map { UInt32(bitPattern: $0) }
    }
}

/// The files of the system that the agent writes around a driver.
package enum OwnFile {
    /// The beginning of the first line, by which the agent recognizes its own files.
    package static let mark = "# gpu-agent:"
    /// The rule of udev that creates the device nodes of the driver.
    package static let deviceRule = "/etc/udev/rules.d/71-gpu-agent.rules"
    /// The unit of `nvidia-persistenced`, which NVIDIA's installer does not write.
    package static let persistenceUnit = "/etc/systemd/system/nvidia-persistenced.service"

    /// The file from which systemd loads the kernel module `ib_umad` at boot.
    package static let managementInterface = "/etc/modules-load.d/gpu-agent.conf"
    /// The blacklist of other drivers for the GPUs.
    package static let blacklist = "/etc/modprobe.d/gpu-agent.conf"

    /// The lines of a text, as facts have them: facts contain no line breaks.
    package static func lines(_ text: String) -> [String] { text.split(separator: "\n").map(String.init) }
}
