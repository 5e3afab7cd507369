import NodeModel
import Planning
import Selection
import Support
import TestSupport
import Testing

/// Plans for what is around a driver of this agent.
@Suite struct SurroundingsTests {
    static let parameters = ModuleParameters([
        "nvidia": ["NVreg_EnableMSI": "1", "NVreg_RegistryDwords": "a=1;b=0x2"], "nvidia-uvm": ["uvm_perf": "0"],
    ])
    private static let file = """
        # gpu-agent: the module parameters of its configuration (driver.moduleParameters).
        options nvidia NVreg_EnableMSI=1 NVreg_RegistryDwords=a=1;b=0x2
        options nvidia-uvm uvm_perf=0

        """

    /// The agent's own driver, which works, with these surroundings.
    static func own(_ surroundings: DriverSurroundings) -> NodeFacts {
        .rtxProReady.with { $0.driver.surroundings = surroundings }
    }

    static func adopt(
        _ facts: NodeFacts,
        _ policy: SurroundingsPolicy = SurroundingsPolicy(),
        journal: Journal? = nil
    ) -> Plan {
        let decision = Decision(action: .adopt, summary: "adopt")
        return Planner(surroundings: policy).plan(facts, decision, journal: journal)
    }

    private static let wanted = SurroundingsPolicy(moduleParameters: parameters)

    @Test func theFileHasALineForEachModule() {
        #expect(Self.parameters.text == Self.file)
        #expect(ModuleParameters(lines: OwnFile.lines(Self.file)) == Self.parameters)
    }

