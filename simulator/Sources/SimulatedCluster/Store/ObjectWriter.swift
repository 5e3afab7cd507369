import FoundationEssentials

/// Computes the new state of an object from a write request.
///
/// It decodes the object, restores immutable fields, validates the object, and updates `managedFields`, in the order of
/// the real server.
public struct ObjectWriter: Sendable {
    /// The kind of a change to an existing object.
    public enum Patch: Sendable {
        case json(JSONPatch)
        case merge(JSON)
        case strategic(JSON)
        /// PUT, with the whole object.
        case whole(JSON)
    }

    public let resource: Resource
    public let namespace: String?
    public let subresource: String?
    /// The field manager of the request, for `managedFields`.
    public let manager: String
    /// Whether members that the type does not have fail the request.
    public var isStrict = false
    /// The current time, as RFC 3339 text with whole seconds.
    public let time: String

    public init(
        resource: Resource,
        namespace: String?,
        subresource: String? = nil,
        manager: String,
        isStrict: Bool = false,
        time: String
    ) {
        self.resource = resource
        self.namespace = namespace
        self.subresource = subresource
        self.manager = manager
        self.isStrict = isStrict
        self.time = time
    }

    private var decoding: Decoding { Decoding(resource) }
    private var untouched: String { subresource == "status" ? "spec" : "status" }
    private var fieldManager: FieldManager { FieldManager(resource: resource, untouched: untouched, time: time) }

    private func owner(_ operation: String) -> ManagedFieldsEntry.Owner {
        ManagedFieldsEntry.Owner(manager: manager, operation: operation, subresource: subresource)
    }

    /// Creates an object.
    public func create(_ object: JSON) throws(APIFailure) -> JSON {
        var new = try decoding.decode(object, strict: isStrict)
        try restore(&new, from: nil)
        try check(new, replacing: nil)
        return fieldManager.update(live: nil, new: new, by: owner("Update"))
    }

    /// Changes an object.
    public func patch(_ live: JSON, named name: String, with patch: Patch) throws(APIFailure) -> JSON {
        let patched: JSON
        switch patch {
        case .json(let patch):
            do throws(JSONPatch.Failure) {
                patched = try patch.apply(to: live)
            } catch {
                throw .unprocessable
            }
        case .merge(let patch): patched = MergePatch.apply(patch, to: live)
        case .strategic(let patch):
            patched = try StrategicMergePatch.apply(patch, to: live, schema: resource.schema)
        case .whole(let object): patched = object
        }
        var new = try decoded(patched, patch)
        try checkName(new, name)
        try restore(&new, from: live)
        try check(new, replacing: live)
        return fieldManager.update(live: live, new: new, by: owner("Update"))
    }

    /// Executes a server-side apply, which creates the object when it does not exist.
    public func apply(
        _ applied: JSON,
        to live: JSON?,
        named name: String,
        force: Bool
    ) throws(APIFailure) -> JSON {
        let group = "\(applied["apiVersion"]?.string ?? ""), Kind=\(applied["kind"]?.string ?? "")"
        if applied["apiVersion"] == nil, applied["kind"] == nil { throw .badRequest("invalid object type: /, Kind=") }
        let wanted = "\(resource.groupVersion), Kind=\(resource.kind)"
        guard group == wanted else {
            throw .badRequest("the API version in the data (\(group)) does not match the expected one (\(wanted))")
        }
        guard applied[path: ["metadata", "managedFields"]] == nil else {
            throw .badRequest("metadata.managedFields must be nil")
        }
        try checkTyped(applied, name)
        if live == nil, let uid = applied[path: ["metadata", "uid"]]?.string {
            let why = "uid mismatch: the provided object specified uid \(uid), and no existing object was found"
            throw .conflict(resource, name, why: why)
        }
        let merged = try fieldManager.apply(live: live, applied: applied, by: owner("Apply"), force: force)
        var new = try decoding.decode(merged)
        try checkName(new, name)
        try restore(&new, from: live)
        try check(new, replacing: live)
        return new
    }
}

extension ObjectWriter {
    /// Decodes an applied object.
    ///
    /// Other than in other writes, a member that the type does not have always fails the request.
    private func checkTyped(_ applied: JSON, _ name: String) throws(APIFailure) {
        let subject = "failed to create typed patch object (\(namespace ?? "")/\(name); \(resource.groupVersionKind))"
        if let problem = decoding.typeProblem(applied) {
            throw APIFailure(code: 500, reason: "", message: "\(subject): \(problem)")
        }
        do throws(APIFailure) {
            _ = try decoding.decode(applied, strict: true)
        } catch {
            let unknown = error.message.split(separator: "unknown field \"").dropFirst().first?.prefix { $0 != "\"" }
            let why = unknown.map { ".\($0): field not declared in schema" } ?? error.message
            throw APIFailure(code: 500, reason: "", message: "\(subject): \(why)")
        }
    }

    /// Decodes the result of a patch.
    ///
    /// The server reports a wrong type as a wrong value of the patch when the patch is a JSON patch or a merge patch.
    private func decoded(_ patched: JSON, _ patch: Patch) throws(APIFailure) -> JSON {
        do throws(APIFailure) {
            return try decoding.decode(patched, strict: isStrict)
        } catch {
            switch patch {
            case .json, .merge: throw .invalidPatch(patched, decoding.why(error))
            case .strategic, .whole: throw error
            }
        }
    }

    private func checkName(_ object: JSON, _ name: String) throws(APIFailure) {
        guard let given = object[path: ["metadata", "name"]]?.string, given != name else { return }
        throw .badRequest("the name of the object (\(given)) does not match the name on the URL (\(name))")
    }

    /// Restores the fields that clients cannot change.
    ///
    /// It fails when the resource version of the request is not the current one.
    private func restore(_ new: inout JSON, from live: JSON?) throws(APIFailure) {
        guard let live else {
            new["metadata"]?["uid"] = .string(UUID().uuidString.lowercased())
            new["metadata"]?["creationTimestamp"] = .string(time)
            if let namespace { new["metadata"]?["namespace"] = .string(namespace) }
            if new[path: ["metadata", "name"]] == nil, let prefix = new[path: ["metadata", "generateName"]]?.string {
                let suffix = UUID().uuidString.lowercased().filter { $0 != "-" }.prefix(5)
                new["metadata"]?["name"] = .string(prefix + suffix)
            }
            return
        }
        let name = live[path: ["metadata", "name"]]?.string ?? ""
        let version = new[path: ["metadata", "resourceVersion"]]
        guard version == nil || version == live[path: ["metadata", "resourceVersion"]] else {
            throw .conflict(resource, name)
        }
        for field in ["name", "namespace", "uid", "creationTimestamp"] where new["metadata"]?[field] == nil {
            new["metadata"]?[field] = live["metadata"]?[field]
        }
        new["metadata"]?["resourceVersion"] = live["metadata"]?["resourceVersion"]
        if resource.subresources.contains("status") { new[untouched] = live[untouched] }
    }

    private func check(_ new: JSON, replacing live: JSON?) throws(APIFailure) {
        let problems =
            switch resource.kind {
            case "Node": ObjectRules.problems(node: new, replacing: live)
            case "Event": ObjectRules.problems(event: new, replacing: live)
            case "Lease": ObjectRules.problems(lease: new, replacing: live)
            default: ObjectRules.problems(other: new, replacing: live)
            }
        let name = new[path: ["metadata", "name"]]?.string ?? ""
        guard problems.isEmpty else {
            throw .invalid(group: resource.group, kind: resource.kind, name: name, problems)
        }
    }
}
