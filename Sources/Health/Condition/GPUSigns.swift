import NodeModel
import Support

/// What a check reads about each GPU that NVML lists: which GPUs show a problem, and how many could be read.
struct GPUSigns {
    /// The GPUs with the problem, each with its description.
    private(set) var problems: [(subject: String, text: String)] = []
    /// The GPUs about which NVML tells enough to judge them, with or without the problem.
    private(set) var judged = 0

    /// - Parameters:
    ///   - node: The node.
    ///   - judge: The problems of a GPU; an empty list when the GPU has none, and nil when NVML does not tell.
    init(of node: CheckedNode, _ judge: (GPUFacts) -> [String]?) {
        for gpu in node.nvml?.gpus ?? [] {
            guard let found = judge(gpu) else { continue }
            judged += 1
            if !found.isEmpty { problems.append((gpu.label, found.joined(separator: ", "))) }
        }
    }

    /// `GPU 0 (0000:81:00.0), GPU 1 (0000:82:00.0): a row could not be remapped`.
    var text: String {
        grouped(problems).map { "\(shortList($0.subjects)): \($0.text)" }.joined(separator: "; ")
    }

    /// The outcome for a problem with which a GPU still works.
    ///
    /// - Parameters:
    ///   - state: `warning`, or `notice` for a problem that comes and goes with the load.
    ///   - expected: What a GPU without the problem has.
    ///   - remedy: What to do.
    /// - Returns: Nil when NVML tells nothing about any GPU.
    func outcome(_ state: Finding.State = .warning, expected: String, remedy: Remedy) -> Outcome? {
        guard judged > 0 else { return nil }
        return problems.isEmpty
            ? .passed(counted(judged, "GPU"), expected: expected)
            : Outcome(state: state, observed: text, expected: expected, remedy: remedy)
    }

    /// The outcome for a problem with which a GPU must not be used: a warning while other GPUs of the node are left.
    ///
    /// - Returns: Nil when NVML tells nothing about any GPU.
    func severe(on node: CheckedNode, expected: String, remedy: Remedy) -> Outcome? {
        outcome(node.hasUsableGPU ? .warning : .failed, expected: expected, remedy: remedy)
    }
}

extension GPUFacts {
    /// Whether a trait is set; nil when NVML does not tell.
    func isOn(_ trait: GPUTrait) -> Bool? {
        guard case .flag(let isOn) = traits[trait].value else { return nil }
        return isOn
    }

    /// The number of a trait; nil when NVML does not tell.
    func number(_ trait: GPUTrait) -> Int? {
        guard case .number(let number) = traits[trait].value else { return nil }
        return number
    }

    /// The texts for the traits that are set; nil when NVML tells about none of them.
    func texts(of signs: [(trait: GPUTrait, text: String)]) -> [String]? {
        let known = signs.filter { isOn($0.trait) != nil }
        return known.isEmpty ? nil : known.filter { isOn($0.trait) == true }.map(\.text)
    }
}
