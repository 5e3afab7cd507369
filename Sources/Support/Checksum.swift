/// A checksum that a file must have.
package struct Checksum: Codable, Sendable, Equatable, CustomStringConvertible {
    package enum Algorithm: String, Codable, Sendable {
        case sha256, sha512

        /// How many hexadecimal digits a checksum has.
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
