import FoundationEssentials
import SimulatedCluster
import Subprocess
import SystemPackage
import TestSupport
import Testing

private let isKubectlInstalled: Bool = {
    let folders = ProcessInfo.processInfo.environment["PATH"]?.split(separator: ":") ?? []
    return folders.contains { FileManager.default.isExecutableFile(atPath: "\($0)/kubectl") }
}()

/// Runs the real kubectl with the simulated server, to show that the server behaves like a real one.
@Suite(.enabled(if: isKubectlInstalled, "kubectl is not on the path"))
struct KubectlTests {
    struct Outcome {
        var isSuccess: Bool
        var text: String
    }

    private func kubectl(_ arguments: [String], port: Int, home: TemporaryDirectory, authority: String) async throws
        -> Outcome
    {
        let result = try await run(
            .name("kubectl"),
            arguments: Arguments(
                [
                    "--server", "https://127.0.0.1:\(port)", "--certificate-authority", authority, "--token", "admin",
                    "--cache-dir", home.path("cache"), "--request-timeout", "30s",
                ] + arguments
            ),
            environment: .inherit.updating(["HOME": home.path, "KUBECONFIG": home.path("none")]),
            output: .string(limit: 1 << 20),
            error: .string(limit: 1 << 20)
        )
        return Outcome(
            isSuccess: result.terminationStatus.isSuccess,
            text: result.standardOutput + result.standardError
        )
    }

    @Test(.timeLimit(.minutes(3)))
    func labelsTaintsAndPatches() async throws {
        let certificates = try await TestCertificates.shared
        let home = try TemporaryDirectory()
        let server = try SimulatedAPIServer(
            certificate: .init(
                certificateFile: certificates.certificateFile,
                privateKeyFile: certificates.privateKeyFile
            ),
            tokens: ["admin": User("admin", .everything)]
        )
        try await server.seed(node: ["metadata": ["name": "gpu-1", "labels": ["a": "1"]]])
        let port = try await server.start()
        let steps: [(arguments: [String], isSuccess: Bool, text: String)] = [
            (["get", "nodes", "-o", "name"], true, "node/gpu-1"),
            (["get", "nodes", "-l", "a=1"], true, "STATUS"),
            (["get", "nodes", "-o", "wide"], true, "CONTAINER-RUNTIME"),
            (["label", "node", "gpu-1", "example.com/b=2", "a-"], true, "labeled"),
            (["get", "node", "gpu-1", "-o", "jsonpath={.metadata.labels}"], true, #"{"example.com/b":"2"}"#),
            (["annotate", "node", "gpu-1", "c=3"], true, "annotated"),
            (["taint", "node", "gpu-1", "gpu=none:NoSchedule"], true, "tainted"),
            (["cordon", "gpu-1"], true, "cordoned"),
            (["patch", "node", "gpu-1", "-p", #"{"metadata":{"labels":{"d":"4"}}}"#], true, "patched"),
            (
                ["patch", "node", "gpu-1", "--type=json", "-p", #"[{"op":"test","path":"/kind","value":"Pod"}]"#],
                false,
                "request"  // "the server rejected our request", or "The request is invalid" of older ones
            ),
            (["get", "node", "gpu-1"], true, "Unknown,SchedulingDisabled"),
            (["describe", "node", "gpu-1"], true, "gpu=none:NoSchedule"),
            (["taint", "node", "gpu-1", "gpu-"], true, "untainted"),
            (["uncordon", "gpu-1"], true, "uncordoned"),
            (["get", "events"], true, "No resources found"),
            (["get", "node", "gpu-2"], false, #"nodes "gpu-2" not found"#),
        ]
        for step in steps {
            let outcome = try await kubectl(
                step.arguments,
                port: port,
                home: home,
                authority: certificates.authorityFile
            )
            #expect(
                outcome.isSuccess == step.isSuccess && outcome.text.contains(step.text),
                "\(step.arguments): \(outcome.text)"
            )
        }
        await server.stop()
        let node = try #require(await server.store.object(ObjectKey(resource: "nodes", name: "gpu-1")))
        #expect(node["spec"] == [:])
        #expect(node[path: ["metadata", "labels"]] == ["example.com/b": "2", "d": "4"])
        let managers = Set(ManagedFieldsTable(of: node).entries.map(\.owner.manager))
        #expect(managers.isSuperset(of: ["kubectl-label", "kubectl-annotate", "kubectl-patch"]))
        #expect(!managers.contains("kubectl-taint"))
    }
}
