import NodeModel

/// Reads what a host has for NVLink beside the fabric manager and IMEX.
struct FabricProbe {
    let root: HostRoot

    /// The facts; nil when a file cannot be read, so that the agent changes nothing about it.
    func read() -> FabricSurroundings? {
        do throws(HostError) {
            let record = try root.readOwn(HostPath(stringLiteral: HostLayout.fabricManager), limit: 64 << 10)
            let nodes = try root.text(HostPath(stringLiteral: FabricSurroundings.imexNodesFile))
            return FabricSurroundings(
                archive: record.flatMap(Self.version),
                hasSubnetManager: try root.exists(HostPath(stringLiteral: FabricSurroundings.subnetManagerFile)),
                hasDiagnostics: try hasDiagnostics(),
                hasManagementInterface: try root.exists("/sys/module/ib_umad"),
                imexNodes: nodes.map(Self.addresses) ?? 0,
                imexChannels: try channels()
            )
        } catch { return nil }
    }

    private func hasDiagnostics() throws(HostError) -> Bool {
        if try root.exists("/usr/sbin/ibstat") { return true }
        return try root.exists("/usr/bin/ibstat")
    }

    private func channels() throws(HostError) -> Int {
        let directory = HostPath(stringLiteral: FabricSurroundings.imexChannelDirectory)
        guard try root.isDirectory(directory) else { return 0 }
        return try (root.list(directory) ?? []).count { $0.hasPrefix("channel") }
    }

    /// The version in the first line of the agent's list of files: `# fabricmanager 580.159.04`,
    /// or `incomplete` in its place.
    static func version(_ record: [UInt8]) -> String? {
        let words = String(decoding: record.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self).split(separator: " ")
        guard words.count == 3, words[1] == "fabricmanager" else { return nil }
        let version = String(words[2])
        return version == FabricSurroundings.incomplete || DriverVersion(version) != nil ? version : nil
    }

    /// The number of addresses in the configuration of IMEX: the lines that are neither empty nor comments.
    static func addresses(_ text: String) -> Int {
        text.split(whereSeparator: \.isNewline).count { line in
            let line = String(line).trimmed
            return !line.isEmpty && !line.hasPrefix("#")
        }
    }
}
