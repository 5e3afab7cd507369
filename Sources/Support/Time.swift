extension Duration {
    /// The duration in seconds, with their fraction; exact to about 15 digits.
    package var seconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
}
