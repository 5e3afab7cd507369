/// A number in lower-case hexadecimal, padded with zeros on the left.
package func hex(_ number: some BinaryInteger, digits: Int) -> String {
    let text = String(number, radix: 16)
    return String(repeating: "0", count: max(0, digits - text.count)) + text
}

/// Whether a text consists of ASCII digits only.
///
/// Swift's own parsing of numbers is not strict enough for files: it also accepts a sign, as in `+1`.
package func isDigits(_ text: some StringProtocol, radix: Int) -> Bool {
    !text.isEmpty && text.unicodeScalars.allSatisfy { $0.isASCII && (Character($0).hexDigitValue ?? radix) < radix }
}
