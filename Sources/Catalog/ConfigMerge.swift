import Documents

/// Lays the settings of a pool over the settings of the top level.
///
/// Every value keeps its place in the file, so that each problem and each explanation names the line where the value is.
enum ConfigMerge {
    /// The document of a pool: the top level without the pools, with the settings of one pool over it.
    static func document(_ document: DocumentNode, with settings: DocumentNode) -> DocumentNode {
        guard case .mapping(let entries) = document.content else { return document }
        let top = entries.filter { $0.key.text != ConfigPool.key }
        return merged(DocumentNode(.mapping(top), at: document.place), with: settings, below: [])
    }

    /// A value of the top level with the value of the pool over it.
    ///
    /// Mappings are merged key by key. Everything else is replaced: a list too, because nobody could remove an entry.
    private static func merged(_ base: DocumentNode, with over: DocumentNode, below path: [String]) -> DocumentNode {
        guard case .mapping(let old) = base.content, case .mapping(let new) = over.content else { return over }
        var entries = old
        var positions: [String: Int] = [:]
        for (index, entry) in old.enumerated().reversed() {
            if let key = entry.key.text { positions[normal(key, below: path)] = index }
        }
        for entry in new {
            // A key that is not a string, or that comes twice, stays in the list, so that it is reported.
            guard let key = entry.key.text.map({ normal($0, below: path) }),
                let index = positions.removeValue(forKey: key)
            else {
                entries.append(entry)
                continue
            }
            let value = merged(entries[index].value, with: entry.value, below: path + [key])
            entries[index] = DocumentNode.Entry(key: entry.key, value: value)
        }
        return DocumentNode(.mapping(entries), at: path.isEmpty ? base.place : over.place)
    }

    /// The key as it is compared: PCI IDs can be in upper or lower case.
    private static func normal(_ key: String, below path: [String]) -> String {
        path == ["gpus"] ? key.lowercased() : key
    }
}

extension DocumentNode {
    /// The text of a scalar; nil for a list or a mapping.
    var text: String? {
        guard case .scalar(let text, _) = content else { return nil }
        return text
    }

    /// The first value with this key; nil when the node is not a mapping, or has no such key.
    func value(_ key: String) -> DocumentNode? {
        guard case .mapping(let entries) = content else { return nil }
        return entries.first { $0.key.text == key }?.value
    }
}
