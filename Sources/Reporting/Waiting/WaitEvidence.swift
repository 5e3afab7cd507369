package import NodeModel
package import Selection
package import Support

/// Everything on a node that tells `gpu-agent wait` whether its goal is reached.
///
/// An init container may see only a part of it: the files of the agent in `/run/gpu-agent`, or those in
/// `/run/nvidia/validations`. Nothing here calls NVIDIA's libraries.
package struct WaitEvidence: Sendable, Equatable {
    package var now: Timestamp
    /// The results of a daemon in this boot; nil when there are none, or when they cannot be read.
    package var results: DaemonResults?
    /// What the daemon published; nil when it publishes nothing, or when the file cannot be read.
    package var published: PublishedState?
    /// The validation files that exist.
    package var files: Set<HandoverFile>
    /// The version of the driver that is loaded now.
    package var loadedVersion: Reading<String>
    /// What the node waits for before it is ready, as the configuration says.
    package var waitFor: ReadinessPolicy.Offer

    package init(
        now: Timestamp,
        results: DaemonResults? = nil,
        published: PublishedState? = nil,
        files: Set<HandoverFile> = [],
        loadedVersion: Reading<String> = .absent,
        waitFor: ReadinessPolicy.Offer = .none
    ) {
        self.now = now
        self.results = results
        self.published = published
        self.files = files
        self.loadedVersion = loadedVersion
        self.waitFor = waitFor
    }

    /// Whether a goal is reached.
    ///
    /// The results of a daemon that runs win over the validation files, because the GPU Operator does not take its files
    /// away when a GPU fails. What the daemon published wins over its facts where it says that the node works: the facts
    /// also have the GPUs that the configuration ignores.
    package func answer(for goal: WaitGoal) -> WaitAnswer {
        if let results = currentResults, let missing = Self.missingGPU(results.facts) { return .noGPU(missing) }
        if verdict == .noGPU { return .noGPU("the agent found no GPU for it on this node") }
        if let published = publishedAnswer(for: goal) { return .reached(published) }
        let found = currentResults.map { goal.known(in: $0.facts) }
        if case .yes(let how)? = found { return .reached("\(how), in the results of the daemon") }
        if case .no(let why)? = found { return .waiting(explained(why)) }
        if let file = goal.files.first(where: files.contains) {
            return .reached("the file \(file.rawValue) is in /run/nvidia/validations")
        }
        if case .unknown(let why)? = found { return .waiting(explained(why)) }
        return .waiting(explained(whyNoResults))
    }

    /// The results of a daemon that runs, about the driver that is loaded now.
    private var currentResults: DaemonResults? {
        guard let results, results.at.milliseconds <= now.milliseconds, now.milliseconds < results.until.milliseconds
        else { return nil }
        // After a load or an unload, the daemon inspects the node again.
        let isSame = results.facts.driver.loadedVersion.value == loadedVersion.value
        return isSame || loadedVersion.whyUnknown != nil ? results : nil
    }

    private var whyNoResults: String {
        results == nil
            ? "no daemon of the agent has results in this boot, and the validation files are not there"
            : "the results of the daemon are too old, and the validation files are not there"
    }

    /// The verdict that the daemon published; nil when it is not known.
    private var verdict: Verdict? {
        published?.labels.first { $0.key.hasSuffix("/verdict") }.flatMap { Verdict(rawValue: $0.value) }
    }

    /// How a published verdict shows that the goal is reached; nil when it does not.
    private func publishedAnswer(for goal: WaitGoal) -> String? {
        guard let verdict, [.ready, .degraded].contains(verdict), !loadedVersion.isAbsent else { return nil }
        // Results that are too old are those of a daemon that ended, and so is what it published.
        guard results == nil || currentResults != nil else { return nil }
        // A node that waits for what offers its GPUs is ready only after that, once for each boot.
        guard goal != .plugin || waitFor != .none && published?.gpusWorked == true else { return nil }
        return "the daemon published the verdict \(verdict.rawValue)"
    }

    /// What is missing, with what the agent does about it.
    private func explained(_ why: String) -> String {
        guard let verdict, ![.ready, .degraded].contains(verdict) else { return why }
        let ready = published?.conditions?.first { $0.status != .yes }?.message
        return "\(why); the agent says \(verdict.rawValue)" + (ready.map { ": \($0.visible.shortened(to: 300))" } ?? "")
    }

    /// Why the node has no GPU, as far as the facts say it.
    private static func missingGPU(_ facts: NodeFacts) -> String? {
        guard facts.pci.value != nil, facts.unidentified.isEmpty, facts.gpus.isEmpty else { return nil }
        return "no NVIDIA GPU is on the PCI bus"
    }
}
