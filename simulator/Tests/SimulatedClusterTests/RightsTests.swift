import FoundationEssentials
import SimulatedCluster
import TestSupport
import Testing

/// The agent has the rights of the shipped manifest on the server.
@Suite struct RightsTests {
    private static let manifest = fixture("../../../daemonset/base/rbac.yaml")

    private static func rights(_ file: String = manifest, account: String = "gpu-agent") throws -> Rights {
        try Rights(rbac: file, account: account, in: "gpu-agent")
    }

    static let accesses: [(access: Access, isAllowed: Bool)] = [
        (Access(verb: "get", resource: "nodes", name: "gpu-1"), true),
        (Access(verb: "patch", resource: "nodes", name: "gpu-1"), true),
        (Access(verb: "watch", resource: "nodes", name: "gpu-1"), true),
        (Access(verb: "watch", resource: "nodes"), true),
        (Access(verb: "list", resource: "nodes"), false),
        (Access(verb: "delete", resource: "nodes", name: "gpu-1"), false),
        (Access(verb: "patch", resource: "nodes", subresource: "status", name: "gpu-1"), true),
        (Access(verb: "update", resource: "nodes", subresource: "status", name: "gpu-1"), false),
        (Access(verb: "get", resource: "nodes", subresource: "status", name: "gpu-1"), false),
        (Access(verb: "create", resource: "events", namespace: "default"), true),
        (Access(verb: "create", resource: "events", namespace: "kube-system"), false),
        (Access(verb: "patch", resource: "events", namespace: "default"), false),
        (Access(verb: "create", group: "events.k8s.io", resource: "events", namespace: "default"), false),
        (Access(verb: "get", resource: "secrets", namespace: "gpu-agent", name: "x"), false),
    ]

    @Test(arguments: accesses)
    func areThoseOfTheShippedManifest(_ access: Access, _ isAllowed: Bool) throws {
        #expect(try Self.rights().allow(access) == isAllowed, "\(access)")
    }

    @Test func aVerbThatIsTakenOutOfTheManifestIsNoRightAnyMore() throws {
        let directory = try TemporaryDirectory()
        let text = try String(contentsOfFile: Self.manifest, encoding: .utf8)
        #expect(text.contains("- watch"))
        try directory.write("rbac.yaml", text.replacing("- watch", with: "- nothing"))
        let rights = try Self.rights(directory.path("rbac.yaml"))
        #expect(!rights.allow(Access(verb: "watch", resource: "nodes", name: "gpu-1")))
        #expect(rights.allow(Access(verb: "get", resource: "nodes", name: "gpu-1")))
    }

    @Test func aFileThatGivesNoRightIsAnError() throws {
        #expect(throws: YAMLFileError.self) { try Self.rights(account: "somebody") }
        #expect(throws: YAMLFileError.self) { try Self.rights("/nonexistent.yaml") }
        let directory = try TemporaryDirectory()
        try directory.write("rbac.yaml", "kind: [ClusterRole\n")
        #expect(throws: YAMLFileError.self) { try Self.rights(directory.path("rbac.yaml")) }
    }
}
