/// A number in lower-case hexadecimal, padded with zeros on the left.
///
/// - Parameters:
///   - number: The number, zero or greater.
///   - digits: The least number of digits.
/// - Returns: The digits, without a prefix.
package func hex(_ number: some BinaryInteger, digits: Int) -> String {
    var rest = UInt64(truncatingIfNeeded: number)
    let count = max(digits, (64 - rest.leadingZeroBitCount + 3) / 4)
    return String(unsafeUninitializedCapacity: count) { bytes in
        for index in (0..<count).reversed() {
            let digit = UInt8(rest & 0xf)
            bytes[index] = digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10
            rest >>= 4
        }
        return count
    }
}

/// Whether a text consists of ASCII digits only.
///
/// Swift's own parsing of numbers is not strict enough for files: it also accepts a sign, as in `+1`.
///
/// - Parameters:
///   - text: The text.
///   - radix: 10 for decimal digits, 16 for hexadecimal ones.
/// - Returns: False for an empty text.
@inlinable
package func isDigits(_ text: some StringProtocol, radix: UInt8) -> Bool {
    !text.isEmpty
        && text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0") < radix
            case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10 < radix
            case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10 < radix
            default: false
            }
        }
}
