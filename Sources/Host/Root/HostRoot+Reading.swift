package import NodeModel
import Support
import SystemPackage

extension ReadFailure {
    /// Classifies an error on the host.
    ///
    /// The detail is the whole error chain.
    package init(_ error: HostError) {
        let detail = errorChain(error)
        switch error {
        case .file(_, _, .permissionDenied), .file(_, _, .notPermitted), .root(_, .permissionDenied):
            self.init(.permission, detail)
        case .malformed: self.init(.malformed, detail)
        case .newer: self.init(.newer, detail)
        case .commandNotStarted, .commandFailed, .commandCancelled: self.init(.command, detail)
        case .commandDeadline, .jobDeadline, .waitCancelled: self.init(.hang, detail)
        case .root, .noRootedOpen, .file, .notAFile, .notOwn, .tooLarge, .outsideRoot, .jobRunning, .lockHeld:
            self.init(.io, detail)
        }
    }
}

/// Turns the result of a read into a fact: nil is absent, an error is unreadable.
package func reading<Value>(_ read: () throws(HostError) -> Value?) -> Reading<Value> {
    do throws(HostError) {
        guard let value = try read() else { return .absent }
        return .present(value)
    } catch { return .unreadable(ReadFailure(error)) }
}

extension HostRoot {
    /// A fact from a small text file, without leading and trailing white space.
    package func reading(_ path: HostPath) -> Reading<String> {
        Host.reading { () throws(HostError) in try text(path).map(\.trimmed) }
    }

    /// A fact from a text file.
    ///
    /// When `parse` returns nil, the file is unreadable (`malformed`), not absent.
    package func reading<Value>(_ path: HostPath, parse: (String) -> Value?) -> Reading<Value> {
        reading(path).flatMap { text in
            parse(text).map(Reading.present) ?? .unreadable(ReadFailure(.malformed, "\(path): '\(text.prefix(200))'"))
        }
    }

    /// The first of these paths that exists and fits; symbolic links in it are not resolved.
    package func firstExisting(
        _ paths: [HostPath],
        where fits: (HostFileStatus) -> Bool = { _ in true }
    ) -> Reading<String> {
        Host.reading { () throws(HostError) in
            for path in paths {
                if let status = try status(path), fits(status) { return path.text }
            }
            return nil
        }
    }
}

extension StringProtocol {
    /// The text without leading and trailing white space.
    package var trimmed: String {
        guard let first = firstIndex(where: { !$0.isWhitespace }), let last = lastIndex(where: { !$0.isWhitespace })
        else { return "" }
        return String(self[first...last])
    }
}
