import FoundationEssentials
package import Support

/// What the head of a response means for a download.
///
/// Every number and text in a head comes from a server that may be wrong or hostile, so this is where they are checked.
package enum DownloadAnswer: Sendable, Equatable {
    /// The whole file follows. Its size in bytes and its entity tag are nil when the server does not give them.
    case whole(size: Int?, tag: EntityTag?)
    /// A part of the file follows: the position of its first byte, and the size of the whole file.
    case part(first: Int?, size: Int?)
    /// A web page follows.
    case webPage
    case redirect(location: String?)
    /// The request may succeed later, after the given time if the server names one.
    case later(retryAfter: Duration?)
    case refused

    /// The largest size that a head can name, in bytes.
    package static let sizeLimit = 1 << 50

    /// - Parameters:
    ///   - status: The HTTP status.
    ///   - header: Returns the first value of a header, by its lower-case name.
    package init(status: Int, header: (String) -> String?) {
        switch status {
        case 200, 206:
            if header("content-type")?.lowercased().hasPrefix("text/html") == true {
                self = .webPage
            } else if status == 200 {
                let size = header("content-length").flatMap { wholeNumber($0, in: 0...Self.sizeLimit) }
                self = .whole(size: size, tag: header("etag").flatMap(EntityTag.init))
            } else {
                let range = header("content-range").flatMap(Self.range)
                self = .part(first: range?.first, size: range?.size)
            }
        case 301, 302, 303, 307, 308: self = .redirect(location: header("location"))
        case 408, 425, 429, 500...599:
            self = .later(retryAfter: header("retry-after").flatMap { Duration(retryAfter: $0) })
        default: self = .refused
        }
    }

    /// The first position and the total size of `bytes 100-199/200`; the total may be `*`.
    private static func range(_ text: String) -> (first: Int, size: Int?)? {
        guard text.hasPrefix("bytes ") else { return nil }
        let parts = text.dropFirst(6).split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2,
            let first = parts[0].split(separator: "-").first.flatMap({ wholeNumber($0, in: 0...sizeLimit) })
        else { return nil }
        let size = wholeNumber(parts[1], in: 0...sizeLimit)
        if let size, first >= size { return nil }
        return (first, size)
    }
}

/// A strong entity tag, which names one version of a file: `"5f8a-60b3"` (RFC 9110, section 8.8.3).
///
/// A weak tag does not promise equal bytes, so it is not a value of this type. The agent sends the tag back in a
/// header, so it has printable ASCII characters only, and at most 1024 of them.
package struct EntityTag: Sendable, Equatable {
    package let text: String

    package static let limit = 1024

    package init?(_ text: String) {
        let bytes = Array(text.utf8)
        guard (2...Self.limit).contains(bytes.count), bytes.first == 0x22, bytes.last == 0x22,
            bytes.dropFirst().dropLast().allSatisfy({ $0 == 0x21 || (0x23...0x7e).contains($0) })
        else { return nil }
        self.text = text
    }
}

/// The way from a URL to where its redirects lead.
package struct RedirectPath: Sendable {
    /// The most redirects that are followed.
    package static let limit = 10

    /// The URL to request now.
    package private(set) var url: String
    private var seen: Set<String>

    package init(_ url: String) {
        self.url = url
        seen = [url]
    }

    /// Follows a redirect to `location`, which can be relative.
    ///
    /// - Throws: What is wrong, when the redirect leads nowhere, to something other than HTTP, or in a circle.
    package mutating func follow(_ location: String?) throws(MessageError) {
        guard let location, !location.isEmpty else { throw MessageError("it names no URL") }
        let shown = "'\(redacted(location).visible.shortened(to: 200))'"
        guard let next = URL(string: location, relativeTo: URL(string: url))?.absoluteURL else {
            throw MessageError("\(shown) is not a URL")
        }
        guard let scheme = next.scheme?.lowercased(), ["http", "https"].contains(scheme) else {
            throw MessageError("\(shown) is not an http or https URL")
        }
        guard let host = next.host(percentEncoded: false), !host.isEmpty else {
            throw MessageError("\(shown) has no host")
        }
        guard seen.count <= Self.limit else { throw MessageError("there are more than \(Self.limit) redirects") }
        url = next.absoluteString
        guard seen.insert(url).inserted else { throw MessageError("the redirects form a loop") }
    }
}
