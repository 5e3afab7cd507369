import FoundationEssentials
import SimulatedCluster
import Testing

@Suite struct PatchTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var document: String
        var patch: String
        /// nil when the patch must fail.
        var result: String?

        init(_ document: String, _ patch: String, _ result: String?) {
            self.document = document
            self.patch = patch
            self.result = result
        }

        var testDescription: String { "\(patch) on \(document)" }
    }

    private func json(_ text: String) throws -> JSON { try JSON(parsing: Data(text.utf8)) }

    @Test(arguments: [
        Case(#"{"a":1}"#, #"[{"op":"add","path":"/b","value":2}]"#, #"{"a":1,"b":2}"#),
        Case(#"{"a":1}"#, #"[{"op":"add","path":"/a","value":2}]"#, #"{"a":2}"#),
        Case(#"{"a":[1,3]}"#, #"[{"op":"add","path":"/a/1","value":2}]"#, #"{"a":[1,2,3]}"#),
        Case(#"{"a":[1]}"#, #"[{"op":"add","path":"/a/-","value":2}]"#, #"{"a":[1,2]}"#),
        Case(#"{"a":[1]}"#, #"[{"op":"add","path":"/a/1","value":2}]"#, #"{"a":[1,2]}"#),
        Case(#"{"a":[1]}"#, #"[{"op":"add","path":"/a/2","value":2}]"#, nil),
        Case(#"{"a":[1]}"#, #"[{"op":"add","path":"/a/00","value":2}]"#, nil),
        Case(#"{}"#, #"[{"op":"add","path":"/labels/a","value":"1"}]"#, nil),
        Case(#"{"a":1}"#, #"[{"op":"add","path":"","value":{"b":1}}]"#, #"{"b":1}"#),
        Case(#"{"a":1}"#, #"[{"op":"replace","path":"/a","value":null}]"#, #"{"a":null}"#),
        Case(#"{"a":1}"#, #"[{"op":"replace","path":"/b","value":2}]"#, #"{"a":1,"b":2}"#),
        Case(#"{"a":[1,2]}"#, #"[{"op":"replace","path":"/a/1","value":3}]"#, #"{"a":[1,3]}"#),
        Case(#"{"a":1,"b":2}"#, #"[{"op":"remove","path":"/a"}]"#, #"{"b":2}"#),
        Case(#"{"a":[1,2,3]}"#, #"[{"op":"remove","path":"/a/0"}]"#, #"{"a":[2,3]}"#),
        Case(#"{"a":1}"#, #"[{"op":"remove","path":"/b"}]"#, nil),
        Case(#"{"x/y":1,"m~n":2}"#, #"[{"op":"remove","path":"/x~1y"},{"op":"remove","path":"/m~0n"}]"#, "{}"),
        Case(#"{"~1":1}"#, #"[{"op":"test","path":"/~01","value":1}]"#, #"{"~1":1}"#),
        Case(#"{"a":{"b":1}}"#, #"[{"op":"test","path":"/a","value":{"b":1}}]"#, #"{"a":{"b":1}}"#),
        Case(#"{"a":1}"#, #"[{"op":"test","path":"/a","value":"1"}]"#, nil),
        Case(#"{"a":1}"#, #"[{"op":"test","path":"/b","value":null}]"#, #"{"a":1}"#),
        Case(#"{"a":1}"#, #"[{"op":"add","path":"/b","value":2},{"op":"test","path":"/a","value":2}]"#, nil),
        Case(#"{"a":{"b":1},"c":{}}"#, #"[{"op":"move","from":"/a/b","path":"/c/d"}]"#, #"{"a":{},"c":{"d":1}}"#),
        Case(#"{"a":{"b":1}}"#, #"[{"op":"copy","from":"/a","path":"/c"}]"#, #"{"a":{"b":1},"c":{"b":1}}"#),
        Case(#"{"a":1}"#, #"[{"op":"copy","from":"/x","path":"/c"}]"#, nil),
        Case(#"{"a":1}"#, #"[{"op":"grow","path":"/a"}]"#, nil),
        Case(#"{"a":1}"#, #"[{"op":"add","path":"/b"}]"#, nil),
        Case(#"{"a":1}"#, #"[{"op":"remove","path":"a"}]"#, nil),
        Case(#"{"a":1}"#, #"{"op":"remove","path":"/a"}"#, nil),
    ])
    func jsonPatch(_ test: Case) throws {
        let document = try json(test.document)
        let patch = try json(test.patch)
        let expected = try test.result.map(json)
        do throws(JSONPatch.Failure) {
            let result = try JSONPatch(json: patch).apply(to: document)
            #expect(result == expected)
        } catch {
            #expect(expected == nil, "\(error)")
        }
    }

    @Test(arguments: [
        Case(#"{"a":"b"}"#, #"{"a":"c"}"#, #"{"a":"c"}"#),
        Case(#"{"a":"b","b":"c"}"#, #"{"a":null}"#, #"{"b":"c"}"#),
        Case(#"{"a":["b"]}"#, #"{"a":["c","d"]}"#, #"{"a":["c","d"]}"#),
        Case(#"{"a":{"b":"c"}}"#, #"{"a":{"b":null,"d":1}}"#, #"{"a":{"d":1}}"#),
        Case(#"{"a":"x"}"#, #"{"a":{"b":{"c":null}}}"#, #"{"a":{"b":{}}}"#),
        Case(#"{"e":null}"#, #"{"a":1}"#, #"{"e":null,"a":1}"#),
    ])
    func mergePatch(_ test: Case) throws {
        let result = MergePatch.apply(try json(test.patch), to: try json(test.document))
        #expect(result == (try json(test.result ?? "")))
    }

    @Test(arguments: [
        Case(
            #"{"metadata":{"labels":{"a":"1"}}}"#,
            #"{"metadata":{"labels":{"a":null,"b":"2"}}}"#,
            #"{"metadata":{"labels":{"b":"2"}}}"#
        ),
        Case(
            #"{"spec":{"taints":[{"key":"a","effect":"NoSchedule"}]}}"#,
            #"{"spec":{"taints":[{"key":"b","effect":"NoSchedule"}]}}"#,
            #"{"spec":{"taints":[{"key":"b","effect":"NoSchedule"}]}}"#
        ),
        Case(#"{"spec":{"taints":[{"key":"a"}]}}"#, #"{"spec":{"taints":null}}"#, #"{"spec":{}}"#),
        Case(
            #"{"status":{"conditions":[{"type":"A","status":"1"},{"type":"B","status":"1"}]}}"#,
            #"{"status":{"$setElementOrder/conditions":[{"type":"B"}],"conditions":[{"type":"B","status":"2"},{"type":"C"}]}}"#,
            #"{"status":{"conditions":[{"type":"A","status":"1"},{"type":"B","status":"2"},{"type":"C"}]}}"#
        ),
        Case(
            #"{"status":{"conditions":[{"type":"A"},{"type":"B"}]}}"#,
            #"{"status":{"conditions":[{"$patch":"delete","type":"A"}]}}"#,
            #"{"status":{"conditions":[{"type":"B"}]}}"#
        ),
        Case(
            #"{"metadata":{"finalizers":["a"]}}"#,
            #"{"metadata":{"finalizers":["b"]}}"#,
            #"{"metadata":{"finalizers":["a","b"]}}"#
        ),
        Case(
            #"{"metadata":{"finalizers":["a","b"]}}"#,
            #"{"metadata":{"$deleteFromPrimitiveList/finalizers":["a"]}}"#,
            #"{"metadata":{"finalizers":["b"]}}"#
        ),
        Case(
            #"{"metadata":{"labels":{"a":"1"}}}"#,
            #"{"metadata":{"labels":{"$patch":"replace","b":"2"}}}"#,
            #"{"metadata":{"labels":{"b":"2"}}}"#
        ),
    ])
    func strategicMergePatch(_ test: Case) throws {
        let result = try StrategicMergePatch.apply(try json(test.patch), to: try json(test.document), schema: .node)
        #expect(result == (try json(test.result ?? "")))
    }
}
