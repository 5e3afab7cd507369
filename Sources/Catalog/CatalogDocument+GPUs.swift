import Documents
import NodeModel
import Support

extension DocumentReader {
    mutating func gpu(_ node: DocumentNode) -> CatalogGPU? {
        let known = [
            "id", "name", "architecture", "memoryMiB", "subsystems", "kernelModuleTypes", "minBranch", "maxBranch",
            "maxWorkstationBranch", "migProfiles", "mmioGiB", "fabricManager", "replace",
        ]
        guard let fields = fields(node, of: "a GPU", known: known) else { return nil }
        let id = required(fields, "id").flatMap { pciID($0, "id") }
        let name = required(fields, "name").flatMap { text($0, "name") }
        let architecture = required(fields, "architecture").flatMap { text($0, "architecture") }
        let subsystems = items(fields["subsystems"], of: "subsystems").compactMap { pciID($0, "a subsystem") }
        let kernelModuleTypes = kernelModuleTypes(fields)
        let (minBranch, maxBranch) = branches(fields)
        let workstation = fields["maxWorkstationBranch"].flatMap { integer($0, "maxWorkstationBranch") }
        let memory = fields["memoryMiB"].flatMap { integer($0, "memoryMiB") }
        let profiles = items(fields["migProfiles"], of: "migProfiles").compactMap { node in
            value(node, "a profile", form: "a MIG profile such as 1g.10gb") { isMIGProfile($0) ? $0 : nil }
        }
        let mmio = fields["mmioGiB"].flatMap { integer($0, "mmioGiB") }
        let fabric: FabricManagerRule? = fields["fabricManager"].flatMap { choice($0, "fabricManager") }
        guard let id, let name, let architecture else { return nil }
        return CatalogGPU(
            id: id,
            name: name,
            architecture: architecture,
            memoryMiB: memory,
            subsystems: subsystems,
            kernelModuleTypes: kernelModuleTypes,
            minBranch: minBranch,
            maxBranch: maxBranch,
            maxWorkstationBranch: workstation,
            migProfiles: profiles,
            mmioGiB: mmio,
            fabricManager: fabric
        )
    }

    /// Reads an item of `vgpuTypes`, which is either a single type or the list of types of a card.
    mutating func vgpuTypes(_ node: DocumentNode) -> [(type: CatalogVGPUType, node: DocumentNode)] {
        let isGroup: Bool
        if case .mapping(let entries) = node.content {
            isGroup = entries.contains { $0.key.isPlain("types") }
        } else {
            isGroup = false
        }
        let single = ["device", "subsystem", "name", "kernelModuleTypes", "minBranch", "maxBranch", "replace"]
        let group = ["device", "kernelModuleTypes", "minBranch", "maxBranch", "types", "replace"]
        guard let fields = fields(node, of: "a vGPU type", known: isGroup ? group : single) else { return [] }
        let device = required(fields, "device").flatMap { hexID($0, "device") }
        let names = isGroup ? typeNames(fields) : typeName(fields).map { [$0] } ?? []
        let kernelModuleTypes = kernelModuleTypes(fields)
        let (minBranch, maxBranch) = branches(fields)
        guard let device else { return [] }
        return names.map { subsystem, name, place in
            let key = VGPUTypeKey(device: device, subsystemDevice: subsystem)
            return (
                CatalogVGPUType(
                    key: key,
                    name: name,
                    kernelModuleTypes: kernelModuleTypes,
                    minBranch: minBranch,
                    maxBranch: maxBranch
                ),
                isGroup ? place : node
            )
        }
    }

    private typealias TypeName = (subsystem: UInt16, name: String, node: DocumentNode)

    private mutating func typeName(_ fields: Fields) -> TypeName? {
        let subsystem = required(fields, "subsystem").flatMap { hexID($0, "subsystem") }
        let name = required(fields, "name").flatMap { text($0, "name") }
        guard let subsystem, let name else { return nil }
        return (subsystem, name, fields.node)
    }

    /// Reads the types of a card, which map subsystem device IDs to names.
    private mutating func typeNames(_ fields: Fields) -> [TypeName] {
        guard let node = fields["types"] else { return [] }
        guard case .mapping(let entries) = node.content, !entries.isEmpty else {
            report("types must be a mapping of subsystem device IDs to names", at: node)
            return []
        }
        return entries.compactMap { entry in
            let subsystem = hexID(entry.key, "a subsystem")
            let name = text(entry.value, "a type's name")
            guard let subsystem, let name else { return nil }
            return (subsystem, name, entry.key)
        }
    }

