import Support

// The patches that close a Node for new pods, and open it again. Both test the version of the Node that was read, so that
// they change nothing when another program wrote in between.
extension Node {
    /// The patch that cordons the Node, and remembers in an annotation that the agent did it.
    ///
    /// One request does both, so that an agent that is cut off leaves no cordon of unknown origin.
    ///
    /// - Parameters:
    ///   - key: The annotation.
    ///   - value: Why the agent cordons the Node.
    /// - Returns: The operations; empty when the Node is cordoned already, by whomever.
    package func cordoning(annotation key: String, value: String) -> [JSONPatchOperation] {
        guard !unschedulable else { return [] }
        let remember: JSONPatchOperation =
            metadata.annotations.isEmpty
            ? .add(["metadata", "annotations"], [key: .string(value)])
            : .add(["metadata", "annotations", key], .string(value))
        return [unchanged, remember, .add(["spec", "unschedulable"], true)]
    }

    /// The patch that takes the agent's cordon back, with its annotation.
    ///
    /// - Parameter key: The annotation of the cordon.
    /// - Returns: The operations; empty when the annotation is not there, because then the cordon is another's.
    package func uncordoning(annotation key: String) -> [JSONPatchOperation] {
        guard metadata.annotations[key] != nil else { return [] }
        let forget = JSONPatchOperation.remove(["metadata", "annotations", key])
        // Somebody may have uncordoned the Node by hand, which leaves only the annotation.
        return [unchanged, forget] + (unschedulable ? [.remove(["spec", "unschedulable"])] : [])
    }

    private var unchanged: JSONPatchOperation {
        .test(["metadata", "resourceVersion"], .string(metadata.resourceVersion))
    }
}
