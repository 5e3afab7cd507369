package import Documents
import Support

/// A file with named MIG layouts, in the format of NVIDIA's `nvidia-mig-parted` (version `v1`).
package struct MIGConfigFile: Sendable, Equatable {
    /// Which GPUs an entry is for, by NVML's index.
    package enum Devices: Sendable, Equatable {
        case all
        case indices([Int])
    }

    /// A PCI ID that an entry is for, in the form `0xDDDDVVVV`, with the subsystem's ID or without.
    package struct DeviceFilter: Sendable, Equatable {
        package var pciID: UInt32
        package var subsystemID: UInt32?
    }

    /// The layout of some GPUs.
    package struct Entry: Sendable, Equatable {
        package var place: DocumentPlace
        /// The kinds of GPUs; empty for all.
        package var filters: [DeviceFilter]
        package var devices: Devices
        package var isEnabled: Bool
        /// The MIG devices, with the number of each, in the order of the file.
        package var migDevices: [MIGDeviceCount]
    }

    /// The layouts by their names, in the order of the file.
    package var layouts: [(name: String, entries: [Entry])]

    /// The largest number of layouts in a file, of entries in a layout, of devices in an entry, and of MIG devices.
    static let limit = 256

    package static func == (left: MIGConfigFile, right: MIGConfigFile) -> Bool {
        left.layouts.map(\.name) == right.layouts.map(\.name)
            && left.layouts.map(\.entries) == right.layouts.map(\.entries)
    }

    /// Reads a file, or returns all its problems.
    package static func read(_ document: DocumentNode) -> Result<MIGConfigFile, DocumentProblems> {
        var reader = DocumentReader()
        let file = reader.migConfigFile(document)
        return reader.problems.isEmpty ? .success(file) : .failure(DocumentProblems(reader.problems))
    }

    /// Selects the layout to use.
    ///
    /// - Parameter name: The name of the layout; nil selects the only layout of a file.
    /// - Returns: The name and the entries of the layout.
    /// - Throws: `MIGSelectionError` when the file has no such layout, or several and none is named.
    package func selected(_ name: String?) throws(MIGSelectionError) -> (name: String, entries: [Entry]) {
        guard let name else {
            guard layouts.count == 1, let only = layouts.first else { throw .ambiguous(layouts.map(\.name)) }
            return only
        }
        guard let layout = layouts.first(where: { $0.name == name }) else {
            throw .unknown(name, layouts.map(\.name))
        }
        return layout
    }
}

/// How many MIG devices of a kind a GPU should have.
package struct MIGDeviceCount: Sendable, Equatable {
    package var profile: MIGProfileName
    package var count: Int

    package init(_ profile: MIGProfileName, _ count: Int) {
        (self.profile, self.count) = (profile, count)
    }
}

/// Why no layout of a file can be selected.
package enum MIGSelectionError: CausedError, Sendable, Equatable {
    case unknown(String, [String])
    case ambiguous([String])
    /// The standard layouts are asked for, of which there are always several.
    case unnamed

    package var description: String {
        switch self {
        case .unknown(let name, let names):
            let near = nearest(to: name, in: names).map { "; did you mean '\($0)'?" } ?? "."
            return "the file has no layout '\(name)'\(near) It has: \(Self.list(names))"
        case .ambiguous(let names):
            return "the file has \(names.count) layouts: name one with --selected: \(Self.list(names))"
        case .unnamed: return "name a layout with --selected. 'gpu-agent mig list' prints the standard ones."
        }
    }

    package var cause: (any Error)? { nil }

    private static func list(_ names: [String]) -> String {
        names.prefix(50).joined(separator: ", ") + (names.count > 50 ? ", …" : "")
    }
}

extension DocumentReader {
    fileprivate mutating func migConfigFile(_ node: DocumentNode) -> MIGConfigFile {
        var file = MIGConfigFile(layouts: [])
        guard let fields = fields(node, of: "the MIG configuration", known: ["version", "mig-configs"]) else {
            return file
        }
        if let version = required(fields, "version") {
            _ = value(version, "version", form: "v1, the only version that this agent reads") {
                $0 == "v1" ? $0 : nil
            }
        }
        guard let layouts = required(fields, "mig-configs") else { return file }
        guard case .mapping(let entries) = layouts.content, !entries.isEmpty else {
            report("mig-configs must be a mapping of names to lists", at: layouts)
            return file
        }
        guard entries.count <= MIGConfigFile.limit else {
            report("mig-configs has more than \(MIGConfigFile.limit) layouts", at: layouts)
            return file
        }
        for entry in entries {
            guard let name = text(entry.key, "the name of a layout") else { continue }
            if file.layouts.contains(where: { $0.name == name }) {
                report("duplicate key '\(name)' in mig-configs", at: entry.key)
                continue
            }
            let nodes = items(entry.value, of: "mig-configs.\(name)")
            if nodes.isEmpty || nodes.count > MIGConfigFile.limit {
                report("mig-configs.\(name) needs 1 to \(MIGConfigFile.limit) entries", at: entry.value)
            }
            let read = nodes.prefix(MIGConfigFile.limit).enumerated().compactMap { index, node in
                migEntry(node, "mig-configs.\(name)[\(index)]")
            }
            file.layouts.append((name, read))
        }
        return file
    }

