import FoundationEssentials
import Kubernetes
import Support
import Testing

@Suite struct KubernetesRequestTests {
    @Test func readsOneNode() {
        let request = KubernetesRequest.node("gpu-1.example.com")
        #expect(request.method == .get)
        #expect(request.target == "/api/v1/nodes/gpu-1.example.com")
        #expect(request.accept == "application/json")
        #expect(request.contentType == nil && request.body == nil)
    }

    @Test func appliesUnderItsOwnName() {
        let body: JSONValue = ["kind": "Node"]
        let request = KubernetesRequest.applyNode("n", body: body, fieldManager: "gpu agent/1", force: true)
        #expect(request.method == .patch)
        #expect(request.target == "/api/v1/nodes/n?fieldManager=gpu%20agent%2F1&force=true")
        #expect(request.contentType == "application/apply-patch+yaml")
        #expect(request.body == body)
    }

    @Test func escapesPointersOfAPatch() throws {
        let request = KubernetesRequest.patchNode(
            "n",
            operations: [
                .test(["metadata", "labels", "example.com/a~b"], "1"),
                .replace(["spec", "taints", "0"], ["key": "k"]),
                .remove(["spec", "unschedulable"]),
            ],
            fieldManager: "m"
        )
        #expect(request.contentType == "application/json-patch+json")
        let text = String(decoding: try #require(request.body).data(), as: UTF8.self)
        #expect(
            text == #"[{"op":"test","path":"/metadata/labels/example.com~1a~0b","value":"1"},"#
                + #"{"op":"replace","path":"/spec/taints/0","value":{"key":"k"}},"#
                + #"{"op":"remove","path":"/spec/unschedulable"}]"#
        )
    }

    @Test func watchesOneNodeOnly() {
        let request = KubernetesRequest.watchNode("n", from: "17", seconds: 290)
        #expect(
            request.target == "/api/v1/nodes?watch=true&fieldSelector=metadata.name%3Dn&resourceVersion=17"
                + "&allowWatchBookmarks=true&timeoutSeconds=290"
        )
    }

    @Test func aPathSegmentCannotLeaveItsPlace() {
        #expect(KubernetesRequest.node("../a?b").target == "/api/v1/nodes/..%2Fa%3Fb")
    }
}

@Suite struct ClusterAccessTests {
    @Test func readsThePodsEnvironment() throws {
        let access = try ClusterAccess.inCluster(
            environment: ["KUBERNETES_SERVICE_HOST": "10.0.0.1", "KUBERNETES_SERVICE_PORT": "443"]
        )
        #expect(access.server == "https://10.0.0.1:443")
        #expect(access.token == .file("/var/run/secrets/kubernetes.io/serviceaccount/token"))
        #expect(access.certificateAuthorityFile == "/var/run/secrets/kubernetes.io/serviceaccount/ca.crt")
    }

    @Test func bracketsAnIPv6Address() throws {
        let access = try ClusterAccess.inCluster(
            environment: ["KUBERNETES_SERVICE_HOST": "fd00::1", "KUBERNETES_SERVICE_PORT": "6443"]
        )
        #expect(access.server == "https://[fd00::1]:6443")
    }

    @Test(arguments: ["KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT"])
    func namesTheMissingVariable(_ missing: String) {
        var environment = ["KUBERNETES_SERVICE_HOST": "10.0.0.1", "KUBERNETES_SERVICE_PORT": "443"]
        environment[missing] = nil
        do throws(KubernetesError) {
            _ = try ClusterAccess.inCluster(environment: environment)
            Issue.record("no failure")
        } catch {
            #expect("\(error)" == "not running in a cluster: \(missing) is not set")
        }
    }
}

@Suite struct JSONValueTests {
    @Test(arguments: [
        "null", "true", "false", "0", "-3", "1.5", "\"1\"", "[]", "{}", "9007199254740993",
        #"{"a":[1,true,null,"x",{}]}"#,
    ])
    func keepsWhatItRead(_ text: String) throws {
        let value = try JSONValue(parsing: Data(text.utf8))
        #expect(String(decoding: try value.data(), as: UTF8.self) == text)
    }

    @Test func tellsNumbersFromTruthValues() throws {
        let value = try JSONValue(parsing: Data(#"[1,true,0,false,1.0]"#.utf8))
        #expect(value.array?.prefix(4) == [.int(1), .bool(true), .int(0), .bool(false)])
    }

    @Test func writingNothingRemovesAMember() {
        var value: JSONValue = ["a": ["b": 1, "c": 2]]
        value["a"]?["b"] = nil
        #expect(value == ["a": ["c": 2]])
        value["a"]?["c"] = .null
        #expect(value == ["a": ["c": .null]])
    }
}
