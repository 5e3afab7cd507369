import Support

/// An absolute path on the host, as a process on the host would write it.
///
/// In the agent's container it means nothing by itself: only a `HostRoot` can open it. Repeated slashes, `.` and a
/// trailing slash are removed. `..` is kept, because its meaning depends on the symbolic links before it.
package struct HostPath: Hashable, Sendable {
    /// The path as text, beginning with a slash.
    package let text: String

    /// The host's root directory.
    package static let root: HostPath = "/"

    /// Nil when the text is not an absolute path or contains a NUL character.
    package init?(absolute text: String) {
        guard text.hasPrefix("/"), !text.utf8.contains(0) else { return nil }
        self.text = Self.tidy(text)
    }

    /// The path of a file below this directory, for a relative path that is written in the source code.
    ///
    /// A leading slash does not make it absolute. For names that come from a file or a directory, use `entry(_:)` and
    /// `descendant(_:)`.
    package func appending(_ relative: String) -> HostPath {
        precondition(!relative.utf8.contains(0), "a path cannot contain a NUL character")
        return HostPath(tidy: "\(text)/\(relative)")
    }

    /// The path of an entry of this directory, for a name that comes from outside.
    ///
    /// - Throws: `malformed` when the text is not a valid file name, for example `..`.
    package func entry(_ name: String) throws(HostError) -> HostPath {
        guard !name.isEmpty, name != ".", name != "..", !name.utf8.contains(0), !name.utf8.contains(UInt8(ascii: "/"))
        else {
            throw .malformed(self, cause: MessageError("'\(name.visible.shortened(to: 200))' is not a valid file name"))
        }
        return HostPath(tidy: "\(text)/\(name)")
    }

    /// The path of a file below this directory, for a relative path that comes from outside.
    ///
    /// - Throws: `malformed` when a component is not a valid file name, for example `..`.
    package func descendant(_ relative: String) throws(HostError) -> HostPath {
        var path = self
        for name in relative.split(separator: "/") { path = try path.entry(String(name)) }
        return path
    }

    /// The parent directory; the root is its own parent.
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

extension HostPath: ExpressibleByStringLiteral {
    package init(stringLiteral text: String) {
        precondition(text.hasPrefix("/"), "a path on the host must be absolute")
        self.init(tidy: text)
    }
}

extension HostPath: CustomStringConvertible {
    package var description: String { text }
}
