package import Support

/// A Lease: a place that one holder at a time takes, and keeps by renewing it.
///
/// It keeps the whole object, so that an update loses nothing that another program wrote.
package struct Lease: Sendable, Equatable {
    /// The object as the server sent it, with the changes since then.
    package private(set) var document: JSONValue

    /// Describes a Lease that does not exist yet.
    package init(namespace: String, name: String) {
        document = [
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": ["namespace": .string(namespace), "name": .string(name)],
            "spec": [:],
        ]
    }

    package var namespace: String { document[path: ["metadata", "namespace"]]?.string ?? "" }
    package var name: String { document[path: ["metadata", "name"]]?.string ?? "" }
    /// The version of the object that was read; empty when it was not read.
    package var resourceVersion: String { document[path: ["metadata", "resourceVersion"]]?.string ?? "" }

    /// Who holds the place; nil when nobody does.
    package var holder: String? {
        get { document[path: ["spec", "holderIdentity"]]?.string.flatMap { $0.isEmpty ? nil : $0 } }
        set { document["spec", default: [:]]["holderIdentity"] = newValue.map(JSONValue.string) }
    }

    /// For how many seconds after its last renewal the place is taken; nil when the holder did not say.
    ///
    /// The server refuses a number below 1.
    package var durationSeconds: Int? {
        get { document[path: ["spec", "leaseDurationSeconds"]]?.int }
        set { document["spec", default: [:]]["leaseDurationSeconds"] = newValue.map(JSONValue.int) }
    }

    /// When the holder took the place, by its own clock; nil when this is not told.
    package var acquired: Timestamp? {
        get { time("acquireTime") }
        set { document["spec", default: [:]]["acquireTime"] = newValue.map(Self.text) }
    }

    /// When the holder last renewed the place, by its own clock; nil when this is not told.
    package var renewed: Timestamp? {
        get { time("renewTime") }
        set { document["spec", default: [:]]["renewTime"] = newValue.map(Self.text) }
    }

    /// How often the place went from one holder to another.
    package var transitions: Int {
        get { max(0, document[path: ["spec", "leaseTransitions"]]?.int ?? 0) }
        set { document["spec", default: [:]]["leaseTransitions"] = .int(newValue) }
    }

    private func time(_ member: String) -> Timestamp? {
        document[path: ["spec", member]]?.string.flatMap { Timestamp($0) }
    }

    /// The time with the six digits after the second that the API requires of a Lease.
    private static func text(_ time: Timestamp) -> JSONValue { .string("\(time.description.dropLast())000Z") }
}

extension Lease: Decodable {
    package init(from decoder: any Decoder) throws {
        document = try JSONValue(from: decoder)
    }
}

extension JSONValue {
    fileprivate subscript(key: String, default fallback: JSONValue) -> JSONValue {
        get { self[key] ?? fallback }
        set { self[key] = newValue }
    }
}
