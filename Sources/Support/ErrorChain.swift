/// An error that says what could not be done, and keeps the error that caused it.
///
/// `description` covers this layer alone: the operation and its subject, in lower case and without a period. It never
/// repeats `cause`, because `errorChain(_:)` prints both.
package protocol CausedError: Error, CustomStringConvertible {
    /// The error of the layer below; nil at the end of the chain.
    var cause: (any Error)? { get }
}

/// An error that is known by its text alone, such as a message that a program printed.
package struct MessageError: CausedError, Sendable, Equatable {
    package let description: String

    package var cause: (any Error)? { nil }

    package init(_ description: String) {
        self.description = description
    }
}

/// An error and all its causes, each printed once: `cannot open /x: No such file or directory`.
///
/// It removes the secrets of URLs, because other libraries put URLs into their errors too. It puts errors of Swift's
/// standard library into plain words. Targets that call other libraries translate the errors of those libraries
/// themselves, before they become a cause.
package func errorChain(_ error: any Error) -> String {
    var layers: [String] = []
    var next: (any Error)? = error
    while let current = next {
        layers.append(plainText(of: current))
        next = (current as? any CausedError)?.cause
    }
    return redacted(layers.joined(separator: ": "))
}

private func plainText(of error: any Error) -> String {
    switch error {
    case let error as any CausedError: error.description
    case let error as DecodingError: error.plainText
    case let error as EncodingError: error.plainText
    case is CancellationError: "the operation was canceled"
    default: "\(error)"
    }
}
