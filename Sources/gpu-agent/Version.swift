extension Version {
    /// The version of this build.
    ///
    /// `scripts/version --set` changes it, here and where manifests and documents repeat it.
    static let text = "0.1.0"
}
