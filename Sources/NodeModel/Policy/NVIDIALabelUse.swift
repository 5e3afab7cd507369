/// Who owns the labels of NVIDIA's GPU feature discovery on the Node, as `labels.nvidia` says.
package enum NVIDIALabelUse: String, Codable, Sendable, CaseIterable {
    /// The agent writes the labels that no other field manager owns.
    case auto
    /// The agent writes all labels, but for those that another field manager owns with another value.
    case always
    /// The agent writes none, and removes its own.
    case never
}
