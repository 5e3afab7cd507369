import FoundationEssentials
import Testing

@testable import Kubernetes

@Suite struct NodeTests {
    private func allocatable(_ status: String) throws -> [String: String] {
        let text = #"{"metadata": {"name": "n"}, "spec": {}, "status": \#(status)}"#
        return try JSONDecoder().decode(Node.self, from: Data(text.utf8)).allocatable
    }

    /// The agent must be able to read a Node whatever its resources are.
    @Test(arguments: [
        (#"{"allocatable": {"cpu": "3920m", "nvidia.com/gpu": "8"}}"#, ["cpu": "3920m", "nvidia.com/gpu": "8"]),
        (#"{"allocatable": {"nvidia.com/gpu": 8, "x": null, "y": {}, "z": 1.5}}"#, ["nvidia.com/gpu": "8"]),
        (#"{"allocatable": null}"#, [:]), ("{}", [:]),
    ])
    func readsWhatPodsCanAskFor(_ status: String, _ quantities: [String: String]) throws {
        #expect(try allocatable(status) == quantities)
    }

    @Test func readsItAlsoWithoutASpec() throws {
        let text = #"{"metadata": {"name": "n"}, "status": {"allocatable": {"nvidia.com/gpu": "1"}}}"#
        let node = try JSONDecoder().decode(Node.self, from: Data(text.utf8))
        #expect(node.allocatable == ["nvidia.com/gpu": "1"])
    }
}
