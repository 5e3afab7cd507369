import NodeModel
import Support

/// Finds device nodes that the loaded driver offers and that do not exist, and device nodes without a link.
struct DeviceGapProbe {
    let root: HostRoot

    /// The most files of capabilities that are read: 8 GPUs have fewer than a thousand.
    private static let capabilityLimit = 2000

    /// Adds what is missing to `found`, as far as it can be read.
    func read(into found: inout DriverSurroundings) {
        found.missingNodes = try? missingNodes()
        guard let links = try? links() else { return }
        found.links = links.existing
        found.nodesWithoutLink = links.missing
    }

    /// The missing nodes; nil when the driver is not loaded, or when nobody can or may create them.
    private func missingNodes() throws(HostError) -> [String]? {
        let programs: [HostPath] = ["/usr/bin/nvidia-modprobe", "/usr/sbin/nvidia-modprobe"]
        guard let information = try root.list("/proc/driver/nvidia/gpus"),
            root.firstExisting(programs).value != nil
        else { return nil }
        // With NVreg_ModifyDeviceFiles=0, nvidia-modprobe creates nothing: an administrator does.
        let parameters = SurroundingsProbe.parse(try root.text("/proc/driver/nvidia/params") ?? "")
        guard parameters["NVreg_ModifyDeviceFiles"] != "0" else { return nil }
        var names: [String] = []
        for gpu in information {
            let file = try HostPath("/proc/driver/nvidia/gpus").entry(gpu).appending("information")
            if let minor = Self.value("Device Minor", in: try root.text(file) ?? "") { names.append("nvidia\(minor)") }
        }
        if try root.isDirectory("/sys/module/nvidia_uvm") { names.append("nvidia-uvm-tools") }
        // Without this node, Vulkan works for no program.
        if try root.isDirectory("/sys/module/nvidia_modeset") { names.append("nvidia-modeset") }
        for file in try capabilities() {
            guard let text = try root.text(file), Self.value("DeviceFileModify", in: text) != 0,
                let minor = Self.value("DeviceFileMinor", in: text)
            else { continue }
            names.append("nvidia-caps/nvidia-cap\(minor)")
        }
        var missing: [String] = []
        for name in Set(names) where try !root.exists(HostPath("/dev").appending(name)) { missing.append(name) }
        return missing.sorted()
    }

    /// The files of the capabilities, which are a few directories deep.
    private func capabilities() throws(HostError) -> [HostPath] {
        var directories: [HostPath] = ["/proc/driver/nvidia/capabilities"]
        var files: [HostPath] = []
        while let directory = directories.popLast() {
            for name in try root.list(directory) ?? [] {
                let path = try directory.entry(name)
                if try root.isDirectory(path) { directories.append(path) } else { files.append(path) }
            }
            if files.count + directories.count > Self.capabilityLimit { break }
        }
        return Array(files.prefix(Self.capabilityLimit))
    }

    /// The number after a name and a colon; nil when the text has no such line.
    static func value(_ name: String, in text: String) -> UInt32? {
        for line in text.split(whereSeparator: \.isNewline) {
            guard let colon = line.firstIndex(of: ":"), line[..<colon].trimmed == name else { continue }
            return UInt32(line[line.index(after: colon)...].trimmed)
        }
        return nil
    }

    /// The links in `/dev/char` to device nodes of the driver, and the nodes without one; nil without this directory.
    private func links() throws(HostError) -> (existing: [String], missing: [String])? {
        guard try root.isDirectory("/dev/char") else { return nil }
        var existing: [String] = []
        var missing: [String] = []
        for name in try nodes() {
            guard let node = try root.status(HostPath("/dev").appending(name)), node.kind == .characterDevice,
                let device = node.device
            else { continue }
            let link = try HostPath("/dev/char").entry("\(device.major):\(device.minor)")
            if try root.status(link)?.device == device {
                existing.append(link.lastComponent)
            } else {
                missing.append(name)
            }
        }
        return (existing.sorted(), missing.sorted())
    }

    /// The names of all files that can be device nodes of the driver.
    private func nodes() throws(HostError) -> [String] {
        var names = (try root.list("/dev") ?? []).filter { $0.hasPrefix("nvidia") }
        for directory in ["nvidia-caps", "nvidia-caps-imex-channels"] {
            names += (try root.list(HostPath("/dev").appending(directory)) ?? []).map { "\(directory)/\($0)" }
        }
        return Array(names.prefix(ListLimit.usual))
    }
}
