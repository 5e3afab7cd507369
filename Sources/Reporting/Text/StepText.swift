import NodeModel
import Support

/// The steps of a plan as text for users, with the commands that they run.
struct StepText {
    var style: Style

    /// The lines of numbered steps.
    func lines(_ steps: [PlannedStep]) -> [String] {
        let width = steps.map(\.id.rawValue.count).max() ?? 0
        return steps.enumerated().map { number, step in
            let disrupts = step.disrupts ? style.yellow("  disrupts running GPU work") : ""
            return "  \(number + 1). \(padded(step.id.rawValue, max(9, width))) \(step.title)\(disrupts)"
                + step.effects.flatMap(details).map { "\n       " + style.faint($0) }.joined()
        }
    }

    /// The lines of problems that prevent the steps.
    func lines(_ problems: [Finding]) -> [String] {
        problems.flatMap { problem in
            [
                "  \(style.red("×")) \(problem.code.rawValue): \(problem.observed)",
                "      expected: \(problem.expected)",
                "      → \(problem.remedy)",
            ]
        }
    }

    /// Returns the details of an effect, with commands in the form in which an operator types them.
    private func details(_ effect: Effect) -> [String] {
        switch effect {
        case .run(let commands): commands.map { "$ " + $0.joined(separator: " ") }
        case .unloadModules(let modules): modules.map { "$ modprobe -r \($0)" }
        case .job(let job):
            // A script is shown line by line.
            job.command.prefix(2) == ["sh", "-ec"]
                ? job.command.dropFirst(2).joined().split(separator: "\n").map { "$ \($0)" }
                : ["$ " + job.command.joined(separator: " ")]
        case .download(let file): file.urls.prefix(1) + ["\(file.digest)"]
        case .record, .forgetEarlierSteps, .makeDirectories, .remove, .forgetJobs, .verify, .unknown: []
        }
    }
}
