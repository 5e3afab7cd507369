package import Catalog
package import NodeModel
package import Selection

/// What a step does, with everything the executor needs to do it.
package enum StepAction: Sendable, Equatable {
    /// Write into the journal that an install begins.
    case begin(InstallRecord)
    /// Fetch the package, verified while it streams.
    case download(Artifact)
    /// Remove those of these kernel modules that are loaded, in this order, or none of them.
    ///
    /// `modprobe -r` fails for a module that is not installed, and no driver has all of these.
    case unload([String])
    /// Run commands on the host, one after another; each must succeed.
    case run([[String]], failure: ReasonCode)
    /// Run a command as a job of the host that outlives the agent.
    case job(name: String, command: [String], failure: ReasonCode)
    /// Look at the node again and judge what is seen.
    case verify
    /// Write into the journal that the install is complete, and remove the package.
    case finish(InstallRecord, package: String)
}

extension StepAction: Encodable {
    private enum Key: String, CodingKey {
        case action, artifact, commands, job, modules
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        switch self {
        case .begin: try container.encode("begin", forKey: .action)
        case .download(let artifact):
            try container.encode("download", forKey: .action)
            try container.encode(artifact, forKey: .artifact)
        case .unload(let modules):
            try container.encode("unload", forKey: .action)
            try container.encode(modules, forKey: .modules)
        case .run(let commands, failure: _):
            try container.encode("run", forKey: .action)
            try container.encode(commands, forKey: .commands)
        case .job(let name, let command, failure: _):
            try container.encode("job", forKey: .action)
            try container.encode(name, forKey: .job)
            try container.encode([command], forKey: .commands)
        case .verify: try container.encode("verify", forKey: .action)
        case .finish: try container.encode("finish", forKey: .action)
        }
    }
}

/// One step of a plan.
package struct PlannedStep: Encodable, Sendable, Equatable {
    package var id: StepID
    /// What happens, for people: `download NVIDIA-Linux-x86_64-595.91.07-grid-azure.run`.
    package var title: String
    /// What is different on the host afterwards.
    package var changes: String
    /// Whether running GPU work suffers.
    package var disrupts: Bool
    package var deadlineSeconds: Int
    /// How to take it back by hand; nil when there is nothing to take back.
    package var undo: String?
    package var action: StepAction

    package init(
        id: StepID,
        title: String,
        changes: String,
        disrupts: Bool = false,
        deadlineSeconds: Int,
        undo: String? = nil,
        action: StepAction
    ) {
        self.id = id
        self.title = title
        self.changes = changes
        self.disrupts = disrupts
        self.deadlineSeconds = deadlineSeconds
        self.undo = undo
        self.action = action
    }
}

/// What the agent would do on a node now.
package struct Plan: Encodable, Sendable, Equatable {
    package var apiVersion: String
    package var kind: String
    package var decision: Decision
    /// In order; empty when there is nothing to do.
    package var steps: [PlannedStep]
    /// What keeps the host from taking the driver now: the preflight's findings.
    package var problems: [Finding]

    package init(decision: Decision, steps: [PlannedStep], problems: [Finding]) {
        apiVersion = NodeFacts.currentAPIVersion
        kind = "Plan"
        self.decision = decision
        self.steps = steps
        self.problems = problems
    }

    /// Everything in the way: what blocks the decision, and what the preflight found.
    package var obstacles: [Finding] { decision.problems + problems }
}

/// A command as a line of a shell script.
func shellLine(_ command: [String]) -> String {
    command.map { word in
        let plain = word.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "-_./=:+,@%".contains($0)) }
        return plain && !word.isEmpty
            ? word
            : "'"
                + word.split(separator: "'", omittingEmptySubsequences: false)
                .joined(separator: "'\\''") + "'"
    }.joined(separator: " ")
}
