import Support

/// A driver version, which has two or three numbers: `580.105.08`.
///
/// Versions are ordered by their numbers. Versions that differ in leading zeros alone are ordered by their text.
package struct DriverVersion: Sendable, Hashable, LosslessStringConvertible {
    package let description: String
    /// The numbers in order: the branch, the minor number and, in most versions, a patch number.
    package let numbers: [Int]

    /// Nil when the text is not a driver version.
    package init?(_ text: String) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        let numbers = parts.compactMap { part in isDigits(part, radix: 10) ? UInt32(part).map(Int.init) : nil }
        guard (2...3).contains(parts.count), numbers.count == parts.count else { return nil }
        description = text
        self.numbers = numbers
    }

    /// The driver branch: 580 for `580.105.08`.
    package var branch: Int { numbers[0] }
}

extension DriverVersion: Comparable {
    package static func < (left: DriverVersion, right: DriverVersion) -> Bool {
        guard left.numbers == right.numbers else { return left.numbers.lexicographicallyPrecedes(right.numbers) }
        return left.description < right.description
    }
}

extension DriverVersion: Codable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let version = DriverVersion(text) else {
            throw DecodingError.dataCorruptedError(
                in: container,
                debugDescription: "'\(text)' is not a driver version such as 580.105.08"
            )
        }
        self = version
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
