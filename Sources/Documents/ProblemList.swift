/// The problems of a document: the first ones, and the number of the others.
///
/// Nobody reads more, and a document of 1 MiB can have hundreds of thousands.
package struct ProblemList: Sendable {
    /// How many problems are kept.
    package static let limit = 100

    private var first: [DocumentProblem] = []
    private var placeOfNext: DocumentPlace?
    private var more = 0

    package init() {}

    package init(_ problems: [DocumentProblem]) {
        for problem in problems { add(problem) }
    }

    package mutating func add(_ problem: DocumentProblem) {
        guard first.count == Self.limit else { return first.append(problem) }
        placeOfNext = placeOfNext ?? problem.place
        more += 1
    }

    /// The problems; the last one tells how many were left out.
    package var problems: [DocumentProblem] {
        guard let placeOfNext else { return first }
        return first + [DocumentProblem("\(more) more problem\(more == 1 ? "" : "s")", at: placeOfNext)]
    }
}
