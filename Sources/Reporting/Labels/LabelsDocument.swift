import NodeModel

/// The labels as a document.
package struct LabelsDocument: Encodable, Sendable {
    package var apiVersion = NodeFacts.currentAPIVersion
    package var kind = "Labels"
    package var labels: [String: String]
    /// Keys that cannot be told now: a running agent leaves them as they are.
    package var undetermined: [String]
    package var taint: TaintWish

    package init(_ publication: Publication) {
        labels = publication.labels
        undetermined = publication.undetermined.sorted()
        taint = publication.taint
    }

    package var text: String {
        labels.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)\n" }.joined()
            + undetermined.map { "# \($0): cannot be told, stays as it is\n" }.joined()
    }
}
