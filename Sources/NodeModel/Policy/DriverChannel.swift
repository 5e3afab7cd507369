/// What NVIDIA makes a branch for.
package enum DriverChannel: String, Codable, Sendable, CaseIterable {
    case production
    /// Long-term support.
    case lts
    case newFeature = "new-feature"
}
