import FoundationEssentials
import SimulatedCluster
import Testing

@Suite struct FieldSetTests {
    private func set(_ paths: [String]...) -> FieldSet {
        var set = FieldSet()
        for path in paths { set.insert(path) }
        return set
    }

    @Test(arguments: [
        #"{"f:metadata":{"f:labels":{".":{},"f:a":{}}}}"#,
        #"{"f:spec":{"f:taints":{}}}"#,
        #"{"f:status":{"f:conditions":{"k:{\"type\":\"Ready\"}":{".":{},"f:status":{}}}}}"#,
    ])
    func keepsTheWrittenForm(_ text: String) throws {
        let set = FieldSet(json: try JSON(parsing: Data(text.utf8)))
        #expect(String(decoding: try set.json.data(), as: UTF8.self) == text)
    }

    @Test func takesFieldsAwayOneByOne() {
        let all = set(["f:a"], ["f:a", "f:b"], ["f:c"])
        #expect(all.subtracting(set(["f:a"])) == set(["f:a", "f:b"], ["f:c"]))
        #expect(all.subtractingTrees(of: set(["f:a"])) == set(["f:c"]))
        #expect(all.subtracting(all).isEmpty)
        #expect(all.intersection(set(["f:a", "f:b"], ["f:d"])) == set(["f:a", "f:b"]))
        #expect(set(["f:c"]).union(set(["f:a"], ["f:a", "f:b"])) == all)
    }

    @Test func printsPathsAsTheServerDoes() {
        #expect(FieldSet.printed(["f:metadata", "f:labels", "f:nvidia.com/gpu"]) == ".metadata.labels.nvidia.com/gpu")
        #expect(FieldSet.printed(["f:status", #"k:{"type":"Ready"}"#, "f:status"]) == #".status[type="Ready"].status"#)
    }

    @Test func comparesFieldByField() {
        let old: JSON = [
            "metadata": ["labels": ["a": "1", "b": "1"]],
            "spec": ["taints": [["key": "x", "effect": "NoSchedule"]]],
            "status": ["conditions": [["type": "Ready", "status": "True"]]],
        ]
        let new: JSON = [
            "metadata": ["labels": ["a": "2"], "annotations": ["c": "1"]],
            "spec": ["taints": [["key": "y", "effect": "NoSchedule"]]],
            "status": ["conditions": [["type": "Ready", "status": "False"]]],
        ]
        let comparison = FieldSchema.node.compare(old, new)
        #expect(
            comparison.modified
                == set(
                    ["f:metadata", "f:labels", "f:a"],
                    ["f:spec", "f:taints"],
                    ["f:status", "f:conditions", #"k:{"type":"Ready"}"#, "f:status"]
                )
        )
        #expect(
            comparison.added
                == set(["f:metadata", "f:annotations"], ["f:metadata", "f:annotations", "f:c"])
        )
        #expect(comparison.removed == set(["f:metadata", "f:labels", "f:b"]))
        #expect(FieldSchema.node.compare(old, old).isSame)
    }
}
