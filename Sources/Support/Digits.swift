/// A number in lower-case hexadecimal, padded with zeros on the left.
package func hex(_ number: some BinaryInteger, digits: Int) -> String {
    let text = String(number, radix: 16)
    return String(repeating: "0", count: max(0, digits - text.count)) + text
}

/// Whether a text is nothing but ASCII digits: Swift's own parsing of numbers also takes a sign.
package func isDigits(_ text: some StringProtocol, radix: Int) -> Bool {
    !text.isEmpty && text.unicodeScalars.allSatisfy { $0.isASCII && (Character($0).hexDigitValue ?? radix) < radix }
}
