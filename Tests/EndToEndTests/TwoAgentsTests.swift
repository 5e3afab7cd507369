import NodeModel
import Testing

/// Two agents on one host.
@Suite(.onSimulatedNodes, .timeLimit(.minutes(10)))
struct TwoAgentsTests {
    @Test func onlyOneInstallsAndTheOthersWaitOrSayWhoDoes() async throws {
        let uninterrupted = try await Uninterrupted.shared()
        try await SimulatedNode.with(set: ["installer-slow=4"]) { node in
            let first = try await node.agent("install") { agent in
                try await until("the installer runs") {
                    node.text(HostLayout.installerLog)?.contains("Building kernel modules") == true
                }
                let impatient = try await node.agent("install", ["--lock-wait", "0s"])
                impatient.expectExit(1)
                #expect(impatient.errors.contains("host-locked"))
                #expect(impatient.errors.contains("\(agent) \(Programs.agent) install"))
                let patient = try await node.agent("install", ["--lock-wait", "90s"])
                patient.expectExit(0)
                #expect(patient.output.hasPrefix("ready: "))
                #expect(patient.errors.hasPrefix("waiting for another process that changes the host (\(agent) "))
                #expect(patient.errors.split(separator: "\n").count == 1)
            }
            first.expectExit(0)
            #expect(first.output.hasPrefix("ready: "))
            try await node.expectWholeInstall(like: uninterrupted)
            #expect(node.moduleLoads() == uninterrupted.moduleLoads)
            #expect(try node.requests().count == 1)
        }
    }
}
