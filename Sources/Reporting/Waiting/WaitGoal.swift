/// What `gpu-agent wait` waits for.
package enum WaitGoal: String, Codable, Sendable, CaseIterable {
    /// A driver is loaded, and NVML answers with a GPU.
    case driver
    /// CUDA works on every GPU or MIG device.
    case cuda
    /// A device plugin or a DRA driver offers the GPUs to pods.
    case plugin
}

/// What is known about a goal at one moment.
package enum WaitAnswer: Sendable, Equatable {
    /// The goal is reached; the text says how the command knows it.
    case reached(String)
    /// It is not; the text says what is missing, as a clause.
    case waiting(String)
    /// The node has no GPU, so it cannot be reached.
    case noGPU(String)
}

/// The result of `gpu-agent wait`.
package struct WaitDocument: Encodable, Sendable {
    package var apiVersion: String
    package var kind = "Wait"
    package var goal: WaitGoal
    package var reached: Bool
    /// How the command knows it, or what was missing at the end, as a clause.
    package var why: String
    /// How long the command waited.
    package var seconds: Double

    package init(_ goal: WaitGoal, reached: Bool, why: String, seconds: Double, apiVersion: String) {
        self.goal = goal
        self.reached = reached
        self.why = why
        self.seconds = (seconds * 10).rounded() / 10
        self.apiVersion = apiVersion
    }

    package var text: String {
        "\(goal.rawValue): \(reached ? "ready" : "not ready") after \(spoken(seconds: seconds)): \(why)\n"
    }
}