    private mutating func migEntry(_ node: DocumentNode, _ path: String) -> MIGConfigFile.Entry? {
        let known = ["device-filter", "devices", "mig-enabled", "mig-devices"]
        guard let fields = fields(node, of: path, known: known) else { return nil }
        let filters = fields["device-filter"].map { migFilters($0, "\(path).device-filter") } ?? []
        let devices = required(fields, "devices").flatMap { migIndices($0, "\(path).devices") }
        let isEnabled = required(fields, "mig-enabled").flatMap { boolean($0, "\(path).mig-enabled") }
        let counts = fields["mig-devices"].map { migCounts($0, "\(path).mig-devices") } ?? []
        if isEnabled == true, fields["mig-devices"] == nil {
            report("\(path) needs 'mig-devices', because mig-enabled is true; '{}' means none", at: node)
        }
        if isEnabled == false, let devices = fields["mig-devices"], !counts.isEmpty {
            report("\(path) must not have MIG devices, because mig-enabled is false", at: devices)
        }
        guard let devices, let isEnabled else { return nil }
        return MIGConfigFile.Entry(
            place: node.place,
            filters: filters,
            devices: devices,
            isEnabled: isEnabled,
            migDevices: counts
        )
    }

    private mutating func migFilters(_ node: DocumentNode, _ path: String) -> [MIGConfigFile.DeviceFilter] {
        var nodes = [node]
        if case .sequence(let items) = node.content { nodes = items }
        return nodes.prefix(MIGConfigFile.limit).compactMap { node in
            value(node, path, form: "a PCI ID such as 0x233010DE, or 0x2BB510DE:0x204E10DE with the subsystem") {
                text in
                let words = text.split(separator: ":", omittingEmptySubsequences: false).map { word -> UInt32? in
                    guard word.hasPrefix("0x") || word.hasPrefix("0X"), (1...8).contains(word.count - 2) else {
                        return nil
                    }
                    return UInt32(word.dropFirst(2), radix: 16)
                }
                guard let first = words.first ?? nil, words.count <= 2, !words.contains(nil) else { return nil }
                return MIGConfigFile.DeviceFilter(pciID: first, subsystemID: words.count == 2 ? words[1] : nil)
            }
        }
    }

    private mutating func migIndices(_ node: DocumentNode, _ path: String) -> MIGConfigFile.Devices? {
        if node.isPlain("all") { return .all }
        if case .scalar("all", quoted: true) = node.content { return .all }
        guard case .sequence(let items) = node.content, items.count <= MIGConfigFile.limit else {
            report("\(path) must be 'all' or a list of at most \(MIGConfigFile.limit) indices of GPUs", at: node)
            return nil
        }
        var indices: [Int] = []
        for item in items {
            let index = value(item, path, form: "the index of a GPU, such as 0") { text in
                Int(text).flatMap { (0..<1024).contains($0) ? $0 : nil }
            }
            guard let index else { continue }
            if indices.contains(index) { report("\(path) names the GPU \(index) twice", at: item) }
            indices.append(index)
        }
        return .indices(indices)
    }

    private mutating func migCounts(_ node: DocumentNode, _ path: String) -> [MIGDeviceCount] {
        guard case .mapping(let entries) = node.content, entries.count <= MIGConfigFile.limit else {
            report("\(path) must be a mapping of profiles to numbers", at: node)
            return []
        }
        var counts: [MIGDeviceCount] = []
        for entry in entries {
            let form = "a MIG profile such as 1g.10gb, 1g.10gb+me or 1c.3g.40gb"
            guard let name = value(entry.key, "a key of \(path)", form: form, MIGProfileName.init) else { continue }
            if counts.contains(where: { $0.profile == name }) {
                report("duplicate key '\(name)' in \(path)", at: entry.key)
                continue
            }
            let count = value(entry.value, "\(path).\(name)", form: "a number of MIG devices from 0 to 64") { text in
                Int(text).flatMap { (0...64).contains($0) ? $0 : nil }
            }
            if let count, count > 0 { counts.append(MIGDeviceCount(name, count)) }
        }
        return counts
    }
}