    private mutating func branches(_ fields: Fields) -> (first: Int?, last: Int?) {
        let first = fields["minBranch"].flatMap { integer($0, "minBranch") }
        let last = fields["maxBranch"].flatMap { integer($0, "maxBranch") }
        if let first, let last, first > last {
            report("minBranch \(first) is greater than maxBranch \(last)", at: fields.node)
        }
        return (first, last)
    }

    mutating func platform(_ node: DocumentNode) -> CatalogPlatform? {
        let known = ["name", "systemVendor", "chassisAssetTag", "vgpuHosts", "also", "replace"]
        guard let fields = fields(node, of: "a platform", known: known) else { return nil }
        let name = required(fields, "name").flatMap { text($0, "name") }
        let vendor = fields["systemVendor"].flatMap { text($0, "systemVendor") }
        let tag = fields["chassisAssetTag"].flatMap { text($0, "chassisAssetTag") }
        if fields["systemVendor"] == nil, fields["chassisAssetTag"] == nil {
            report("a platform needs 'systemVendor' or 'chassisAssetTag'", at: node)
        }
        let hosts = fields["vgpuHosts"].map { vgpuHosts($0) } ?? [:]
        let also = items(fields["also"], of: "also").compactMap { firmwareRule($0) }
        guard let name else { return nil }
        return CatalogPlatform(name: name, systemVendor: vendor, chassisAssetTag: tag, vgpuHosts: hosts, also: also)
    }

    /// Reads an additional rule of a platform, such as `{systemVendor: Xen, productVersion: "*.amazon"}`.
    private mutating func firmwareRule(_ node: DocumentNode) -> FirmwareRule? {
        let all = FirmwareRule.Field.allCases
        guard let fields = fields(node, of: "a rule of a platform", known: all.map(\.rawValue)) else { return nil }
        var patterns: [FirmwareRule.Field: String] = [:]
        for field in all {
            if let node = fields[field.rawValue] { patterns[field] = text(node, field.rawValue) }
        }
        if patterns.count < 2 { report("a rule of a platform needs at least two fields", at: node) }
        return FirmwareRule(patterns)
    }

    /// Reads the vGPU releases of a cloud's hosts, by the device ID of the card.
    private mutating func vgpuHosts(_ node: DocumentNode) -> [UInt16: Int] {
        guard case .mapping(let entries) = node.content, !entries.isEmpty else {
            report("vgpuHosts must be a mapping of device IDs to vGPU releases", at: node)
            return [:]
        }
        var hosts: [UInt16: Int] = [:]
        for entry in entries {
            let device = hexID(entry.key, "a device")
            let release = integer(entry.value, "a vGPU release")
            guard let device, let release else { continue }
            if hosts.updateValue(release, forKey: device) != nil {
                report("duplicate device '\(hex(device, digits: 4))' in vgpuHosts", at: entry.key)
            }
        }
        return hosts
    }

    /// Reads the list `kernelModuleTypes`, which must have at least one item.
    mutating func kernelModuleTypes(_ fields: Fields) -> [KernelModuleType] {
        guard let node = required(fields, "kernelModuleTypes") else { return [] }
        let items = items(node, of: "kernelModuleTypes")
        if case .sequence = node.content, items.isEmpty {
            report("kernelModuleTypes must name at least one type", at: node)
        }
        return items.compactMap { choice($0, "a kernel module type") }
    }

    private mutating func pciID(_ node: DocumentNode, _ what: String) -> PCIID? {
        value(node, what, form: "a pair of PCI IDs such as 10de:2bb5", PCIID.init)
    }

    private mutating func hexID(_ node: DocumentNode, _ what: String) -> UInt16? {
        value(node, what, form: "four hexadecimal digits") { text in
            text.utf8.count == 4 && isDigits(text, radix: 16) ? UInt16(text, radix: 16) : nil
        }
    }
}

/// Whether a text has the form of a MIG profile: `4g.96gb`, `1g.24gb+gfx`.
private func isMIGProfile(_ text: String) -> Bool {
    let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2, parts[0].hasSuffix("g"), isDigits(parts[0].dropLast(), radix: 10) else { return false }
    let memory = parts[1].prefix { $0.isNumber }
    guard isDigits(memory, radix: 10), parts[1][memory.endIndex...].hasPrefix("gb") else { return false }
    let rest = parts[1][memory.endIndex...].dropFirst(2)
    return rest.isEmpty || "+-".contains(rest.first ?? " ")
}
