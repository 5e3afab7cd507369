import SimulatedCluster
import Testing

@Suite struct ObjectRulesTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var change: JSON
        /// The beginnings of the problems, as `field: message`; empty when the object is valid.
        var problems: [String]

        init(_ name: String, _ change: JSON, _ problems: [String] = []) {
            testDescription = name
            self.change = change
            self.problems = problems
        }
    }

    private static func labels(_ labels: [String: String]) -> JSON { ["metadata": ["labels": JSON(labels)]] }
    private static func taints(_ taints: JSON...) -> JSON { ["spec": ["taints": .array(taints)]] }
    private static let longest = String(repeating: "x", count: 63)

    static let cases: [Case] = [
        Case(
            "good labels",
            labels(["a": "", "nvidia.com/gpu.present": "true", "A_b-c.d": "1.2-3_x", longest: longest])
        ),
        Case(
            "a value with a space",
            labels(["a": "b c"]),
            ["metadata.labels: Invalid value: \"b c\": a valid label must be"]
        ),
        Case(
            "a value that ends in a dash",
            labels(["a": "b-"]),
            ["metadata.labels: Invalid value: \"b-\": a valid label must"]
        ),
        Case(
            "a value of 64 characters",
            labels(["a": longest + "x"]),
            ["metadata.labels: Invalid value: \"\(longest)x\": must be no more than 63 bytes"]
        ),
        Case(
            "an empty key",
            labels(["": "a"]),
            [
                "metadata.labels: Invalid value: \"\": name part must be non-empty",
                "metadata.labels: Invalid value: \"\": name part must consist of",
            ]
        ),
        Case(
            "a key without name",
            labels(["a/": "b"]),
            [
                "metadata.labels: Invalid value: \"a/\": name part must be non-empty",
                "metadata.labels: Invalid value: \"a/\": name part must consist of",
            ]
        ),
        Case(
            "a key without prefix",
            labels(["/a": "b"]),
            ["metadata.labels: Invalid value: \"/a\": prefix part must be non-empty"]
        ),
        Case(
            "a prefix in capitals",
            labels(["A.b/c": "d"]),
            [
                "metadata.labels: Invalid value: \"A.b/c\": prefix part a lowercase RFC 1123 subdomain must consist of"
            ]
        ),
        Case(
            "two slashes",
            labels(["a/b/c": "d"]),
            ["metadata.labels: Invalid value: \"a/b/c\": a valid label key must consist of"]
        ),
        Case(
            "a name of 64 characters",
            labels([longest + "x": ""]),
            [
                "metadata.labels: Invalid value: \"\(longest)x\": name part must be no more than 63 bytes"
            ]
        ),
        Case("an annotation of any text", ["metadata": ["annotations": ["A.B/c": "any text, \n really"]]]),
        Case(
            "an annotation's key",
            ["metadata": ["annotations": ["a b": ""]]],
            [
                "metadata.annotations: Invalid value: \"a b\": name part must consist of"
            ]
        ),
        Case(
            "annotations of a quarter of a mebibyte",
            ["metadata": ["annotations": ["a": .string(String(repeating: "x", count: 262_143))]]]
        ),
        Case(
            "one byte more",
            ["metadata": ["annotations": ["a": .string(String(repeating: "x", count: 262_144))]]],
            ["metadata.annotations: Too long: may not be more than 262144 bytes"]
        ),
        Case(
            "good taints",
            taints(
                ["key": "a", "effect": "NoSchedule"],
                ["key": "a", "effect": "NoExecute"],
                ["key": "example.com/b", "value": "c", "effect": "PreferNoSchedule"]
            )
        ),
        Case(
            "an unknown effect",
            taints(["key": "a", "effect": "Never"]),
            [
                "metadata.taints[0].effect: Unsupported value: \"Never\": supported values: \"NoSchedule\", "
                    + "\"PreferNoSchedule\", \"NoExecute\""
            ]
        ),
        Case("no effect", taints(["key": "a"]), ["metadata.taints[0].effect: Required value"]),
        Case(
            "a taint's key",
            taints(["key": "a b", "effect": "NoSchedule"]),
            [
                "metadata.taints[0].key: Invalid value: \"a b\": name part must consist of"
            ]
        ),
        Case(
            "a taint's value",
            taints(["key": "a", "value": "b c", "effect": "NoSchedule"]),
            [
                "metadata.taints[0].value: Invalid value: \"b c\": a valid label must be"
            ]
        ),
        Case(
            "a taint twice",
            taints(
                ["key": "a", "value": "1", "effect": "NoSchedule"],
                ["key": "a", "value": "2", "effect": "NoSchedule"]
            ),
            [
                "metadata.taints[1]: Duplicate value: {\"Key\":\"a\",\"Value\":\"2\",\"Effect\":\"NoSchedule\","
                    + "\"TimeAdded\":null}: taints must be unique by key and effect pair"
            ]
        ),
        Case("another uid", ["metadata": ["uid": "2"]], ["metadata.uid: Invalid value: \"2\": field is immutable"]),
        Case(
            "another provider id",
            ["spec": ["providerID": "b"]],
            [
                "spec.providerID: Forbidden: node updates may not change providerID except from \"\" to valid"
            ]
        ),
        Case("a cordon", ["spec": ["unschedulable": true]]),
    ]

    @Test(arguments: cases)
    func checksANode(_ test: Case) {
        let live: JSON = ["metadata": ["name": "n", "uid": "1"], "spec": ["providerID": "a"]]
        let problems = ObjectRules.problems(node: MergePatch.apply(test.change, to: live), replacing: live)
        // The server reports some problems of an update more than once.
        let lines = problems.map { "\($0.field): \($0.message)" }.reduce(into: [String]()) { lines, line in
            if !lines.contains(line) { lines.append(line) }
        }
        #expect(lines.count == test.problems.count, "\(lines)")
        for (line, expected) in zip(lines, test.problems) { #expect(line.hasPrefix(expected)) }
    }

    @Test(
        arguments: [
            (["metadata": ["namespace": "default"], "involvedObject": ["kind": "Node"]], true),
            (["metadata": ["namespace": "gpu"], "involvedObject": ["kind": "Node"]], false),
            (["metadata": ["namespace": "gpu"], "involvedObject": ["kind": "Pod", "namespace": "gpu"]], true),
            (["metadata": ["namespace": "gpu"], "involvedObject": ["kind": "Pod", "namespace": "other"]], false),
        ] as [(JSON, Bool)]
    )
    func anEventStandsBesideItsObject(_ event: JSON, _ isGood: Bool) {
        var event = event
        event["metadata"]?["name"] = "e"
        #expect(ObjectRules.problems(event: event, replacing: nil).isEmpty == isGood)
    }

    @Test func dropsWhatATypeDoesNotHave() throws {
        let written: JSON = [
            "metadata": ["name": "n", "labels": ["a": ""], "color": "red"],
            "spec": ["taints": [], "unschedulable": false],
            "kind": "Node",
        ]
        let decoded = try Decoding(.node).decode(written)
        #expect(
            decoded == [
                "apiVersion": "v1", "kind": "Node", "metadata": ["name": "n", "labels": ["a": ""]], "spec": [:],
                "status": [:],
            ]
        )
        #expect(throws: APIFailure.self) { try Decoding(.node).decode(written, strict: true) }
    }

    @Test func refusesAValueOfAnotherType() {
        #expect {
            try Decoding(.node).decode(["metadata": ["labels": ["a": true]]])
        } throws: { error in
            (error as? APIFailure)?.message
                == "Node in version \"v1\" cannot be handled as a Node: json: cannot unmarshal bool into Go struct field "
                + "ObjectMeta.metadata.labels of type string"
        }
    }
}
