/// The channel: NVIDIA's purpose for a driver branch.
package enum DriverChannel: String, Codable, Sendable, CaseIterable {
    /// A branch for production use.
    case production
    /// A long-term support branch.
    case lts
    /// A branch with new features and a short life.
    case newFeature = "new-feature"
}
