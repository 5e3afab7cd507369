import Kubernetes
package import Support

/// A JSON merge patch (RFC 7386).
package enum MergePatch {
    /// The document after the patch: null removes a member, an object is merged, anything else replaces.
    package static func apply(_ patch: JSONValue, to document: JSONValue?) -> JSONValue {
        guard case .object(let changes) = patch else { return patch }
        var members = document?.object ?? [:]
        for (name, change) in changes {
            members[name] = change == .null ? nil : apply(change, to: members[name])
        }
        return .object(members)
    }
}
