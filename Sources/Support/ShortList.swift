/// Joins names for people, and counts those beyond the first few: `A, B, C and 5 more`.
package func shortList(_ names: [String], limit: Int = 4) -> String {
    // "and 1 more" is no shorter than the name.
    guard names.count > limit + 1 else { return names.joined(separator: ", ") }
    return "\(names.prefix(limit).joined(separator: ", ")) and \(names.count - limit) more"
}

/// Groups texts that are equal for several subjects, in the order of the first subject of each.
package func grouped(_ items: [(subject: String, text: String)]) -> [(subjects: [String], text: String)] {
    var groups: [(subjects: [String], text: String)] = []
    for item in items {
        if let index = groups.firstIndex(where: { $0.text == item.text }) {
            groups[index].subjects.append(item.subject)
        } else {
            groups.append(([item.subject], item.text))
        }
    }
    return groups
}
