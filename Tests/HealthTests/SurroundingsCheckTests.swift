import CoreSupport
import Health
import NodeModel
import Planning
import TestSupport
import Testing

/// The checks of what is around a driver.
@Suite struct SurroundingsCheckTests {
    private static let parameters = ModuleParameters(["nvidia": ["NVreg_EnableMSI": "0"]])

    private func finding(
        _ code: ReasonCode,
        _ parameters: ModuleParameters = parameters,
        _ change: (inout NodeFacts) -> Void
    ) throws -> (finding: Finding?, verdict: Verdict) {
        let facts = NodeFacts.rtxProReady.with(change)
        let plan = try Plan.made(for: facts)
        let policy = SurroundingsPolicy(moduleParameters: parameters)
        let report = Checks(facts: facts, plan: plan, surroundings: policy).report()
        return (report.finding(code), report.verdict)
    }

    private static func surroundings(inForce value: String?) -> DriverSurroundings {
        DriverSurroundings(
            ownFiles: [ModuleParameters.path: OwnFile.lines(parameters.text)],
            parametersInForce: value.map { ["nvidia": ["NVreg_EnableMSI": $0]] } ?? [:]
        )
    }

    @Test func saysThatAModuleMustBeLoadedAgain() throws {
        let (finding, verdict) = try finding(.moduleParametersPending) {
            $0.driver.surroundings = Self.surroundings(inForce: "1")
        }
        #expect(finding?.state == .notice && verdict == .ready)
        #expect(
            finding?.observed
                == "The loaded kernel modules have other parameters: NVreg_EnableMSI of nvidia is 1 instead of 0."
        )
        #expect(finding?.remedy.text.hasPrefix("Drain the node and reboot it.") == true)
    }

    @Test(arguments: ["0", nil])
    func passesWhenNothingDiffers(inForce value: String?) throws {
        let (finding, _) = try finding(.moduleParametersPending) {
            $0.driver.surroundings = Self.surroundings(inForce: value)
        }
        #expect(finding?.state == .pass && finding?.observed == "1 parameter")
    }

    @Test func saysThatTheFileIsMissing() throws {
        let (finding, verdict) = try finding(.moduleParametersPending) { $0.driver.surroundings = DriverSurroundings() }
        #expect(finding?.state == .notice && verdict == .ready)
        #expect(finding?.remedy == .install || finding?.remedy.command == "gpu-agent install")
    }

    @Test func saysThatTheDriverHasAnotherOwner() throws {
        let (finding, verdict) = try finding(.moduleParametersPending) { $0.driver.record = .absent }
        #expect(finding?.state == .notice && verdict == .ready)
        #expect(finding?.observed.contains("did not install this driver") == true)
    }

    @Test func namesMissingNodesAndLinks() throws {
        let (finding, verdict) = try finding(.deviceFilesIncomplete, ModuleParameters()) {
            $0.driver.surroundings = DriverSurroundings(
                missingNodes: ["nvidia-caps/nvidia-cap1"],
                nodesWithoutLink: ["nvidia0", "nvidiactl"],
                links: []
            )
        }
        #expect(finding?.state == .notice && verdict == .ready)
        #expect(
            finding?.observed
                == "The host lacks /dev/nvidia-caps/nvidia-cap1. These device nodes have no link in /dev/char: nvidia0, "
                + "nvidiactl."
        )
        #expect(finding?.remedy.command == "gpu-agent install")
    }

    @Test func passesWithEveryLink() throws {
        let (finding, _) = try finding(.deviceFilesIncomplete, ModuleParameters()) {
            $0.driver.surroundings = DriverSurroundings(missingNodes: [], nodesWithoutLink: [], links: ["195:0"])
        }
        #expect(finding?.state == .pass && finding?.observed == "1 link")
        let unknown = try self.finding(.deviceFilesIncomplete, ModuleParameters()) { _ in }
        #expect(unknown.finding == nil)
    }

    @Test func saysNothingWithoutParameters() throws {
        #expect(try finding(.moduleParametersPending, ModuleParameters()) { _ in }.finding == nil)
        #expect(try finding(.moduleParametersPending) { $0.driver = $0.driver.unloaded }.finding == nil)
    }
}
