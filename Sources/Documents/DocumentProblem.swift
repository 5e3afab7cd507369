import Support

/// A mistake in a document, with its place.
package struct DocumentProblem: Sendable, Equatable, CustomStringConvertible {
    package var place: DocumentPlace
    /// What is wrong, as a lower-case clause without a period.
    package var message: String

    package init(_ message: String, at place: DocumentPlace) {
        self.place = place
        self.message = message
    }

    package var description: String { "\(place): \(message)" }
}

/// The error for one or more documents, which lists all their problems.
package struct DocumentProblems: CausedError, Sendable, Equatable {
    package var problems: [DocumentProblem]

    package init(_ problems: [DocumentProblem]) {
        self.problems = problems
    }

    package var cause: (any Error)? { nil }

    package var description: String { problems.map(\.description).joined(separator: "\n") }
}
