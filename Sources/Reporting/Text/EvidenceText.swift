import Selection

/// Evidence as text for users, with one line for each statement.
enum EvidenceText {
    /// Returns one line for each statement; the same statement about several PCI functions becomes one line.
    static func lines(_ evidence: [Evidence]) -> [String] {
        var rows: [(source: String, statement: String, count: Int)] = []
        for item in evidence {
            let isFunction = item.source.hasPrefix("pci ")
            if isFunction, let index = rows.firstIndex(where: { $0.statement == item.statement }) {
                rows[index].count += 1
            } else {
                rows.append((item.source, item.statement, 1))
            }
        }
        let sources = rows.map { $0.count == 1 ? $0.source : "\($0.source) and \($0.count - 1) more" }
        let width = sources.map(\.count).max() ?? 0
        return zip(sources, rows).map { "\(padded($0, width))  \($1.statement)" }
    }
}
