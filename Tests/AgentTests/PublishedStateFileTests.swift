import GPUNode
import Host
import TestSupport
import Testing

@testable import Agent

@Suite struct PublishedStateFileTests {
    @Test func removesWhatAKilledDaemonLeft() async throws {
        let tree = try TemporaryDirectory()
        try tree.write("run/gpu-agent/.published.json.17.4711.new", "{")
        try tree.write("run/gpu-agent/lock", "")
        let root = try HostRoot(tree.path)
        let file = PublishedStateFile(root: root)
        let state = PublishedState(node: "node-1", at: 1)
        try await file.save(state)
        #expect(try root.list("/run/gpu-agent") == ["lock", "published.json"])
        #expect(await file.load() == state)
    }
}
