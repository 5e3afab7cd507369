import Agent
import ArgumentParser
import Documents
import Health
import NodeModel
import Reporting

/// How far `validate` goes.
enum ValidationLevel: Int, ExpressibleByArgument, CaseIterable {
    /// The files of the host and NVML.
    case nvml = 1
    /// CUDA initializes on each device.
    case light
    /// Each device runs a kernel.
    case full
}

/// The options that say which checks run.
struct ValidationExtent: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "How far to test: 1 NVML, 2 CUDA initializes on each device, 3 each device runs a kernel.",
            discussion: "Only 3 takes memory of the GPUs for a moment, and tests peer access and Vulkan.",
            valueName: "number"
        )
    )
    var level: ValidationLevel = .full

    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp(
            "Further checks: vulkan creates a device on each GPU with Vulkan.",
            discussion: "'checks.vulkan: true' in the configuration has the same effect.",
            valueName: "check"
        )
    )
    var checks: [FurtherCheck] = []

    @Option(
        help: ArgumentHelp(
            "Leave out checks: reason codes or sections, with commas between them. Repeat the option for more.",
            discussion: "The sections are \(Check.Group.allCases.map(\.word).joined(separator: ", ")).",
            valueName: "checks"
        )
    )
    var skip: [String] = []

    /// What is wrong with the options, each as a clause.
    var problems: [String] {
        CheckChoice(skip).unknown.map { word in
            let near = nearest(to: word, in: CheckChoice.words).map { "; did you mean '\($0)'?" } ?? ""
            return "--skip: '\(word)' is neither a reason code nor a section\(near)"
        }
    }

    /// The checks to leave out, each with the reason for people.
    var leftOut: [ReasonCode: String] {
        var reasons: [ReasonCode: String] = [:]
        if level == .nvml {
            for code in [ReasonCode.cudaHang, .cudaFailed, .cudaPeerFailed] { reasons[code] = "left out by --level 1" }
        }
        for code in CheckChoice(skip).codes { reasons[code] = "left out by --skip" }
        return reasons
    }

    func configured(_ prober: Prober) -> Prober {
        var prober = prober
        switch level {
        case .nvml: prober.cuda.level = .off
        case .light: prober.cuda.level = .light
        case .full: prober.cuda.level = .full
        }
        prober.leavesOutVulkan = level != .full
        if checks.contains(.vulkan) { prober.testsVulkan = { true } }
        return prober
    }
}

/// The options that say what a node must be.
struct ValidationDemands: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "What the node must be, such as kind=grid,version=580.65.06,mig=single,gpus=8,type=open,branch=580.",
            discussion: "An expectation that the node does not meet is a check that failed (expectation-not-met).",
            valueName: "key=value"
        )
    )
    var expect: [String] = []

    @Option(
        help: ArgumentHelp(
            "What makes the command fail: failed (a check failed), unknown (also a state that the agent cannot tell), "
                + "or warning (also a node that is degraded).",
            valueName: "severity"
        )
    )
    var failOn: FailOn = .unknown

    var expectations: Expectations { Expectations(expect) }

    /// What is wrong with the options, each as a clause.
    var problems: [String] { expectations.problems.map { "--expect: \($0)" } }
}

extension FailOn: ExpressibleByArgument {}

/// The options for the report.
struct ValidationOutput: ParsableArguments {
    @Option(name: .shortAndLong, help: "The output format: text, json, yaml, junit, tap or github.")
    var output: ValidationFormat = .text

    @Option(
        help: ArgumentHelp(
            "Write the report also into this file, in the output format. It replaces a file that exists.",
            valueName: "file"
        )
    )
    var report: String?
}

enum ValidationFormat: String, ExpressibleByArgument, CaseIterable {
    case text, json, yaml
    /// The XML of JUnit.
    case junit
    /// The Test Anything Protocol.
    case tap
    /// Annotations of GitHub Actions.
    case github
}
