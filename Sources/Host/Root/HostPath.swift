/// An absolute path on the host, as the host itself would write it.
///
/// It means nothing on our side of the container: only a `HostRoot` can open it. Repeated slashes, `.` and a slash at
/// the end are dropped; `..` is kept, because what it means is decided by the links before it.
package struct HostPath: Hashable, Sendable {
    /// The path as text, beginning with a slash.
    package let text: String

    /// The host's root directory.
    package static let root: HostPath = "/"

    /// Nil when the text is not absolute or holds a NUL.
    package init?(absolute text: String) {
        guard text.hasPrefix("/"), !text.utf8.contains(0) else { return nil }
        self.text = Self.tidy(text)
    }

    /// The path of something below this one.
    ///
    /// `relative` has one or more components, and is our own text; a slash at its beginning does not make it absolute.
    /// For what was read somewhere there are `entry(_:)` and `descendant(_:)`.
    package func appending(_ relative: String) -> HostPath {
        precondition(!relative.utf8.contains(0), "a path cannot hold a NUL")
        return HostPath(tidy: "\(text)/\(relative)")
    }

    /// The path of an entry of this directory, for a name that was read somewhere.
    ///
    /// A text that is no name of a file, `..` among them, is `malformed`.
    package func entry(_ name: String) throws(HostError) -> HostPath {
        guard !name.isEmpty, name != ".", name != "..", !name.utf8.contains(0), !name.utf8.contains(UInt8(ascii: "/"))
        else { throw .malformed(self, cause: Complaint("'\(name.visible)' is no name of a file")) }
        return HostPath(tidy: "\(text)/\(name)")
    }

    /// The path of something below this one, for a relative path that was read somewhere.
    ///
    /// One with a component that is no name of a file, `..` among them, is `malformed`.
    package func descendant(_ relative: String) throws(HostError) -> HostPath {
        var path = self
        for name in relative.split(separator: "/") { path = try path.entry(String(name)) }
        return path
    }

    /// The directory this path names an entry of; the root's is the root.
    package var parent: HostPath {
        HostPath(tidy: String(text[..<(text.lastIndex(of: "/") ?? text.startIndex)]))
    }

    /// The entry's name; empty for the root.
    package var lastComponent: String {
        String(text[(text.lastIndex(of: "/").map(text.index(after:)) ?? text.startIndex)...])
    }

    private init(tidy text: String) {
        self.text = Self.tidy(text)
    }

    private static func tidy(_ text: String) -> String {
        "/" + text.split(separator: "/").filter { $0 != "." }.joined(separator: "/")
    }
}

extension String {
    /// The first of it, with what a terminal would not show replaced.
    fileprivate var visible: String {
        String(prefix(200).map { $0.unicodeScalars.contains { $0.value < 32 || $0.value == 127 } ? "\u{fffd}" : $0 })
    }
}

extension HostPath: ExpressibleByStringLiteral {
    package init(stringLiteral text: String) {
        precondition(text.hasPrefix("/"), "a path on the host is absolute")
        self.init(tidy: text)
    }
}

extension HostPath: CustomStringConvertible {
    package var description: String { text }
}
