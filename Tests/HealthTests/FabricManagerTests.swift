import CoreSupport
import Health
import NodeModel
import Planning
import Selection
import TestSupport
import Testing

/// The fabric manager on a machine with NVSwitch, and what CUDA says about the fabric.
@Suite struct FabricManagerTests {
    private static let path = "/usr/bin/nv-fabricmanager"
    private static let codes: [ReasonCode] = [
        .fabricManagerMissing, .fabricManagerVersionMismatch, .fabricManagerNotRunning,
    ]

    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var program: DriverProgram
        var code: ReasonCode?
    }

    static let cases = [
        Case(testDescription: "missing", program: DriverProgram(isRunning: false), code: .fabricManagerMissing),
        Case(testDescription: "in a container", program: DriverProgram(isRunning: true)),
        Case(
            testDescription: "another version",
            program: DriverProgram(path: path, isRunning: false, version: "595.58.03"),
            code: .fabricManagerVersionMismatch
        ),
        Case(
            testDescription: "stopped",
            program: DriverProgram(path: path, isRunning: false, version: "595.71.05"),
            code: .fabricManagerNotRunning
        ),
        Case(
            testDescription: "stopped, of unknown version",
            program: DriverProgram(path: path, isRunning: false),
            code: .fabricManagerNotRunning
        ),
        Case(
            testDescription: "running",
            program: DriverProgram(path: path, isRunning: true, version: "595.71.05")
        ),
        Case(testDescription: "not known whether it runs", program: DriverProgram(path: path)),
    ]

    /// An HGX H100 with the driver of this agent.
    private func report(
        _ program: DriverProgram,
        cuda code: Int?,
        switches: Int = 4,
        offers: Reading<[OfferedPackage]> = .absent
    ) throws -> NodeReport {
        let facts = NodeFacts.hgxH100(program, cuda: code, switches: switches)
            .with { $0.build.fabricPackages = offers }
        let plan = try Plan.made(for: facts)
        #expect(plan.decision.fabricManager?.isNeeded == (switches > 0))
        return Checks(facts: facts, plan: plan).report()
    }

    /// The report names the cause and not CUDA's error.
    @Test(arguments: cases)
    func isTheCauseOfAnUnusableFabric(_ row: Case) throws {
        let report = try report(row.program, cuda: 802)
        let failed = report.findings.filter { $0.state == .failed }.map(\.code)
        #expect(failed == [row.code ?? .cudaFailed])
        #expect(report.verdict == .notReady && report.reason == row.code ?? .cudaFailed)
    }

    /// When CUDA works, the fabric is set up, whoever did it.
    @Test(arguments: cases)
    func neverMakesAWorkingNodeWorse(_ row: Case) throws {
        let report = try report(row.program, cuda: nil)
        #expect(report.verdict == .ready)
        let found = report.findings.filter { Self.codes.contains($0.code) && $0.state != .pass }
        #expect(found.map(\.code) == [row.code].compactMap(\.self))
        #expect(found.allSatisfy { $0.state == .notice })
    }

    @Test func anotherErrorOfCUDAStaysVisible() throws {
        let report = try report(DriverProgram(isRunning: false), cuda: 999)
        #expect(report.reason == .cudaFailed)
        #expect(report.finding(.fabricManagerMissing)?.state == .warning)
    }

    @Test func aMachineWithoutSwitchesNeedsNone() throws {
        let report = try report(DriverProgram(isRunning: false), cuda: nil, switches: 0)
        #expect(Self.codes.allSatisfy { report.finding($0) == nil })
    }

    @Test func theTextsNameThePackage() throws {
        let missing = try report(DriverProgram(isRunning: false), cuda: 802).finding(.fabricManagerMissing)
        let package = "nvidia-fabricmanager-595 or nvidia-fabricmanager or nvidia-fabric-manager in exactly this"
        #expect(missing?.remedy.text.contains(package) == true)
    }

    @Test func anEmptyIndexIsToldBesideTheMissingProgram() throws {
        let offers: Reading<[OfferedPackage]> = .unreadable(ReadFailure(.command, "the index of apt is empty"))
        let missing = try report(DriverProgram(isRunning: false), cuda: 802, offers: offers)
            .finding(.fabricManagerMissing)
        #expect(missing?.observed.contains("can get: the index of apt is empty. ") == true)
        let remedy =
            "Refresh the package index of the node ('apt-get update' or 'dnf makecache'), and run 'gpu-agent install'."
        #expect(missing?.remedy.text.hasPrefix(remedy) == true)
    }

    @Test func theTextsNameTheVersion() throws {
        let missing = try report(DriverProgram(isRunning: false), cuda: 802).finding(.fabricManagerMissing)
        #expect(missing?.observed.hasPrefix("The host has no fabric manager. 4 NVSwitch functions") == true)
        #expect(missing?.remedy.text.contains("the fabric manager 595.71.05") == true)
        let other = DriverProgram(path: Self.path, isRunning: false, version: "595.58.03")
        let mismatch = try report(other, cuda: 802).finding(.fabricManagerVersionMismatch)
        #expect(
            mismatch?.observed.hasPrefix("The fabric manager has version 595.58.03, and the loaded driver has version ")
                == true
        )
    }
}
