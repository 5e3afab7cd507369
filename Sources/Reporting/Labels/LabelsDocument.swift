package import NodeModel

/// The labels as an output document.
package struct LabelsDocument: Encodable, Sendable {
    package var apiVersion = NodeFacts.currentAPIVersion
    package var kind = "Labels"
    package var labels: [String: String]
    /// The keys whose values are not known now.
    ///
    /// A running agent does not change these labels.
    package var undetermined: [String]
    /// The annotations, as they are on a Node that has none yet.
    package var annotations: [String: String]
    /// The keys of the annotations whose values are not known now.
    package var undeterminedAnnotations: [String]
    package var taint: TaintWish
    /// The conditions that a running agent publishes; empty when it publishes none.
    package var conditions: [Condition]

    package init(_ publication: Publication) {
        labels = publication.labels
        undetermined = publication.undetermined.sorted()
        annotations = publication.annotationsToApply(owned: [:])
        undeterminedAnnotations = publication.annotations.filter { $0.value == .keep }.keys.sorted()
        taint = publication.taint
        conditions = publication.conditions
    }

    package var text: String {
        labels.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)\n" }.joined()
            + undetermined.map { "# \($0): not known, so the label does not change\n" }.joined()
    }
}
