/// An error with all that lie below it, each said once: `cannot open /x: no such file`.
package func errorChain(_ error: any Error) -> String {
    var parts: [String] = []
    var next: (any Error)? = error
    while let current = next {
        parts.append("\(current)")
        next = (current as? any CausedError)?.cause
    }
    return parts.joined(separator: ": ")
}

/// An error that knows the one below it.
package protocol CausedError: Error {
    var cause: (any Error)? { get }
}
