import SimulatedCluster
import Testing

@Suite struct SelectorTests {
    @Test(arguments: [
        ("", true), ("a=1", true), ("a==1", true), ("a=2", false), ("a!=2", true), ("b!=2", true), ("a", true),
        ("b", false), ("!b", true), ("!a", false), ("a in (1,2)", true), ("a in (2)", false), ("a notin (2,3)", true),
        ("b notin (2)", true), ("a=1,c=3", true), ("a=1,c=4", false), ("a in (1,2),c", true),
    ])
    func selectsByLabels(_ text: String, _ expected: Bool) throws {
        #expect(try Selector.labels(text).matches(labels: ["a": "1", "c": "3"]) == expected)
    }

    @Test(arguments: [
        ("metadata.name=n", true), ("metadata.name!=n", false), ("spec.unschedulable=false", true),
        ("metadata.name=n,spec.unschedulable=true", false),
    ])
    func selectsByFields(_ text: String, _ expected: Bool) throws {
        let node: JSON = ["metadata": ["name": "n"], "spec": [:]]
        #expect(try Selector.fields(text, of: .node).matches(fieldsOf: node) == expected)
    }

    @Test func refusesAFieldThatIsNotIndexed() {
        #expect {
            try Selector.fields("status.phase=x", of: .node)
        } throws: { error in
            (error as? APIFailure)?.message == "field label not supported: status.phase"
        }
    }
}
