import FoundationEssentials
import Glibc
import NodeModel
import TestSupport
import Testing

/// A kill at a random moment inside a step.
struct KillInside: Sendable {
    var step: StepID
    /// How long the step usually takes, in seconds.
    var seconds: Double
    /// It decides the moment, and whether only the agent dies, or all that it started.
    var seed: UInt64

    /// What was killed, and whether the kill came when it should.
    struct Outcome: CustomStringConvertible {
        var description: String
        var isHit: Bool
    }

    /// Starts an install, and kills it.
    ///
    /// `sooner` says how often the time until the kill is halved. `hasBegun` tells whether the install is inside the step;
    /// nil for what the journal says.
    func run(
        on node: SimulatedNode,
        _ options: [String],
        sooner: Int,
        hasBegun: (@Sendable () -> Bool)? = nil
    ) async throws -> Outcome {
        var random = SeededGenerator(seed: seed)
        let moment = Duration.seconds(Double.random(in: 0.02..<0.95, using: &random) * seconds / Double(1 << sooner))
        let everything = random.once(in: 2)
        let isInside = hasBegun ?? { node.isInside(step) }
        let killed = try await node.agent("install", options) { agent in
            try await until("\(step.rawValue) begins", isInside)
            try await Task.sleep(for: moment)
            kill(agent, SIGKILL)
            if everything { node.killEverything() }
        }
        if everything { try await until("the killed processes are gone") { node.processes() == [] } }
        let what = everything ? "everything" : "the agent"
        return Outcome(
            description: "inside \(step.rawValue), seed \(seed): \(what) after \(moment), \(killed.status)",
            isHit: killed.wasKilled && isInside()
        )
    }
}

extension SimulatedNode {
    /// Whether this step is the last one in the journal and has not ended.
    func isInside(_ step: StepID) -> Bool {
        let journal = text(HostLayout.journal).flatMap { try? JSONDecoder().decode(Journal.self, from: Data($0.utf8)) }
        return journal?.steps.last.map { $0.step == step && $0.state == .started } ?? false
    }
}
