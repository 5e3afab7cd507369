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
                "      " + style.faint("see \(problem.code.documentation)"),
            ]
        }
    }

    /// Returns a command as an operator types it, and a script line by line.
    ///
    /// A script with arguments is the agent's own, and the title of its step says what it does.
    private func details(_ command: [String]) -> [String] {
        guard command[0] == "sh", ["-c", "-ec"].contains(command.dropFirst().first) else {
            return ["$ " + command.joined(separator: " ")]
        }
        return command.count > 3 ? [] : command.dropFirst(2).joined().split(separator: "\n").map { "$ \($0)" }
    }

    /// Returns the details of an effect, with commands in the form in which an operator types them.
    private func details(_ effect: Effect) -> [String] {
        switch effect {
        case .run(let commands): commands.flatMap(details)
        case .writeFile(let path, _): ["write \(path)"]
        case .writeSecret(let secret): ["write \(secret.path)"]
        case .stopServices(let units): ["$ systemctl stop \(units.joined(separator: " "))"]
        case .unloadModules(let modules): modules.map { "$ modprobe -r \($0)" }
        case .loadModules(let modules): modules.map { "$ modprobe \($0)" }
        case .job(let job): details(job.command)
        case .download(let file): file.urls.prefix(1) + ["\(file.digest)"]
        case .copy(let file): ["\(file.digest)"]
        case .record, .forgetEarlierSteps, .makeDirectories, .remove, .keepOnly, .forgetJobs, .verify, .unknown: []
        }
    }
}
