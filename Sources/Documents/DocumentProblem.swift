/// Something wrong in a document.
package struct DocumentProblem: Sendable, Equatable, CustomStringConvertible {
    package var place: DocumentPlace
    package var message: String

    package init(_ message: String, at place: DocumentPlace) {
        self.place = place
        self.message = message
    }

    package var description: String { "\(place): \(message)" }
}

/// All the problems of one or more documents, as one error.
package struct DocumentProblems: Error, Sendable, Equatable, CustomStringConvertible {
    package var problems: [DocumentProblem]

    package init(_ problems: [DocumentProblem]) {
        self.problems = problems
    }

    package var description: String { problems.map(\.description).joined(separator: "\n") }
}
