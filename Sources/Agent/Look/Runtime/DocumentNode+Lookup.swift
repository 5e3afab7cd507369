import Documents

/// Lookups in documents of other programs, of which the agent needs only some values.
extension DocumentNode {
    /// The value of a key; nil when the node is no mapping or has no such key.
    subscript(key: String) -> DocumentNode? {
        guard case .mapping(let entries) = content else { return nil }
        return entries.first { $0.key.text == key }?.value
    }

    var items: [DocumentNode] {
        guard case .sequence(let items) = content else { return [] }
        return items
    }

    var text: String? {
        guard case .scalar(let text, quoted: _) = content else { return nil }
        return text
    }
}
