import SimulatedCluster
import Testing

/// The owners of fields after a sequence of writes.
@Suite struct FieldOwnershipTests {
    enum Write: Sendable {
        case apply(String, labels: [String: String], taints: [String]? = nil, force: Bool = false)
        case update(String, labels: [String: String?], taints: [String]? = nil)
    }

    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var writes: [Write]
        var labels: [String: String]
        var taints: [String] = []
        /// The owned paths of each manager and operation.
        var owners: [String: [String]]
        /// The message of the conflict with which the last write fails.
        var conflict: String?
    }

    static let cases: [Case] = [
        Case(
            testDescription: "an applier owns what it names",
            writes: [.apply("a", labels: ["x": "1", "y": "2"])],
            labels: ["x": "1", "y": "2"],
            owners: ["a Apply": [".metadata.labels.x", ".metadata.labels.y"]]
        ),
        Case(
            testDescription: "what an applier no longer names goes",
            writes: [.apply("a", labels: ["x": "1", "y": "2"]), .apply("a", labels: ["y": "2"])],
            labels: ["y": "2"],
            owners: ["a Apply": [".metadata.labels.y"]]
        ),
        Case(
            testDescription: "what another applier names too stays",
            writes: [
                .apply("a", labels: ["x": "1"]), .apply("b", labels: ["x": "1"]), .apply("a", labels: [:]),
            ],
            labels: ["x": "1"],
            owners: ["b Apply": [".metadata.labels.x"]]
        ),
        Case(
            testDescription: "two appliers share an equal value",
            writes: [.apply("a", labels: ["x": "1"]), .apply("b", labels: ["x": "1"])],
            labels: ["x": "1"],
            owners: ["a Apply": [".metadata.labels.x"], "b Apply": [".metadata.labels.x"]]
        ),
        Case(
            testDescription: "another value is a conflict",
            writes: [.apply("a", labels: ["x": "1"]), .apply("b", labels: ["x": "2"])],
            labels: ["x": "1"],
            owners: ["a Apply": [".metadata.labels.x"]],
            conflict: "Apply failed with 1 conflict: conflict with \"a\": .metadata.labels.x"
        ),
        Case(
            testDescription: "a conflict with two managers names both",
            writes: [
                .apply("a", labels: ["x": "1"]), .update("kubectl-edit", labels: ["y": "1"]),
                .apply("b", labels: ["x": "2", "y": "2"]),
            ],
            labels: ["x": "1", "y": "1"],
            owners: ["a Apply": [".metadata.labels.x"], "kubectl-edit Update": [".metadata.labels.y"]],
            conflict: "Apply failed with 2 conflicts: conflicts with \"a\":\n- .metadata.labels.x\n"
                + "conflicts with \"kubectl-edit\" using v1:\n- .metadata.labels.y"
        ),
        Case(
            testDescription: "force takes the field",
            writes: [.apply("a", labels: ["x": "1", "y": "1"]), .apply("b", labels: ["x": "2"], force: true)],
            labels: ["x": "2", "y": "1"],
            owners: ["a Apply": [".metadata.labels.y"], "b Apply": [".metadata.labels.x"]]
        ),
        Case(
            testDescription: "after force the loser does not remove the field",
            writes: [
                .apply("a", labels: ["x": "1"]), .apply("b", labels: ["x": "2"], force: true), .apply("a", labels: [:]),
            ],
            labels: ["x": "2"],
            owners: ["b Apply": [".metadata.labels.x"]]
        ),
        Case(
            testDescription: "an edit takes the field from its applier",
            writes: [.apply("a", labels: ["x": "1", "y": "1"]), .update("kubectl-label", labels: ["x": "2"])],
            labels: ["x": "2", "y": "1"],
            owners: ["a Apply": [".metadata.labels.y"], "kubectl-label Update": [".metadata.labels.x"]]
        ),
        Case(
            testDescription: "an edit that removes leaves nobody as owner",
            writes: [.apply("a", labels: ["x": "1", "y": "1"]), .update("kubectl-label", labels: ["x": nil])],
            labels: ["y": "1"],
            owners: ["a Apply": [".metadata.labels.y"]]
        ),
        Case(
            testDescription: "an edit to the same value changes no owner",
            writes: [.apply("a", labels: ["x": "1"]), .update("kubectl-label", labels: ["x": "1"])],
            labels: ["x": "1"],
            owners: ["a Apply": [".metadata.labels.x"]]
        ),
        Case(
            testDescription: "apply and update of one manager are two owners",
            writes: [.update("a", labels: ["x": "1"]), .apply("a", labels: ["x": "2"])],
            labels: ["x": "1"],
            owners: ["a Update": [".metadata.labels", ".metadata.labels.x"]],
            conflict: "Apply failed with 1 conflict: conflict with \"a\" using v1: .metadata.labels.x"
        ),
        Case(
            testDescription: "the list of taints is one field",
            writes: [.update("kubectl-taint", labels: [:], taints: ["a"]), .apply("b", labels: [:], taints: ["b"])],
            labels: [:],
            taints: ["a"],
            owners: ["kubectl-taint Update": [".spec.taints"]],
            conflict: "Apply failed with 1 conflict: conflict with \"kubectl-taint\" using v1: .spec.taints"
        ),
        Case(
            testDescription: "an applier that no longer names the taints removes them",
            writes: [.apply("a", labels: ["x": "1"], taints: ["a"]), .apply("a", labels: ["x": "1"])],
            labels: ["x": "1"],
            owners: ["a Apply": [".metadata.labels.x"]]
        ),
        Case(
            testDescription: "nothing left means no entry",
            writes: [.apply("a", labels: ["x": "1"]), .apply("a", labels: [:])],
            labels: [:],
            owners: [:]
        ),
    ]

    @Test(arguments: cases)
    func follows(_ test: Case) throws {
        var node: JSON = [
            "apiVersion": "v1", "kind": "Node", "metadata": ["name": "n"], "spec": [:], "status": [:],
        ]
        var conflict: String?
        for (second, write) in test.writes.enumerated() {
            do throws(APIFailure) {
                node = try perform(write, on: node, second: second)
            } catch {
                #expect(second == test.writes.count - 1)
                #expect(error.code == 409 && error.reason == "Conflict")
                conflict = error.message
            }
        }
        #expect(conflict == test.conflict)
        #expect(node[path: ["metadata", "labels"]]?.strings ?? [:] == test.labels)
        let taints = node[path: ["spec", "taints"]]?.array ?? []
        #expect(taints.map { $0["key"]?.string } == test.taints)
        let entries = ManagedFieldsTable(of: node).entries
        let owners = entries.map {
            ("\($0.owner.manager) \($0.owner.operation)", $0.fields.paths.map(FieldSet.printed))
        }
        #expect(Dictionary(uniqueKeysWithValues: owners) == test.owners)
    }

    private func perform(_ write: Write, on node: JSON, second: Int) throws(APIFailure) -> JSON {
        func writer(_ manager: String) -> ObjectWriter {
            ObjectWriter(resource: .node, namespace: nil, manager: manager, time: "2026-01-01T00:00:0\(second)Z")
        }
        func json(_ taints: [String]) -> JSON {
            .array(taints.map { ["key": .string($0), "effect": "NoSchedule"] })
        }
        switch write {
        case .apply(let manager, let labels, let taints, let force):
            var body: JSON = ["apiVersion": "v1", "kind": "Node", "metadata": ["name": "n"]]
            if !labels.isEmpty { body["metadata"]?["labels"] = JSON(labels) }
            if let taints { body["spec"] = ["taints": json(taints)] }
            return try writer(manager).apply(body, to: node, named: "n", force: force)
        case .update(let manager, let labels, let taints):
            var patch: JSON = [
                "metadata": ["labels": .object(labels.mapValues { $0.map(JSON.string) ?? .null })]
            ]
            if let taints { patch["spec"] = ["taints": json(taints)] }
            return try writer(manager).patch(node, named: "n", with: .merge(patch))
        }
    }
}
