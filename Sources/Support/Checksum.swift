/// The checksum that a file must have.
package struct Checksum: Codable, Sendable, Equatable, CustomStringConvertible {
    package enum Algorithm: String, Codable, Sendable {
        case sha256, sha512

        /// The number of hexadecimal digits in a checksum.
        package var hexLength: Int { self == .sha256 ? 64 : 128 }
    }

    package var algorithm: Algorithm
    /// Lower-case hexadecimal.
    package var hex: String

    package init(_ algorithm: Algorithm, _ hex: String) {
        self.algorithm = algorithm
        self.hex = hex.lowercased()
    }

    package var description: String { "\(algorithm.rawValue):\(hex)" }
}
