import NodeModel
import Support

/// The labels of the Node that select a pool of the configuration, and who hears of their changes.
struct SelectionWatch: Sendable {
    /// The keys of these labels; empty without pools.
    let keys: Set<String>
    /// The labels as last read, also when the Node cannot be read now; nil without pools, and before the first read.
    private(set) var selected: SelectedLabels?
    private var bell: Bell?

    init(keys: Set<String>) {
        self.keys = keys
    }

    /// Rings the bell now, and whenever one of the labels changes; it takes the place of an earlier bell.
    mutating func ring(_ bell: Bell) {
        self.bell = bell
        bell.ring()
    }

    /// Takes the labels of a Node that was read.
    mutating func note(_ labels: [String: String]) {
        guard !keys.isEmpty else { return }
        let new = SelectedLabels(of: labels, keys: keys)
        guard new != selected else { return }
        selected = new
        bell?.ring()
    }
}
