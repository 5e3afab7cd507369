import Documents
import NodeModel
import Support

extension DocumentReader {
    mutating func driver(_ node: DocumentNode) -> CatalogDriver? {
        let known = [
            "version", "kind", "platform", "architecture", "kernelModuleTypes", "channel", "kernels", "systems",
            "fabricManager", "fabricManagerArchive", "vgpuRelease", "artifact", "replace",
        ]
        guard let fields = fields(node, of: "a driver", known: known) else { return nil }
        let version = required(fields, "version").flatMap {
            value($0, "version", form: "a driver version such as 580.105.08", DriverVersion.init)
        }
        let kind: DriverKind? = required(fields, "kind").flatMap { choice($0, "kind") }
        let platform = fields["platform"].flatMap { text($0, "platform") }
        let architecture: Architecture? = required(fields, "architecture").flatMap { choice($0, "architecture") }
        let kernelModuleTypes = kernelModuleTypes(fields)
        let channel: DriverChannel? = fields["channel"].flatMap { choice($0, "channel") }
        let kernels = fields["kernels"].flatMap { self.kernels($0) }
        let systems = fields["systems"].map { self.systems($0) } ?? []
        let fabricManager = fields["fabricManager"].flatMap { boolean($0, "fabricManager") }
        let archive = fields["fabricManagerArchive"].flatMap { self.artifact($0) }
        let release = fields["vgpuRelease"].flatMap { node in
            value(node, "vgpuRelease", form: "a vGPU release such as 20.2") { text in
                let parts = text.split(separator: ".", omittingEmptySubsequences: false)
                return parts.count <= 2 && parts.allSatisfy { isDigits($0, radix: 10) } ? text : nil
            }
        }
        let artifact = required(fields, "artifact").flatMap { self.artifact($0) }
        if kind == .datacenter, let node = fields["platform"] {
            report("remove 'platform': a datacenter driver works on every platform", at: node)
        }
        guard let version, let kind, let architecture, let artifact else { return nil }
        return CatalogDriver(
            version: version,
            kind: kind,
            platform: platform,
            architecture: architecture,
            kernelModuleTypes: kernelModuleTypes,
            channel: channel,
            kernels: kernels,
            systems: systems,
            fabricManager: fabricManager,
            fabricManagerArchive: archive,
            vgpuRelease: release,
            artifact: artifact
        )
    }

    /// Reads the kernels that a driver supports: `{min: "5.4", max: "6.8"}`.
    ///
    /// One of the two may be missing.
    private mutating func kernels(_ node: DocumentNode) -> KernelRange? {
        guard let fields = fields(node, of: "kernels", known: ["min", "max"]) else { return nil }
        if fields["min"] == nil, fields["max"] == nil { report("kernels needs 'min' or 'max'", at: node) }
        let first = fields["min"].flatMap { kernel($0, "min") }
        let last = fields["max"].flatMap { kernel($0, "max") }
        if let first, let last, first.compared(to: last) > 0 {
            report("min \(first) is greater than max \(last)", at: node)
        }
        return KernelRange(first: first, last: last)
    }

    private mutating func kernel(_ node: DocumentNode, _ what: String) -> KernelVersion? {
        value(node, what, form: "a kernel version such as 6.8") { text in
            // A limit consists of numbers alone. The rest of `6.8.0-1044-azure` would have no effect.
            KernelVersion(text).flatMap { $0.description == text ? $0 : nil }
        }
    }

    private mutating func systems(_ node: DocumentNode) -> [SystemRule] {
        let items = items(node, of: "systems")
        if case .sequence = node.content, items.isEmpty { report("systems must name at least one system", at: node) }
        return items.compactMap {
            value(
                $0,
                "a system",
                form: "an os-release ID, with or without a version, such as ubuntu 22.04",
                SystemRule.init
            )
        }
    }

    private mutating func artifact(_ node: DocumentNode) -> Artifact? {
        guard let fields = fields(node, of: "an artifact", known: ["urls", "sha256", "sha512", "size"]) else {
            return nil
        }
        let urls = required(fields, "urls").map { items($0, of: "urls") } ?? []
        if let node = fields["urls"], case .sequence = node.content, urls.isEmpty {
            report("urls must name at least one URL", at: node)
        }
        let addresses = urls.compactMap { node in
            value(node, "a URL", form: "an http or https URL that ends in a file name", Self.url)
        }
        let digests = [Checksum.Algorithm.sha256, .sha512].compactMap { algorithm in
            fields[algorithm.rawValue].flatMap { digest($0, algorithm) }
        }
        let size = fields["size"].flatMap { integer($0, "size") }
        if fields["sha256"] != nil, let second = fields["sha512"] {
            report("give only one checksum, either sha256 or sha512", at: second)
        }
        guard !addresses.isEmpty else { return nil }
        return Artifact(urls: addresses, digest: digests.first, size: size)
    }

    private mutating func digest(_ node: DocumentNode, _ algorithm: Checksum.Algorithm) -> Checksum? {
        let form = "\(algorithm.hexLength) hexadecimal digits"
        return value(node, algorithm.rawValue, form: form) { text in
            guard text.utf8.count == algorithm.hexLength, isDigits(text, radix: 16) else { return nil }
            return Checksum(algorithm, text.lowercased())
        }
    }

    /// The text itself, when it is a URL whose last path component is a safe file name; otherwise nil.
    private static func url(_ text: String) -> String? {
        let scheme = ["https://", "http://"].first(where: text.hasPrefix)
        guard let scheme, text.utf8.count < 2048, text.utf8.allSatisfy({ (0x21...0x7e).contains($0) }) else {
            return nil
        }
        let path = text.dropFirst(scheme.count).prefix { $0 != "?" }
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count > 1, let host = parts.first, !host.isEmpty, let name = parts.last else { return nil }
        // The text is ASCII, so each byte is a character.
        let safe = name.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                true
            default: "._-+".utf8.contains(byte)
            }
        }
        return safe && !name.isEmpty && !name.hasPrefix(".") ? text : nil
    }
}
