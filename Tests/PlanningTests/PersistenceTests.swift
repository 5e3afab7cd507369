import NodeModel
import Planning
import Selection
import Support
import TestSupport
import Testing

/// Plans for `nvidia-persistenced` beside a driver of this agent.
@Suite struct PersistenceTests {
    private static let unit = WritePersistenceUnit(hasUser: false).text

    /// A host with systemd.
    private static func surroundings(
        unit: String? = nil,
        isRunning: Bool = false,
        path: String? = "/usr/bin/nvidia-persistenced",
        unitFile: String? = nil
    ) -> DriverSurroundings {
        let program = DriverProgram(
            path: path,
            unitFile: unit == nil ? unitFile : OwnFile.persistenceUnit,
            isRunning: isRunning
        )
        return DriverSurroundings(
            ownFiles: unit.map { [OwnFile.persistenceUnit: OwnFile.lines($0)] } ?? [:],
            hasSystemd: true,
            hasPersistenceUser: false,
            programs: ["nvidia-persistenced": program]
        )
    }

    private func adopt(_ found: DriverSurroundings, isWanted: Bool = true) -> [PlannedStep] {
        let policy = SurroundingsPolicy(persistenced: isWanted)
        return SurroundingsTests.adopt(SurroundingsTests.own(found), policy).steps
    }

    @Test func anInstallStartsItAtItsEnd() throws {
        let facts = NodeFacts.rtxProVGPU.with { $0.driver.surroundings = Self.surroundings(path: nil) }
        let plan = Planner().plan(facts, Installs.plan(facts).decision, journal: nil)
        #expect(plan.steps.map(\.id).suffix(2) == [.finish, .persistenced])
        let step = try #require(plan.steps.last)
        #expect(step.effects.first == .writeFile(path: OwnFile.persistenceUnit, text: Self.unit))
        #expect(step.effects.count == 2 && !step.disrupts && step.inverse.map(\.id) == [.removePersistenced])
        let withoutSystemd = facts.with { $0.driver.surroundings?.hasSystemd = false }
        #expect(Installs.plan(withoutSystemd).steps.last?.id == .finish)
        // What the verification read includes persistence mode.
        #expect(!plan.endsWithVerification && Installs.plan(withoutSystemd).endsWithVerification)
    }

    @Test func theUnitRunsAsItsUserIfThereIsOne() {
        #expect(Self.unit.hasPrefix("\(OwnFile.mark) keeps"))
        #expect(Self.unit.contains("\nExecStart=/usr/bin/nvidia-persistenced --persistence-mode\n"))
        let withUser = WritePersistenceUnit(hasUser: true).text
        #expect(withUser.contains(" --persistence-mode --user nvidia-persistenced\n"))
    }

    @Test func anAdoptionChangesOnlyWhatDiffers() {
        #expect(adopt(Self.surroundings()).map(\.id) == [.persistenced])
        #expect(adopt(Self.surroundings(unit: Self.unit, isRunning: true)).isEmpty)
        #expect(adopt(Self.surroundings(unit: Self.unit)).map(\.id) == [.persistenced])
        #expect(adopt(Self.surroundings(unit: "\(OwnFile.mark) old\n", isRunning: true)).map(\.id) == [.persistenced])
        // A driver whose package lacks the program.
        #expect(adopt(Self.surroundings(path: nil)).isEmpty)
    }

    @Test func theUnitOfAnotherProgramStays() {
        let units = ["/usr/lib/systemd/system/nvidia-persistenced.service", OwnFile.persistenceUnit]
        for unit in units {
            #expect(adopt(Self.surroundings(unitFile: unit)).isEmpty)
            #expect(adopt(Self.surroundings(unitFile: unit), isWanted: false).isEmpty)
        }
        let foreign = SurroundingsTests.own(Self.surroundings()).with { $0.driver.record = .absent }
        #expect(SurroundingsTests.adopt(foreign).steps.isEmpty)
    }

    @Test func theConfigurationCanForbidIt() throws {
        #expect(adopt(Self.surroundings(), isWanted: false).isEmpty)
        let steps = adopt(Self.surroundings(unit: Self.unit, isRunning: true), isWanted: false)
        #expect(steps.map(\.id) == [.persistenced] && steps.first?.inverse.map(\.id) == [.removePersistenced])
        #expect(steps.first?.title == "stop nvidia-persistenced and remove its unit")
    }

    /// Otherwise, the program keeps the modules of the old driver in use.
    @Test func anUpgradeStopsItFirst() throws {
        let facts = Installs.own.with {
            $0.driver.surroundings = Self.surroundings(unit: Self.unit, isRunning: true)
        }
        let plan = Installs.plan(facts)
        let unload = try #require(plan.steps.first { $0.id == .unload })
        #expect(unload.stoppedServices == ["nvidia-persistenced.service"])
        #expect(plan.steps.contains { $0.id == .startServices } && plan.steps.last?.id == .finish)
        let stopped = facts.with { $0.driver.surroundings?.programs?["nvidia-persistenced"]?.isRunning = false }
        #expect(Installs.plan(stopped).steps.first { $0.id == .unload }?.stoppedServices == [])
    }

    @Test func anUninstallRemovesTheUnit() {
        let facts = NodeFacts.rtxProVGPU.with { $0.driver.surroundings = Self.surroundings(path: nil) }
        let plan = Installs.plan(facts)
        let journal = Installs.journal(plan, steps: plan.steps.count)
        let installed = NodeFacts.rtxProReady.with {
            $0.claims.deviceUsers = .present([])
            $0.claims.runfile = .present(Installs.version)
            $0.driver.surroundings = Self.surroundings(unit: Self.unit, isRunning: true)
        }
        let uninstall = Uninstall(journal: .present(journal), facts: installed)
        let steps = uninstall.steps.map(\.id.rawValue)
        #expect(steps == ["unload", "uninstall", "verify", "remove-persistenced", "remove-package", "forget"])
        #expect(uninstall.steps.first?.stoppedServices == ["nvidia-persistenced.service"])
        #expect(!uninstall.left.contains { $0.what.contains("nvidia-persistenced") })
        for id in steps { #expect(StepID.known.contains(StepID(rawValue: id)), "\(id)") }
    }
}