    @Test func valuesAreComparedAsTheKernelPrintsThem() {
        let wanted = ModuleParameters(["nvidia": ["A": "0x10", "B": "-1", "C": "Y", "D": "a=1", "E": "1", "F": "2"]])
        let same = ["A": "16", "B": "4294967295", "C": "1", "D": "a=1", "E": "Y"]
        #expect(wanted.differences(from: ["nvidia": same]) == [])
        let others = ["A": "1", "C": "N", "D": "", "F": "3"]
        #expect(
            wanted.differences(from: ["nvidia": others]) == [
                "A of nvidia is 1 instead of 0x10", "C of nvidia is N instead of Y",
                "D of nvidia is empty instead of a=1", "F of nvidia is 3 instead of 2",
            ]
        )
    }

    @Test func theParametersAreThereBeforeTheInstallerLoadsTheModules() throws {
        let decision = Installs.plan(.rtxProVGPU).decision
        let facts = NodeFacts.rtxProVGPU.with { $0.driver.surroundings = DriverSurroundings() }
        let plan = Planner(surroundings: Self.wanted).plan(facts, decision, journal: nil)
        #expect(
            plan.steps.map(\.id) == [.begin, .download, .moduleParameters, .install, .load, .verify, .finish]
        )
        let step = try #require(plan.steps.first { $0.id == .moduleParameters })
        #expect(step.effects == [.writeFile(path: ModuleParameters.path, text: Self.file)])
        #expect(step.inverse.map(\.effects) == [[.run([OwnFile.removal(of: ModuleParameters.path)])]])
        #expect(step.title == "set the parameters of nvidia and nvidia-uvm" && !step.disrupts)
    }

    @Test func anAdoptionWritesOnlyWhatDiffers() {
        let empty = Self.own(DriverSurroundings())
        #expect(Self.adopt(empty, Self.wanted).steps.map(\.id) == [.moduleParameters])
        let written = Self.own(DriverSurroundings(ownFiles: [ModuleParameters.path: OwnFile.lines(Self.file)]))
        #expect(Self.adopt(written, Self.wanted).steps.isEmpty)
        let other = ModuleParameters(["nvidia": ["NVreg_EnableMSI": "0"]])
        #expect(Self.adopt(written, SurroundingsPolicy(moduleParameters: other)).steps.map(\.id) == [.moduleParameters])
        // Without parameters in the configuration, the file goes.
        let gone = Self.adopt(written).steps
        #expect(gone.map(\.effects) == [[.run([OwnFile.removal(of: ModuleParameters.path)])]])
        #expect(gone.allSatisfy { !$0.disrupts })
        #expect(Self.adopt(empty).steps.isEmpty)
    }

    @Test func theDriverOfAnotherOwnerIsLeftAlone() {
        let foreign = Self.own(DriverSurroundings()).with { $0.driver.record = .absent }
        #expect(Self.adopt(foreign, Self.wanted).steps.isEmpty)
        let another = Self.own(DriverSurroundings()).with {
            $0.driver = .loaded("580.105.08", .open, kind: .grid)
            $0.driver.record = Self.own(DriverSurroundings()).driver.record
            $0.driver.surroundings = DriverSurroundings()
        }
        #expect(Self.adopt(another, Self.wanted).steps.isEmpty)
        // An earlier version of the agent did not read the surroundings.
        #expect(Self.adopt(.rtxProReady, Self.wanted).steps.isEmpty)
    }

    @Test func anAdoptionCreatesWhatIsMissing() throws {
        let found = DriverSurroundings(missingNodes: ["nvidia1"], nodesWithoutLink: ["nvidiactl"])
        let foreign = Self.own(found).with { $0.driver.record = .absent }
        for (facts, names) in [(Self.own(found), ["nvidia1", "nvidiactl"]), (foreign, ["nvidiactl"])] {
            let steps = Self.adopt(facts).steps
            #expect(steps.map(\.id) == [.deviceNodes])
            guard case .run(let commands) = try #require(steps.first?.effects.first) else {
                Issue.record("the step runs no command")
                return
            }
            #expect(commands.map { Array($0.dropFirst(3)) } == [["create-device-nodes"] + names])
        }
        let onlyNodes = foreign.with { $0.driver.surroundings?.nodesWithoutLink = [] }
        #expect(Self.adopt(onlyNodes).steps.isEmpty)
        // The load of the modules creates them, too.
        let unloaded = Self.own(found).with {
            $0.driver = $0.driver.unloaded
            $0.driver.surroundings = found
        }
        #expect(Self.adopt(unloaded).steps.map(\.id) == [.load, .verify])
        let whole = DriverSurroundings(missingNodes: [], nodesWithoutLink: [], links: ["195:0"])
        #expect(Self.adopt(Self.own(whole)).steps.isEmpty)
    }

    @Test func theRuleIsForTheAgentsDriverOnAHostWithUdev() {
        let udev = DriverSurroundings(hasUdevRules: true)
        #expect(Self.adopt(Self.own(udev)).steps.map(\.id) == [.deviceRule])
        #expect(Self.adopt(Self.own(udev).with { $0.driver.record = .absent }).steps.isEmpty)
        let written = DriverSurroundings(
            ownFiles: [WriteDeviceRule.path: OwnFile.lines(WriteDeviceRule.text)],
            hasUdevRules: true
        )
        #expect(Self.adopt(Self.own(written)).steps.isEmpty)
        let facts = NodeFacts.rtxProVGPU.with { $0.driver.surroundings = udev }
        let plan = Planner().plan(facts, Installs.plan(facts).decision, journal: nil)
        #expect(plan.steps.map(\.id).suffix(2) == [.finish, .deviceRule])
        #expect(plan.steps.last?.inverse.map(\.effects) == [[.run([OwnFile.removal(of: WriteDeviceRule.path)])]])
    }

    @Test func filesOfOthersStayAndAreNamed() {
        let paths = [ModuleParameters.path, WriteDeviceRule.path]
        let sentences = paths.map { "\($0) stays as it is, because the agent did not write it." }
        let found = DriverSurroundings(foreignFiles: paths, hasUdevRules: true)
        let plan = Self.adopt(Self.own(found), Self.wanted)
        #expect(plan.steps.isEmpty && plan.leftAlone == sentences)
        // A file that the configuration is not about needs no word.
        #expect(Self.adopt(Self.own(found)).leftAlone == [sentences[1]])
        let withoutUdev = DriverSurroundings(foreignFiles: paths, hasUdevRules: false)
        #expect(Self.adopt(Self.own(withoutUdev)).leftAlone == nil)
        let fresh = NodeFacts.rtxProVGPU.with { $0.driver.surroundings = found }
        let install = Planner(surroundings: Self.wanted).plan(fresh, Installs.plan(fresh).decision, journal: nil)
        #expect(!install.steps.map(\.id).contains { [.moduleParameters, .deviceRule].contains($0) })
        #expect(install.problems.isEmpty && install.leftAlone == sentences)
    }

    /// Without the blacklist, the next boot would load the other driver again.
    @Test func aForeignBlacklistPreventsTheInstall() {
        let held = NodeFacts.rtxProVGPU.with {
            $0.driver.nouveauLoaded = .present(true)
            $0.driver.surroundings = DriverSurroundings(foreignFiles: [OwnFile.blacklist])
        }
        let plan = Installs.plan(held)
        #expect(plan.problems.map(\.code) == [.foreignFile])
        #expect(plan.problems.first?.observed.contains("put nouveau on a blacklist") == true)
        let free = held.with { $0.driver.nouveauLoaded = .present(false) }
        #expect(Installs.plan(free).problems.isEmpty)
        let own = held.with { $0.driver.surroundings = DriverSurroundings(foreignFiles: []) }
        #expect(Installs.plan(own).problems.isEmpty)
    }

    /// udev has no escape for a quotation mark that all its versions understand.
    @Test func theRuleIsOneLineThatUdevCanRead() throws {
        let lines = WriteDeviceRule.text.split(separator: "\n")
        #expect(lines.count == 2 && lines[0].hasPrefix(OwnFile.mark))
        let value = try #require(lines[1].split(separator: "RUN+=\"").last?.dropLast())
        #expect(!value.contains("\"") && value.count { $0 == "'" } == 2 && value.utf8.count < 2000)
        #expect(value.replacing("$$", with: "").replacing("%%", with: "").allSatisfy { $0 != "$" && $0 != "%" })
    }

    @Test func anUninstallRemovesTheLinks() throws {
        let driver = NodeFacts.rtxProReady.driver
        var linked = driver
        linked.surroundings = DriverSurroundings(links: ["195:0", "195:255"])
        guard case .remove(let paths) = try #require(UnloadDriver(linked)?.effects.last) else {
            Issue.record("nothing is removed")
            return
        }
        #expect(paths.prefix(2) == ["/dev/char/195:0", "/dev/char/195:255"] && paths.contains("/dev/nvidia0"))
    }

    /// A driver that cannot be unloaded must keep what is around it.
    @Test func anUninstallRemovesTheDriverFirst() {
        let plan = Planner(surroundings: Self.wanted)
            .plan(
                .rtxProVGPU.with { $0.driver.surroundings = DriverSurroundings() },
                Installs.plan(.rtxProVGPU).decision,
                journal: nil
            )
        var journal = Installs.journal(plan, steps: plan.steps.count)
        let facts = NodeFacts.rtxProReady.with {
            $0.claims.deviceUsers = .present([])
            $0.claims.runfile = .present(Installs.version)
        }
        let expected = ["unload", "uninstall", "verify", "remove-module-parameters", "remove-package", "forget"]
        #expect(Uninstall(journal: .present(journal), facts: facts).steps.map(\.id.rawValue) == expected)
        // The same when a later change of the configuration wrote the file.
        journal.steps.removeAll { $0.step == .moduleParameters }
        for step in Self.adopt(Self.own(DriverSurroundings()), Self.wanted).steps {
            journal.begin(step, at: Timestamp(99))
            journal.end(step.id, at: Timestamp(100))
        }
        #expect(Uninstall(journal: .present(journal), facts: facts).steps.map(\.id.rawValue) == expected)
    }

    @Test func aLaterInstallDoesNotForgetTheFile() {
        var journal = Journal(record: Installs.own.driver.record.value)
        for step in Self.adopt(Self.own(DriverSurroundings()), Self.wanted).steps {
            journal.begin(step, at: Timestamp(1))
        }
        // An adoption that was cut off and needs no step any more keeps it, too.
        journal.settleCutOffSteps(missingIn: [])
        journal.forgetEarlierSteps(than: .begin)
        #expect(journal.steps.map(\.step) == [.moduleParameters])
    }
}
