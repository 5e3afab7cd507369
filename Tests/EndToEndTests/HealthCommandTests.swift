import Testing

/// `gpu-agent health` on the simulated node, whose kernel log is a file.
@Suite(.serialized) struct HealthCommandTests {
    private struct Printed: Decodable {
        struct Event: Decodable {
            struct End: Decodable {
                var way: String
                var reason: String?
                var user: String?
            }

            var address: String
            var code: Int?
            var count: Int
            var end: End?
        }

        struct Fault: Decodable {
            var event: Event
            var `class`: String
            var why: String
            var waitsFor: String
        }

        var faults: [Fault]
        var history: [Event]
        var cleared: [Event]?
    }

    private func health(_ node: SimulatedNode) async throws -> Printed {
        let run = try await node.agent("health", ["-o", "json"])
        run.expectExit(0)
        return try run.decoded()
    }

    @Test func anErrorIsFoundClearedAndComesBack() async throws {
        try await SimulatedNode.with("two-h100") { node in
            try await node.agent("install").expectExit(0)
            try await node.logToKernel(0, "Linux version")
            try await node.logToKernel(1, "NVRM: Xid (PCI:0000:81:00): 54, pid=7, name=python, power cable")
            try await node.logToKernel(2, "NVRM: Xid (PCI:0000:41:00): 31, pid=7, name=python, MMU Fault")
            let status = try await node.status()
            #expect(status.verdict == "degraded")
            #expect(status.findings.first { $0.code == "xid-hardware" }?.state == "warning")
            #expect(status.findings.first { $0.code == "xid-application" }?.state == "notice")
            let found = try await health(node)
            #expect(found.faults.map(\.class) == ["hardware", "application"])
            #expect(found.faults.map(\.waitsFor) == ["person", "time"])
            #expect(found.faults.first?.event.address == "0000:81:00.0")
            #expect(!node.exists("/var/lib/gpu-agent/gpu-events.json"), "a command that reads writes nothing")

            let options = ["--host-pid", "\(node.pid)", "-o", "json"]
            let clear = [Programs.agent, "health", "clear", "0000:81:00.0", "--reason", " cable replaced "] + options
            let cleared = try await runProgram(clear)
            cleared.expectExit(0)
            #expect(cleared.output.contains("\"reason\" : \"cable replaced\""))
            #expect(try await node.status().verdict == "ready")
            let after = try await health(node)
            #expect(after.faults.map(\.class) == ["application"])
            #expect(after.history.first { $0.code == 54 }?.end?.reason == "cable replaced")
            #expect(after.history.first { $0.code == 54 }?.end?.user == "root")
            try await runProgram(clear).expectExit(1)

            try await node.logToKernel(3, "NVRM: Xid (PCI:0000:81:00): 54, pid=7, name=python, power cable")
            #expect(try await health(node).faults.map(\.class) == ["hardware", "application"])
        }
    }

    /// The driver reports an error of the only GPU: it is not ready until the driver was loaded again and CUDA works.
    @Test func aLoadOfTheDriverIsAReset() async throws {
        try await SimulatedNode.with("h100") { node in
            try await node.agent("install").expectExit(0)
            let xid = "NVRM: Xid (PCI:0001:00:00): 119, pid=7, name=python, Timeout after 45s of waiting"
            try await node.logToKernel(1, xid)
            let status = try await node.status()
            #expect(status.verdict == "not-ready" && status.reason == "xid-gpu-reset")
            try await node.logToKernel(2, "NVRM: loading NVIDIA UNIX Open Kernel Module for x86_64  580.159.04")
            #expect(try await node.status().verdict == "ready")
        }
    }

    @Test func aReasonIsNeeded() async throws {
        try await runProgram([Programs.agent, "health", "clear", "0000:81:00.0"]).expectExit(2)
        try await runProgram([Programs.agent, "health", "clear", "0000:81:00.0", "--reason", " "]).expectExit(2)
    }
}
