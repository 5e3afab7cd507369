/// A file in `/run/nvidia/validations` that pods wait for.
package enum HandoverFile: String, Codable, Sendable, CaseIterable {
    /// The operator's DRA driver waits for it, and the entry points of its other pods read it.
    case driverReady = "driver-ready"
    /// The operator's device plugin, feature discovery, DCGM and MIG manager wait for it.
    case toolkitReady = "toolkit-ready"
    /// Init containers of other pods wait for these two.
    case cudaReady = "cuda-ready"
    case pluginReady = "plugin-ready"
}

/// What should be on the host for the pods of the GPU Operator.
package struct HandoverPlan: Sendable, Equatable {
    /// What to do about something on the host.
    package enum Wish: String, Sendable {
        case present
        /// It goes, if the agent made it.
        case absent
        /// It stays as it is, because what should be there is not known.
        case keep
    }

    /// The content of each file that should exist.
    package var files: [HandoverFile: String] = [:]
    /// The files that stay as they are.
    package var kept: Set<HandoverFile> = []
    /// Why, as a clause.
    package var why: String

    /// The first line of each file that the agent makes.
    ///
    /// The readers take it as a comment of YAML or of a shell.
    package static let firstLine = "# gpu-agent made this file, and removes it when the GPUs do not work"

    init(why: String) {
        self.why = why
    }

    static func nothing(_ why: String) -> HandoverPlan { HandoverPlan(why: why) }

    static func keep(_ why: String) -> HandoverPlan {
        var plan = HandoverPlan(why: why)
        plan.kept = Set(HandoverFile.allCases)
        return plan
    }

    package func wish(for file: HandoverFile) -> Wish {
        files[file] != nil ? .present : kept.contains(file) ? .keep : .absent
    }

    /// Adds a file that should exist, with these lines.
    mutating func make(_ file: HandoverFile, _ lines: [String] = []) {
        files[file] = ([Self.firstLine] + lines).map { $0 + "\n" }.joined()
    }
}
