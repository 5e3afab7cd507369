/// What to do about a finding.
///
/// A remedy is for people first: `text` is a sentence such as "Install gcc on the host." Where one command does it, the
/// command is a field of its own, so that no code has to look for it in the text.
package struct Remedy: Sendable, Equatable {
    /// The next action in words; empty when there is nothing to do.
    package var text: String
    /// The command to type on the node, when one command is the whole remedy.
    package var command: String?
    /// Where to read more, as a path in the documentation or a URL.
    package var link: String?

    package init(_ text: String, command: String? = nil, link: String? = nil) {
        self.text = text
        self.command = command
        self.link = link
    }

    /// Nothing has to be done.
    package static let none = Remedy("")

    /// The agent itself installs or loads the driver.
    package static let install = Remedy("Run 'gpu-agent install'.", command: "gpu-agent install")

    package var isEmpty: Bool { text.isEmpty && command == nil }
}

extension Remedy: ExpressibleByStringInterpolation {
    package init(stringLiteral value: String) { self.init(value) }
}

extension Remedy: CustomStringConvertible {
    package var description: String { text }
}
