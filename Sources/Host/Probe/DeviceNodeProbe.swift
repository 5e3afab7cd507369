import NodeModel
import Support

/// Reads the driver's device nodes in the host's `/dev`, and tells which of them lead to the driver.
struct DeviceNodeProbe {
    let root: HostRoot

    /// The usable device nodes, and what is wrong with each other file of such a name, as a clause.
    func read() -> (nodes: Reading<[String]>, unusable: [String: String]) {
        var unusable: [String: String] = [:]
        let nodes: Reading<[String]> = reading { () throws(HostError) in
            guard let names = try root.list("/dev") else { return nil }
            let majors = Self.majors(in: try root.text("/proc/devices") ?? "")
            var nodes: [String] = []
            for name in names where name.hasPrefix("nvidia") {
                guard let status = try root.status(HostPath("/dev").entry(name)), status.kind != .directory else {
                    continue
                }
                if let fault = Self.fault(of: name, status.kind, status.device, majors) {
                    unusable[name] = fault
                } else {
                    nodes.append(name)
                }
            }
            return nodes
        }
        return (nodes, unusable)
    }

    /// What is wrong with a file of the name of a device node; nil when it is such a node.
    ///
    /// Without a loaded driver of NVIDIA in `majors`, no number is compared.
    static func fault(
        of name: String,
        _ kind: HostFileStatus.Kind,
        _ device: HostFileStatus.DeviceNumbers?,
        _ majors: [String: Set<UInt32>]
    ) -> String? {
        guard kind == .characterDevice, let device else { return "is not a device node" }
        let nvidia = majors.filter { $0.key.hasPrefix("nvidia") }
        guard !nvidia.isEmpty else { return nil }
        // nvidia-uvm gets another number with each load of its module.
        let own = name.hasPrefix("nvidia-uvm") ? nvidia["nvidia-uvm"] ?? [] : nvidia.values.reduce([]) { $0.union($1) }
        if own.contains(device.major) { return nil }
        let list = own.sorted().map { "\($0)" }.joined(separator: ", ")
        let expected = own.isEmpty ? "no loaded kernel module has" : "the kernel module has \(list)"
        return "has the major device number \(device.major), and \(expected)" + (own.isEmpty ? " it" : "")
    }

    /// The major numbers of each driver of character devices in `/proc/devices`.
    static func majors(in text: String) -> [String: Set<UInt32>] {
        var majors: [String: Set<UInt32>] = [:]
        for line in text.split(whereSeparator: \.isNewline) {
            if line.hasPrefix("Block devices") { break }
            let words = line.split(separator: " ")
            guard words.count == 2, let major = UInt32(words[0]) else { continue }
            majors[String(words[1]), default: []].insert(major)
        }
        return majors
    }
}
