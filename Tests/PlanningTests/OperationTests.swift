import FoundationEssentials
import NodeModel
import Planning
import Support
import TestSupport
import Testing

@Suite struct OperationTests {
    private static let removal = DriverRemoval(subject: "rpm -e", commands: [["rpm", "-e", "nvidia-driver"]])

    private static let withService = Installs.own.with { $0.claims.deviceUsers = .present([.persistenced]) }
    private static let withNouveau = NodeFacts.rtxProVGPU.with { $0.driver.nouveauLoaded = .present(true) }

    /// A fresh install, an upgrade and a takeover, each from the URLs of the catalog and from a directory.
    private static let plans = [nil, PackageSource.directory("/mnt/drivers")].flatMap { source in
        [NodeFacts.rtxProVGPU, Installs.own, Installs.foreign, withService, withNouveau].map { facts in
            Installs.plan(facts, takesOver: facts == Installs.foreign ? .runfile : nil, source: source)
        }
    }

    struct Pair: Sendable, CustomTestStringConvertible {
        var operation: any Operation
        var inverse: any Operation
        var testDescription: String { "\(operation.id.rawValue) and \(inverse.id.rawValue)" }
    }

    /// Operations whose inverse has an inverse.
    static let pairs = [
        Pair(
            operation: UnloadModules(modules: ["nvidia_uvm", "nvidia_modeset", "nvidia"]),
            inverse: LoadModules(modules: ["nvidia", "nvidia_modeset", "nvidia_uvm"], needsFormerDriver: true)
        ),
        Pair(
            operation: StartServices(units: ["nvidia-persistenced.service"]),
            inverse: StopServices(units: ["nvidia-persistenced.service"])
        ),
        Pair(
            operation: LoadModules(),
            inverse: UnloadModules(modules: ["nvidia-modeset", "nvidia-uvm", "nvidia"])
        ),
    ]

    @Test(arguments: pairs)
    func theInverseOfTheInverseIsTheOperation(_ pair: Pair) throws {
        let inverse = try #require(pair.operation.inverse)
        #expect(inverse.step == pair.inverse.step)
        #expect(try #require(inverse.inverse).effects == pair.operation.effects)
    }

    /// A journal with a step that is not known is refused, so a new operation must be added to `StepID.known`.
    @Test func everyStepIsKnown() {
        for plan in Self.plans {
            for step in plan.steps.flatMap({ [$0] + $0.inverse }) {
                #expect(StepID.known.contains(step.id), "\(step.id)")
            }
        }
    }

    @Test func everyStepCanBeTakenBackOrSaysWhatStays() {
        for plan in Self.plans {
            for step in plan.steps where step.changes != "nothing" && step.id != .finish {
                #expect(!step.inverse.isEmpty || step.leaves != nil, "\(step.id)")
                #expect(step.inverse.allSatisfy { $0.inverse.isEmpty && $0.deadlineSeconds > 0 && !$0.title.isEmpty })
            }
        }
    }

    @Test func aStepSurvivesTheWayThroughAJournal() throws {
        #expect(Self.plans.flatMap(\.steps).map(\.id).contains(.remove))
        for step in Self.plans.flatMap(\.steps) {
            let data = try JSONEncoder().encode(step)
            #expect(try JSONDecoder().decode(PlannedStep.self, from: data) == step)
        }
    }

    /// With a directory as the source, no step downloads anything.
    @Test func thePackageComesFromTheDirectory() {
        let steps = Installs.plan(.rtxProVGPU, source: .directory("/mnt/drivers")).steps
        let usual = Installs.plan(.rtxProVGPU).steps
        #expect(steps.map(\.id) == usual.map { $0.id == .download ? .copy : $0.id })
        let copy = Effect.Copy(
            source: "/mnt/drivers",
            directory: HostLayout.packages,
            fileName: "NVIDIA-grid.run",
            digest: Checksum(.sha256, String(repeating: "cd", count: 32)),
            size: nil
        )
        #expect(steps[1].effects == [.copy(copy), .makeDirectories([HostLayout.work])])
        #expect(steps[1].title == "copy NVIDIA-grid.run from /mnt/drivers")
        #expect(steps[1].inverse == usual[1].inverse && !steps[1].inverse.isEmpty)
        #expect(!steps.flatMap(\.effects).contains { if case .download = $0 { true } else { false } })
    }

    @Test func theDriverIsTheAgentsFromTheRemovalOrTheInstallerOn() {
        let plan = Installs.plan(Installs.foreign, takesOver: .runfile)
        #expect(plan.steps.filter(\.changesDriver).map(\.id) == [.remove, .install])
    }

    /// The agent removes the package at the end of an install, and a killed installer may have left no uninstaller.
    @Test func theUninstallerIsTheHostsOwnOrThePackage() throws {
        let uninstall = RunUninstaller(
            version: Installs.version,
            package: "/var/lib/it's here.run",
            work: HostLayout.workInUsr
        )
        #expect(uninstall.effects.first == .makeDirectories([HostLayout.workInUsr]))
        guard case .job(let job) = try #require(uninstall.effects.last) else {
            Issue.record("the uninstaller is not a job")
            return
        }
        #expect(job.name == "uninstall-595.91.07")
        #expect(job.environment == ["TMPDIR": HostLayout.workInUsr])
        #expect(job.command[2].contains("nvidia-uninstall --silent"))
        #expect(job.command[2].contains("sh '/var/lib/it'\\''s here.run' --uninstall --silent"))
    }

    /// A killed uninstaller may have removed itself before the other files of the driver.
    @Test func aRemovalWithoutItsUninstallerUsesThePackage() throws {
        let removal = DriverRemoval(
            subject: "nvidia-uninstall",
            commands: [["nvidia-uninstall", "--silent"], ["ldconfig"]]
        )
        let package = "/var/lib/it's here.run"
        let remove = RemoveDriver(owner: .runfile, removal: removal, version: Installs.version, package: package)
        guard case .job(let job) = try #require(remove.effects.last) else {
            Issue.record("the removal is not a job")
            return
        }
        let script = """
            if ! command -v nvidia-uninstall >/dev/null || ! nvidia-uninstall --silent
            then sh '/var/lib/it'\\''s here.run' --uninstall --silent
            fi
            ldconfig
            """
        #expect(job.command == ["sh", "-ec", script])
    }

    @Test func eachJobHasItsOwnSubject() {
        let remove = RemoveDriver(
            owner: .packageManager,
            removal: Self.removal,
            version: Installs.version,
            package: "/p"
        )
        #expect(remove.failure == StepFailure(.driverRemovalFailed, subject: "rpm -e"))
        #expect(RunUninstaller(version: "1", package: "/p").failure.subject == "the uninstaller")
        let install = Installs.plan(.rtxProVGPU).steps.first { $0.id == .install }
        #expect(install?.failure.subject == "the installer")
    }
}
