import FoundationEssentials
import NodeModel
import Planning
import Support
import TestSupport
import Testing

/// Undoes an install from each of its steps.
@Suite struct UndoTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var facts: NodeFacts
        var takesOver: DriverOwner?
        /// The steps that undo an install that has started this step.
        ///
        /// Other steps have the value of the step before.
        var back: [StepID: [String]]
        /// The steps of the whole install that leave changes.
        var left: [String]
    }

    static let cases = [
        Case(
            testDescription: "a host without a driver",
            facts: .rtxProVGPU,
            back: [
                .begin: ["forget"],
                .download: ["remove-package", "forget"],
                .install: ["uninstall", "remove-package", "forget"],
                .load: ["unload", "uninstall", "remove-package", "forget"],
            ],
            left: []
        ),
        Case(
            testDescription: "the agent's own driver is replaced",
            facts: Installs.own,
            back: [
                .begin: ["forget"],
                .download: ["remove-package", "forget"],
                .unload: ["load", "remove-package", "forget"],
                .install: ["uninstall", "remove-package", "forget"],
                .load: ["unload", "uninstall", "remove-package", "forget"],
            ],
            left: ["install", "unload"]
        ),
        Case(
            testDescription: "another owner's driver is replaced",
            facts: Installs.foreign,
            takesOver: .runfile,
            back: [
                .begin: ["forget"],
                .download: ["remove-package", "forget"],
                .unload: ["load", "remove-package", "forget"],
                .remove: ["remove-package", "forget"],
                .install: ["uninstall", "remove-package", "forget"],
                .load: ["unload", "uninstall", "remove-package", "forget"],
            ],
            left: ["remove", "unload"]
        ),
    ]

    @Test(arguments: cases)
    func goesBackFromEveryStep(_ row: Case) {
        let plan = Installs.plan(row.facts, takesOver: row.takesOver)
        #expect(Set(plan.steps.map(\.id)).isSuperset(of: row.back.keys))
        var expected: [String] = []
        for (index, step) in plan.steps.enumerated() {
            expected = row.back[step.id] ?? expected
            for cutOff in [false, true] {
                let undo = Undo(journal: Installs.journal(plan, steps: index + 1, cutOff: cutOff))
                #expect(undo.steps.map(\.id.rawValue) == expected, "at step \(step.id.rawValue)")
                #expect(undo.problem == nil)
            }
        }
        let whole = Undo(journal: Installs.journal(plan, steps: plan.steps.count))
        #expect(whole.left.map(\.step.rawValue) == row.left)
    }

    @Test func leavesTheHostAsItWas() {
        for row in Self.cases {
            let plan = Installs.plan(row.facts, takesOver: row.takesOver)
            let before = ModelHost(row.facts)
            for count in 1...plan.steps.count {
                var host = before
                for step in plan.steps.prefix(count) { host.apply(step.effects) }
                let undo = Undo(journal: Installs.journal(plan, steps: count))
                for step in undo.steps { host.apply(step.effects) }
                var expected = before
                // What is left is what the recipe says is left.
                let left = Set(undo.left.map(\.step))
                if !left.isDisjoint(with: [.install, .remove]) { (expected.drivers, expected.record) = ([], nil) }
                if left.contains(.unload) { expected.modules = [] }
                #expect(host == expected, "\(row.testDescription), after \(count) steps")
            }
        }
    }

    @Test func bringsTheFormerRecordBackOnlyWithItsDriver() {
        let plan = Installs.plan(Installs.own)
        let former = Installs.own.driver.record.value
        #expect(former?.version == "580.105.08")
        let unloaded = Undo(journal: Installs.journal(plan, steps: 3))
        #expect(unloaded.steps.last?.effects.contains(.record(former)) == true)
        let installed = Undo(journal: Installs.journal(plan, steps: 4, cutOff: true))
        #expect(installed.steps.last?.effects.contains(.record(nil)) == true)
        #expect(installed.left.contains { $0.what.contains("580.105.08 is not restored") })
    }

    @Test func namesTheStepsOfAnEarlierVersion() {
        let steps = [StepID.begin, .download].map {
            StepRecord(step: $0, state: .done, startedAt: Timestamp(1))
        }
        let undo = Undo(journal: Journal(steps: steps))
        #expect(undo.steps.isEmpty && undo.problem == nil)
        #expect(undo.left.map(\.step) == [.download, .begin])
        #expect(Undo(journal: Journal()) == Undo(journal: Journal(steps: [])))
    }

    @Test func refusesEffectsThatItDoesNotKnow() throws {
        var journal = Installs.journal(Installs.plan(.rtxProVGPU), steps: 3)
        var text = String(decoding: try JSONEncoder().encode(journal), as: UTF8.self)
        #expect(text.contains("\"kind\":\"job\""))
        text = text.replacing("\"kind\":\"job\"", with: "\"kind\":\"transmute\"")
            .replacing("\"driver-removal-failed\"", with: "\"a-code-of-next-year\"")
        journal = try JSONDecoder().decode(Journal.self, from: Data(text.utf8))
        let undo = Undo(journal: journal)
        #expect(undo.steps.isEmpty)
        #expect(undo.problem?.observed.contains("'transmute' of step uninstall") == true)
        #expect(undo.problem?.remedy.text.contains("the version of the agent that wrote") == true)
    }
}

/// The parts of a host that the effects of an install change.
private struct ModelHost: Equatable {
    var record: InstallRecord?
    var files: Set<String> = []
    var drivers: Set<String>
    var modules: Set<String>

    init(_ facts: NodeFacts) {
        record = facts.driver.record.value
        drivers = Set([facts.driver.moduleFile.value?.version].compactMap(\.self))
        modules = Set(facts.driver.loadedModules.value ?? [])
    }

    mutating func apply(_ effects: [Effect]) {
        for effect in effects {
            switch effect {
            case .record(let new): record = new
            case .writeFile(let path, _): files.insert(path)
            case .writeSecret(let secret): files.insert(secret.path)
            case .remove(let paths): files = files.filter { file in !paths.contains { file.hasPrefix($0) } }
            case .keepOnly(let names, let directory):
                let kept = names.map { "\(directory)/\($0)" }
                files = files.filter { !$0.hasPrefix(directory) || kept.contains($0) }
            case .download(let file): files.insert("\(file.directory)/\(file.fileName)")
            case .copy(let file): files.insert("\(file.directory)/\(file.fileName)")
            case .unloadModules(let names): modules.subtract(names.map(Self.kernelName))
            case .loadModules(let names): modules.formUnion(names)
            case .run(let commands):
                modules.formUnion(commands.filter { $0[0] == "modprobe" }.map { Self.kernelName($0[1]) })
            case .job(let job):
                // An installer takes the place of the driver before; a removal or an uninstaller leaves none.
                drivers = job.name.hasPrefix("install-") ? [job.name] : []
            case .forgetEarlierSteps, .makeDirectories, .forgetJobs, .verify, .stopServices: break
            case .unknown(let kind): Issue.record("the recipe has the unknown effect \(kind)")
            }
        }
    }

    private static func kernelName(_ module: String) -> String { module.replacing("-", with: "_") }
}
