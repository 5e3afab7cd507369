import Support

/// The parts of a Pod that tell whether a node can be emptied of it.
package struct Pod: Sendable, Equatable {
    package var namespace: String
    package var name: String
    package var uid: String
    package var labels: [String: String]
    /// `Pending`, `Running`, `Succeeded`, `Failed` or `Unknown`; a string, so that a phase of a later version is kept.
    package var phase: String
    /// Whether the pod is on its way out: somebody has deleted or evicted it.
    package var isTerminating: Bool
    /// The kind of the object that makes the pod again, such as `DaemonSet`; nil for a pod that nobody makes again.
    package var controllerKind: String?
    /// Whether the kubelet runs the pod from a file on the node, so that an eviction does not end it.
    package var isMirror: Bool
    /// The names of the resources that a container of the pod asks for, such as `nvidia.com/gpu`.
    package var resources: Set<String>
    /// The names of the pod's ResourceClaims, which dynamic resource allocation gives it devices for.
    ///
    /// A claim from a template has a name only after the control plane has made it.
    package var claims: Set<String>

    package init(
        namespace: String,
        name: String,
        uid: String,
        labels: [String: String] = [:],
        phase: String = "Running",
        isTerminating: Bool = false,
        controllerKind: String? = nil,
        isMirror: Bool = false,
        resources: Set<String> = [],
        claims: Set<String> = []
    ) {
        self.namespace = namespace
        self.name = name
        self.uid = uid
        self.labels = labels
        self.phase = phase
        self.isTerminating = isTerminating
        self.controllerKind = controllerKind
        self.isMirror = isMirror
        self.resources = resources
        self.claims = claims
    }

    /// Whether the containers of the pod have ended for good, so that they use no device any more.
    package var isOver: Bool { phase == "Succeeded" || phase == "Failed" }
}

extension Pod: Decodable {
    private enum Key: String, CodingKey { case metadata, spec, status }

    /// Reads a pod of any version: a member of another type than today counts as missing.
    ///
    /// Only the identity must be there, because an eviction names it.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        let metadata = try container.decode(JSONValue.self, forKey: .metadata)
        let spec = try container.decodeIfPresent(JSONValue.self, forKey: .spec) ?? [:]
        let status = try container.decodeIfPresent(JSONValue.self, forKey: .status) ?? [:]
        guard let namespace = metadata["namespace"]?.string, let name = metadata["name"]?.string,
            let uid = metadata["uid"]?.string
        else {
            throw DecodingError.dataCorruptedError(
                forKey: .metadata,
                in: container,
                debugDescription: "a pod without its namespace, name or UID"
            )
        }
        let owners = metadata["ownerReferences"]?.array ?? []
        self.init(
            namespace: namespace,
            name: name,
            uid: uid,
            labels: metadata["labels"]?.strings ?? [:],
            phase: status["phase"]?.string ?? "Unknown",
            isTerminating: metadata["deletionTimestamp"]?.string != nil,
            controllerKind: owners.first { $0["controller"]?.bool == true }?["kind"]?.string,
            isMirror: metadata[path: ["annotations", "kubernetes.io/config.mirror"]] != nil,
            resources: Self.resources(spec),
            claims: Self.claims(spec, status)
        )
    }

    private static func resources(_ spec: JSONValue) -> Set<String> {
        let containers = ["containers", "initContainers"].flatMap { spec[$0]?.array ?? [] }
        let quantities = containers.flatMap { container in
            ["limits", "requests"].flatMap { container[path: ["resources", $0]]?.object ?? [:] }
        }
        return Set(quantities.filter { $0.value != "0" && $0.value != 0 }.map(\.key))
    }

    /// The claims that the specification names, and those that the control plane made for the pod.
    private static func claims(_ spec: JSONValue, _ status: JSONValue) -> Set<String> {
        let named = (spec["resourceClaims"]?.array ?? []) + (status["resourceClaimStatuses"]?.array ?? [])
        let extended = status[path: ["extendedResourceClaimStatus", "resourceClaimName"]]?.string
        return Set((named.map { $0["resourceClaimName"]?.string } + [extended]).compactMap(\.self))
    }
}
