extension Duration {
    /// The duration in seconds, including the fraction of a second.
    package var seconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
}
