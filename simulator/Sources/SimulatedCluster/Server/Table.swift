import FoundationEssentials

/// The tables that the server makes for `kubectl get`.
///
/// A Node has the columns of the real server, and the other kinds have those of a kind that the server does not know.
/// Source: Kubernetes, `pkg/printers/internalversion/printers.go`.
struct Table: Sendable, Equatable {
    /// The time for the ages.
    var now: Date

    func json(_ objects: [JSON], of resource: Resource, version: String?) -> JSON {
        let isNode = resource.kind == "Node"
        var metadata: JSON = [:]
        metadata["resourceVersion"] = version.map(JSON.string)
        return [
            "kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": metadata,
            "columnDefinitions": .array(isNode ? Self.nodeColumns : Self.otherColumns),
            "rows": .array(
                objects.map { object in
                    let cells = isNode ? nodeCells(object) : otherCells(object)
                    return [
                        "cells": .array(cells.map(JSON.string)),
                        "object": AnswerForm.metadataOnly.object(object, of: resource),
                    ]
                }
            ),
        ]
    }

    private func otherCells(_ object: JSON) -> [String] {
        ["name", "creationTimestamp"].map { object[path: ["metadata", $0]]?.string ?? "" }
    }

    private func nodeCells(_ node: JSON) -> [String] {
        let information = node[path: ["status", "nodeInfo"]]
        func text(_ key: String, or fallback: String) -> String {
            guard let text = information?[key]?.string, !text.isEmpty else { return fallback }
            return text
        }
        func address(_ type: String) -> String {
            let addresses = node[path: ["status", "addresses"]]?.array ?? []
            return addresses.first { $0["type"]?.string == type }?["address"]?.string ?? "<none>"
        }
        return [
            node[path: ["metadata", "name"]]?.string ?? "", status(node), roles(node), age(node),
            text("kubeletVersion", or: ""), address("InternalIP"), address("ExternalIP"),
            text("osImage", or: "<unknown>"), text("kernelVersion", or: "<unknown>"),
            text("containerRuntimeVersion", or: "<unknown>"),
        ]
    }

    private func status(_ node: JSON) -> String {
        let conditions = node[path: ["status", "conditions"]]?.array ?? []
        let ready = conditions.first { $0["type"] == "Ready" }
        let status = ready.map { $0["status"] == "True" ? "Ready" : "NotReady" } ?? "Unknown"
        return status + (node[path: ["spec", "unschedulable"]] == true ? ",SchedulingDisabled" : "")
    }

    private func roles(_ node: JSON) -> String {
        let prefix = "node-role.kubernetes.io/"
        let labels = node[path: ["metadata", "labels"]]?.strings ?? [:]
        let roles = labels.compactMap { key, value in
            if key.hasPrefix(prefix), key.count > prefix.count { return String(key.dropFirst(prefix.count)) }
            return key == "kubernetes.io/role" && !value.isEmpty ? value : nil
        }
        return roles.isEmpty ? "<none>" : Set(roles).sorted().joined(separator: ",")
    }

    private func age(_ object: JSON) -> String {
        guard let text = object[path: ["metadata", "creationTimestamp"]]?.string,
            let date = try? Date(text, strategy: .iso8601)
        else { return "<unknown>" }
        return Self.age(seconds: Int(clamping: Int64(now.timeIntervalSince(date).rounded())))
    }

    /// A duration in the form of kubectl.
    ///
    /// Source: apimachinery, `pkg/util/duration/duration.go`.
    static func age(seconds: Int) -> String {
        let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86400)
        func pair(_ large: Int, _ unit: String, _ small: Int, _ smallUnit: String) -> String {
            small == 0 ? "\(large)\(unit)" : "\(large)\(unit)\(small)\(smallUnit)"
        }
        return switch seconds {
        case ..<0: "0s"
        case ..<120: "\(seconds)s"
        case ..<600: pair(minutes, "m", seconds % 60, "s")
        case ..<(3 * 3600): "\(minutes)m"
        case ..<(8 * 3600): pair(hours, "h", minutes % 60, "m")
        case ..<(48 * 3600): "\(hours)h"
        case ..<(8 * 86400): pair(days, "d", hours % 24, "h")
        case ..<(730 * 86400): "\(days)d"
        case ..<(8 * 365 * 86400): pair(days / 365, "y", days % 365, "d")
        default: "\(days / 365)y"
        }
    }
}

extension Table {
    private static func column(
        _ name: String,
        _ description: String,
        format: String = "",
        type: String = "string",
        priority: Int = 0
    ) -> JSON {
        [
            "name": .string(name), "type": .string(type), "format": .string(format),
            "description": .string(description), "priority": .int(priority),
        ]
    }

    private static let name = column(
        "Name",
        "Name must be unique within a namespace. Is required when creating resources, although some resources may "
            + "allow a client to request the generation of an appropriate name automatically. Name is primarily "
            + "intended for creation idempotence and configuration definition. Cannot be updated. More info: "
            + "https://kubernetes.io/docs/concepts/overview/working-with-objects/names#names",
        format: "name"
    )
    private static let created =
        "CreationTimestamp is a timestamp representing the server time when this object was created. It is not "
        + "guaranteed to be set in happens-before order across separate operations. Clients may not set this value. It "
        + "is represented in RFC3339 form and is in UTC.\n\nPopulated by the system. Read-only. Null for lists. More "
        + "info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata"
    private static let addresses =
        "List of addresses reachable to the node. Queried from cloud provider, if available. More info: "
        + "https://kubernetes.io/docs/reference/node/node-status/#addresses Note: This field is declared as mergeable, "
        + "but the merge key is not sufficiently unique, which can cause data corruption when it is merged. Callers "
        + "should instead use a full-replacement patch. See https://pr.k8s.io/79391 for an example. Consumers should "
        + "assume that addresses can change during the lifetime of a Node. However, there are some exceptions where "
        + "this may not be possible, such as Pods that inherit a Node's address in its own status or consumers of the "
        + "downward API (status.hostIP)."

    static let otherColumns = [name, column("Created At", created, type: "date")]

    static let nodeColumns = [
        name,
        column("Status", "The status of the node"),
        column("Roles", "The roles of the node"),
        column("Age", created),
        column("Version", "Kubelet Version reported by the node."),
        column("Internal-IP", addresses, priority: 1),
        column("External-IP", addresses, priority: 1),
        column(
            "OS-Image",
            "OS Image reported by the node from /etc/os-release (e.g. Debian GNU/Linux 7 (wheezy)).",
            priority: 1
        ),
        column(
            "Kernel-Version",
            "Kernel Version reported by the node from 'uname -r' (e.g. 3.16.0-0.bpo.4-amd64).",
            priority: 1
        ),
        column(
            "Container-Runtime",
            "ContainerRuntime Version reported by the node through runtime remote API (e.g. containerd://1.4.2).",
            priority: 1
        ),
    ]
}
