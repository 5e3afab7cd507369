/// The types of the fields of an object, as field ownership and decoding need them.
public indirect enum FieldSchema: Sendable {
    /// How a field manager owns a list.
    public enum ListKind: Sendable {
        /// A field manager owns the list as one field.
        case atomic
        /// A field manager owns single elements, which their values identify.
        case set
        /// A field manager owns single elements, which these members identify.
        case keyed([String])
    }

    case string
    case boolean
    case integer
    /// A time with microseconds.
    case microTime
    /// Any value; a field manager owns single members, but whole lists.
    case untyped
    /// Any value, which a field manager owns as one field.
    case atomic
    /// An object whose members have any name and one type; a field manager owns single members.
    case map(FieldSchema)
    case structure([String: FieldSchema])
    case list(FieldSchema, ListKind)

    /// The type of a member; nil when there is no such member.
    public func member(_ name: String) -> FieldSchema? {
        switch self {
        case .structure(let fields): fields[name]
        case .map(let element): element
        case .untyped: .untyped
        default: nil
        }
    }

    /// Whether a field manager owns single members or elements.
    public var isGranular: Bool {
        switch self {
        case .string, .boolean, .integer, .microTime, .atomic, .list(_, .atomic): false
        default: true
        }
    }

    /// The path element for an element of a set or of a keyed list.
    public static func element(_ value: JSON, _ kind: ListKind) -> String? {
        switch kind {
        case .atomic: return nil
        case .set: return "v:" + text(value)
        case .keyed(let keys):
            let pairs = keys.map { ($0, value[$0] ?? .null) }
            return "k:" + text(.object(Dictionary(pairs) { first, _ in first }))
        }
    }

    private static func text(_ value: JSON) -> String {
        // Encoding a string or an object of strings cannot fail.
        (try? value.data()).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }
}

extension FieldSchema {
    static let metadata = FieldSchema.structure([
        "name": .string, "generateName": .string, "namespace": .string, "uid": .string, "resourceVersion": .string,
        "selfLink": .string, "generation": .integer, "creationTimestamp": .string, "deletionTimestamp": .string,
        "deletionGracePeriodSeconds": .integer, "labels": .map(.string), "annotations": .map(.string),
        "finalizers": .list(.string, .set), "ownerReferences": .list(.untyped, .keyed(["uid"])),
        "managedFields": .list(.untyped, .atomic),
    ])

    private static let taint = FieldSchema.structure([
        "key": .string, "value": .string, "effect": .string, "timeAdded": .string,
    ])

    private static let condition = FieldSchema.structure([
        "type": .string, "status": .string, "lastHeartbeatTime": .string, "lastTransitionTime": .string,
        "reason": .string, "message": .string,
    ])

    /// A Node of the core API.
    public static let node = FieldSchema.structure([
        "apiVersion": .string, "kind": .string, "metadata": metadata,
        "spec": .structure([
            "podCIDR": .string, "podCIDRs": .list(.string, .set), "providerID": .string, "unschedulable": .boolean,
            "taints": .list(taint, .atomic), "configSource": .untyped, "externalID": .string,
        ]),
        "status": .structure([
            "capacity": .map(.untyped), "allocatable": .map(.untyped), "phase": .string,
            "conditions": .list(condition, .keyed(["type"])),
            "addresses": .list(.structure(["type": .string, "address": .string]), .keyed(["type"])),
            "daemonEndpoints": .untyped, "nodeInfo": .untyped, "images": .list(.untyped, .atomic),
            "volumesInUse": .list(.string, .set), "volumesAttached": .list(.untyped, .keyed(["name"])),
            "config": .untyped, "runtimeHandlers": .list(.untyped, .atomic), "features": .untyped,
        ]),
    ])

    /// An Event of the core API.
    public static let event = FieldSchema.structure([
        "apiVersion": .string, "kind": .string, "metadata": metadata, "involvedObject": .atomic, "reason": .string,
        "message": .string, "source": .untyped, "firstTimestamp": .string, "lastTimestamp": .string,
        "count": .integer, "type": .string, "eventTime": .string, "series": .untyped, "action": .string,
        "related": .atomic, "reportingComponent": .string, "reportingInstance": .string,
    ])
}
