/// A JSON merge patch (RFC 7386).
public enum MergePatch {
    /// Applies the patch to a document.
    ///
    /// Null removes a member, an object is merged, and any other value replaces the member.
    public static func apply(_ patch: JSON, to document: JSON?) -> JSON {
        guard case .object(let changes) = patch else { return patch }
        var members = document?.object ?? [:]
        for (name, change) in changes {
            members[name] = change == .null ? nil : apply(change, to: members[name])
        }
        return .object(members)
    }
}
