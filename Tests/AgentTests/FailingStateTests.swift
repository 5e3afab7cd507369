import Cluster
import ClusterSupport
import NodeModel
import Reporting
import SimulatedCluster
import Testing

/// The number of requests in every state in which the API server refuses or fails some of them.
@Suite(.timeLimit(.minutes(3)))
struct FailingStateTests {
    /// A failing state: the faults of the API server, and the methods that the agent must still use.
    struct FailingState: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var faults: [Fault]
        var expected: Set<String>
        /// The taint that the agent wants, which the Node does not have.
        var taint: TaintWish

        init(_ name: String, _ expected: Set<String>, taint: TaintWish = .absent, _ faults: Fault...) {
            (testDescription, self.faults, self.expected, self.taint) = (name, faults, expected, taint)
        }
    }

    private static func fault(
        _ status: Int,
        _ method: String? = nil,
        _ target: String? = nil,
        retryAfter: Int? = nil
    ) -> Fault {
        Fault(
            .status(status, message: "an injected fault", retryAfter: retryAfter),
            times: .max,
            method: method,
            target: target
        )
    }

    private static let failingStates = [
        FailingState("watch forbidden", ["GET", "PATCH", "POST"], fault(403, "GET", "watch=true")),
        FailingState("watch unauthorized", ["GET", "PATCH", "POST"], fault(401, "GET", "watch=true")),
        FailingState("watch not found", ["GET", "PATCH", "POST"], fault(404, "GET", "watch=true")),
        FailingState("watch not allowed", ["GET", "PATCH", "POST"], fault(405, "GET", "watch=true")),
        FailingState("watch broken", ["GET", "PATCH", "POST"], fault(500, "GET", "watch=true")),
        FailingState(
            "watch malformed",
            ["GET", "PATCH", "POST"],
            Fault(.garbage("{\n"), times: .max, method: "GET", target: "watch=true")
        ),
        FailingState("get forbidden", ["GET"], fault(403, "GET", "/nodes/")),
        FailingState("patch forbidden", ["GET", "PATCH"], fault(403, "PATCH")),
        FailingState("patch and watch forbidden", ["GET", "PATCH"], fault(403, "PATCH"), fault(403, "GET", "watch=")),
        FailingState("status forbidden", ["GET", "PATCH", "POST"], fault(403, "PATCH", "/status")),
        FailingState("status not found", ["GET", "PATCH", "POST"], fault(404, "PATCH", "/status")),
        FailingState("status broken", ["GET", "PATCH", "POST"], fault(500, "PATCH", "/status")),
        FailingState("status conflict", ["GET", "PATCH", "POST"], fault(409, "PATCH", "/status")),
        FailingState("status busy", ["GET", "PATCH", "POST"], fault(429, "PATCH", "/status", retryAfter: 1)),
        FailingState(
            "status and watch forbidden",
            ["GET", "PATCH", "POST"],
            fault(403, "PATCH", "/status"),
            fault(403, "GET", "watch=")
        ),
        FailingState("events forbidden", ["GET", "PATCH", "POST"], fault(403, "POST")),
        FailingState("unauthorized", ["GET"], fault(401)),
        FailingState("busy", ["GET"], fault(429, retryAfter: 1)),
        FailingState("patch busy", ["GET", "PATCH"], fault(429, "PATCH", retryAfter: 1)),
        FailingState("broken", ["GET"], fault(500)),
        FailingState("missing", ["GET"], fault(404)),
        FailingState("patch broken", ["GET", "PATCH"], fault(500, "PATCH")),
        FailingState("conflict", ["GET", "PATCH"], fault(409, "PATCH")),
        FailingState("conflict of the taint", ["GET", "PATCH"], taint: .present, fault(409, "PATCH")),
        FailingState(
            "failed test",
            ["GET", "PATCH"],
            taint: .present,
            Fault(
                .status(422, message: "the server rejected our request due to an error in our request"),
                times: .max,
                method: "PATCH"
            )
        ),
        FailingState("malformed", ["GET"], Fault(.garbage("{"), times: .max)),
        FailingState("patch malformed", ["GET", "PATCH"], Fault(.garbage("{"), times: .max, method: "PATCH")),
        FailingState("patch dropped", ["GET", "PATCH"], Fault(.drop, times: .max, method: "PATCH")),
    ]

    /// The first seconds are the worst, because the pauses grow.
    ///
    /// Events of devices wake the daemon all the time.
    @Test(arguments: failingStates)
    func noFailingStateCostsMoreThanTenRequestsAMinute(_ state: FailingState) async throws {
        try await TestCluster.with { cluster in
            if state.taint == .absent {
                try await cluster.changeNode(
                    ["spec": ["taints": [["key": "gpu-agent.dev/not-ready", "effect": "NoSchedule"]]]]
                )
            }
            var publication = testPublication
            publication.taint = state.taint
            for fault in state.faults { cluster.server.faults.add(fault) }
            try await withPublisher(cluster, wanting: publication) { publisher in
                let end = ContinuousClock.now + .seconds(10)
                // A busy machine needs longer for the first requests.
                while ContinuousClock.now < end || !state.expected.isSubset(of: requestsOfTheAgent(cluster)),
                    ContinuousClock.now < end + .seconds(40)
                {
                    _ = await publisher.mirror.ownerLabels()
                    try await Task.sleep(for: .milliseconds(500))
                }
            }
            let requests = requestsOfTheAgent(cluster)
            #expect(requests.count <= 10, "\(requests)")
            #expect(state.expected == Set(requests), "\(requests)")
        }
    }
}
