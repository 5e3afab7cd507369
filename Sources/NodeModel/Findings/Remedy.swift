/// What to do about a finding.
///
/// The text is a sentence such as "Install gcc on the host: the build of the kernel modules needs it." When one command
/// is enough, `command` contains it, so that programs do not have to search the text for it.
package struct Remedy: Sendable, Equatable {
    /// What to do, as a sentence; empty when there is nothing to do.
    package var text: String
    /// The command to run on the node; nil unless one command is the whole remedy.
    package var command: String?
    /// More information, as a path in the documentation or a URL.
    package var link: String?

    package init(_ text: String, command: String? = nil, link: String? = nil) {
        self.text = text
        self.command = command
        self.link = link
    }

    /// No action is necessary.
    package static let none = Remedy("")

    /// Let the agent install or load the driver.
    package static let install = Remedy("Run 'gpu-agent install'.", command: "gpu-agent install")

    /// Run a command first, and then let the agent install or load the driver.
    package static func install(after command: String, _ text: String) -> Remedy {
        Remedy("\(text), then run 'gpu-agent install'.", command: "\(command) && gpu-agent install")
    }

    /// Whether the remedy ends with an install.
    ///
    /// Then it replaces the remedy `install`, which is the same or not enough.
    package var endsWithInstall: Bool { command?.hasSuffix("gpu-agent install") ?? false }

    /// What to do about a GPU that fell off the bus.
    package static let lostGPU: Remedy = """
        Read the kernel log (dmesg) and look for Xid 79 and the address. Reboot the node or power it off and on. \
        If the GPU is lost again, check its power supply and that it is seated correctly, or replace it.
        """

    /// What to do about a file of the host that the agent did not read.
    ///
    /// Root rights help when access was denied. They do not help when a file or a device is broken.
    ///
    /// - Parameter failure: Why it could not be read; nil when the agent did not try, or when the file does not exist.
    /// - Returns: To run the agent as root, or to read the kernel log.
    package static func reading(_ failure: ReadFailure?) -> Remedy {
        switch failure?.reason {
        case .permission, nil: "Run the agent as root with the host's root directory mounted (--host-root)."
        default: "Read the kernel log (dmesg) and look for errors about this file."
        }
    }

    /// What to do about a fact of the host without which the agent cannot go on.
    ///
    /// - Parameters:
    ///   - fact: The reading, which has no value.
    ///   - files: The files that have the fact, as in "/proc/version". A copied tree can lack them.
    /// - Returns: To provide the file, or what `reading` returns.
    package static func missing<Value>(_ fact: Reading<Value>, in files: String) -> Remedy {
        guard fact.isAbsent else { return .reading(fact.failure) }
        return """
            Make sure that the root directory of the host (--host-root) has \(files). A copy of a host needs it, too.
            """
    }

    package var isEmpty: Bool { text.isEmpty && command == nil }
}

extension Remedy: ExpressibleByStringInterpolation {
    package init(stringLiteral value: String) { self.init(value) }
}

extension Remedy: CustomStringConvertible {
    package var description: String { text }
}
