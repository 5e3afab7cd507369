/// One step of a plan: an operation as data, with everything that the executor and the journal need.
package struct PlannedStep: Codable, Sendable, Equatable {
    package var id: StepID
    /// What happens, for people: `download NVIDIA-Linux-x86_64-595.91.07-grid-azure.run`.
    package var title: String
    /// What is different on the host afterwards, for people.
    package var changes: String
    /// Whether running GPU work suffers.
    package var disrupts: Bool
    /// Whether the driver on the host is the agent's doing from the start of this step on.
    package var changesDriver: Bool
    /// Whether the step can be done only as long as no other step changed the driver on the host.
    package var needsFormerDriver: Bool
    /// How long each command, job or download of the step may take.
    package var deadlineSeconds: Int
    /// What the executor does, in order.
    package var effects: [Effect]
    package var failure: StepFailure
    /// The steps that take this one back, in order; empty when there is nothing to do or no way to do it.
    ///
    /// They have no inverse of their own.
    package var inverse: [PlannedStep]
    /// What stays changed after the inverse, for people; nil when nothing does.
    package var leaves: String?

    package init(
        id: StepID,
        title: String,
        changes: String,
        disrupts: Bool = false,
        changesDriver: Bool = false,
        needsFormerDriver: Bool = false,
        deadlineSeconds: Int,
        effects: [Effect],
        failure: StepFailure,
        inverse: [PlannedStep] = [],
        leaves: String? = nil
    ) {
        self.id = id
        self.title = title
        self.changes = changes
        self.disrupts = disrupts
        self.changesDriver = changesDriver
        self.needsFormerDriver = needsFormerDriver
        self.deadlineSeconds = deadlineSeconds
        self.effects = effects
        self.failure = failure
        self.inverse = inverse
        self.leaves = leaves
    }

    /// The name of the host's job that does the step; nil when none does.
    package var job: String? {
        effects.lazy.compactMap { effect in
            if case .job(let job) = effect { job.name } else { nil }
        }.first
    }
}

/// What people are told when a step fails.
package struct StepFailure: Codable, Sendable, Equatable {
    package var code: ReasonCode
    /// What failed, as the subject of a sentence: `the installer`, `apt-get purge`.
    package var subject: String
    /// What to do when the error itself says nothing more.
    package var remedy: String

    package init(_ code: ReasonCode, subject: String, remedy: String = "Run 'gpu-agent install'.") {
        self.code = code
        self.subject = subject
        self.remedy = remedy
    }

    private enum CodingKeys: String, CodingKey {
        case code, subject, remedy
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        // A journal of a newer version may name a code that this one does not have.
        code = (try? container.decode(ReasonCode.self, forKey: .code)) ?? .installFailed
        subject = try container.decode(String.self, forKey: .subject)
        remedy = try container.decode(String.self, forKey: .remedy)
    }
}
