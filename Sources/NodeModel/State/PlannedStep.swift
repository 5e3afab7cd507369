/// A step of a plan: an operation as data, with everything that the executor and the journal need.
package struct PlannedStep: Codable, Sendable, Equatable {
    package var id: StepID
    /// What the step does, as a text for the output: `download NVIDIA-Linux-x86_64-595.91.07-grid-azure.run`.
    package var title: String
    /// What the step changes on the host, as a text for the output.
    package var changes: String
    /// Whether the step disrupts running GPU work.
    package var disrupts: Bool
    /// Whether the agent is responsible for the driver on the host from the start of this step.
    package var changesDriver: Bool
    /// Whether the step is possible only before another step has changed the driver on the host.
    package var needsFormerDriver: Bool
    /// The deadline of each command, job or download of the step.
    package var deadlineSeconds: Int
    /// The effects that the executor executes, in order.
    package var effects: [Effect]
    package var failure: StepFailure
    /// The steps that undo this one, in order; empty when there is nothing to undo or it is not possible.
    ///
    /// These steps have no inverse.
    package var inverse: [PlannedStep]
    /// What stays changed after the inverse, as a text for the output; nil when nothing does.
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

    /// The services that the step stops; empty when it stops none.
    package var stoppedServices: [String] {
        effects.flatMap { effect -> [String] in
            if case .stopServices(let units) = effect { units } else { [] }
        }
    }

    /// The download of the next step that can run during this one; nil when the next step must wait.
    ///
    /// The packages for the build and the driver package do not need each other, and both mostly wait for the network.
    /// Undoing `begin` removes what such a download leaves.
    package func downloadMeanwhile(for next: PlannedStep) -> Effect.Download? {
        guard id == .buildPackages else { return nil }
        return next.effects.lazy.compactMap { effect in
            if case .download(let file) = effect { file } else { nil }
        }.first
    }

    /// The name of the job that executes the step; nil when the step has no job.
    package var job: String? {
        effects.lazy.compactMap { effect in
            if case .job(let job) = effect { job.name } else { nil }
        }.first
    }
}

/// What the agent reports when a step fails.
package struct StepFailure: Codable, Sendable, Equatable {
    package var code: ReasonCode
    /// The program or step that fails, as the subject of a sentence: `the installer`, `apt-get purge`.
    package var subject: String
    /// The remedy, unless the error itself has a more specific one.
    package var remedy: String
    /// Whether the kernel log can say why the step failed.
    package var readsKernelLog: Bool
    /// The exit statuses of the step's job that have a problem of their own; nil when there are none.
    package var exits: [ExitMeaning]?

    package init(
        _ code: ReasonCode,
        subject: String,
        remedy: String = "Run 'gpu-agent install'.",
        readsKernelLog: Bool = false,
        exits: [ExitMeaning]? = nil
    ) {
        self.code = code
        self.subject = subject
        self.remedy = remedy
        self.readsKernelLog = readsKernelLog
        self.exits = exits
    }

    private enum CodingKeys: String, CodingKey {
        case code, subject, remedy, readsKernelLog, exits
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        // A journal of a newer version can contain a code that this version does not have.
        code = (try? container.decode(ReasonCode.self, forKey: .code)) ?? .installFailed
        subject = try container.decode(String.self, forKey: .subject)
        remedy = try container.decode(String.self, forKey: .remedy)
        readsKernelLog = try container.decodeIfPresent(Bool.self, forKey: .readsKernelLog) ?? false
        exits = try container.decodeIfPresent([ExitMeaning].self, forKey: .exits)
    }
}

/// What an exit status of a job means.
///
/// The job prints the observation as a line that begins with `ERROR:`.
package struct ExitMeaning: Codable, Sendable, Equatable {
    package var status: Int
    package var code: ReasonCode
    package var expected: String
    package var remedy: String

    package init(_ status: Int, _ code: ReasonCode, expected: String, remedy: String) {
        self.status = status
        self.code = code
        self.expected = expected
        self.remedy = remedy
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        status = try container.decode(Int.self, forKey: .status)
        // A journal of a newer version can contain a code that this version does not have.
        code = (try? container.decode(ReasonCode.self, forKey: .code)) ?? .installFailed
        expected = try container.decode(String.self, forKey: .expected)
        remedy = try container.decode(String.self, forKey: .remedy)
    }
}
