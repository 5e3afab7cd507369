/// Where the agent takes the driver from.
package enum PackageSource: Codable, Sendable, Equatable {
    /// A directory of the host, by its absolute path.
    ///
    /// The agent makes no connection for the package.
    case directory(String)
    /// NVIDIA's package, from the URLs of the catalog.
    case runfile
    /// The packages of the distribution with prebuilt kernel modules, and nothing else.
    case packages
    /// The packages of the distribution when they fit, and otherwise NVIDIA's package.
    case auto

    /// The directory; nil for every other source.
    package var directory: String? {
        if case .directory(let path) = self { path } else { nil }
    }

    /// Reads the value of `driver.source`: `runfile`, `packages`, `auto` or `file:///mnt/drivers`.
    ///
    /// Nil for anything else, such as a relative path, another host (`file://server/drivers`), and the root directory.
    package init?(_ text: String) {
        let words: [String: PackageSource] = ["runfile": .runfile, "packages": .packages, "auto": .auto]
        if let word = words[text] {
            self = word
            return
        }
        let prefix = "file:///"
        guard text.hasPrefix(prefix), let path = Self.decoded(text.dropFirst(prefix.count)) else { return nil }
        let names = path.split(separator: "/")
        let isClean = names.allSatisfy { $0 != "." && $0 != ".." } && !path.unicodeScalars.contains { $0.value < 0x20 }
        guard isClean, !names.isEmpty else { return nil }
        self = .directory("/" + names.joined(separator: "/"))
    }

    /// A text with its percent-encoded bytes decoded; nil when it has a query, a fragment or a wrong encoding.
    private static func decoded(_ text: Substring) -> String? {
        guard !text.contains(where: { $0 == "?" || $0 == "#" }) else { return nil }
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            let digits = String(decoding: rest.prefix(2), as: UTF8.self)
            guard rest.count >= 2, digits.allSatisfy(\.isHexDigit), let value = UInt8(digits, radix: 16) else {
                return nil
            }
            bytes.append(value)
            rest = rest.dropFirst(2)
        }
        return String(validating: bytes, as: UTF8.self)
    }
}
