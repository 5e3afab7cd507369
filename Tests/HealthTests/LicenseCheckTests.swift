import CoreSupport
import Health
import NodeModel
import Planning
import Support
import TestSupport
import Testing

/// The checks of the license daemon and of the configured license.
@Suite struct LicenseCheckTests {
    private static let digest = Checksum(.sha256, String(repeating: "ab", count: 32))
    private static let policy = LicensePolicy(tokenFile: "/token", feature: .vgpu)
    private static let whole = DriverSurroundings(
        ownFiles: [LicenseFiles.configuration: OwnFile.lines(policy.text)],
        license: LicenseFiles(token: digest),
        licenseToken: .present(LicenseToken(file: "/token", digest: digest))
    )

    private func report(
        _ found: DriverSurroundings,
        _ license: LicensePolicy? = nil,
        _ change: (inout NodeFacts) -> Void = { _ in }
    ) throws -> NodeReport {
        let facts = NodeFacts.rtxProReady.with {
            $0.driver.surroundings = found
            change(&$0)
        }
        let policy = SurroundingsPolicy(license: license)
        return Checks(facts: facts, plan: try Plan.made(for: facts), surroundings: policy).report()
    }

    private func daemon(_ program: DriverProgram) -> DriverSurroundings {
        DriverSurroundings(programs: ["nvidia-gridd": program])
    }

    private static let path = "/usr/bin/nvidia-gridd"
    private static let unit = "/usr/lib/systemd/system/nvidia-gridd.service"

    private static func unlicensed(_ facts: inout NodeFacts) {
        facts = facts.withNVML { $0.gpus[0].license = .present(LicenseFacts(licensed: false, product: nil)) }
    }

    @Test func aDaemonThatDoesNotRunIsAFailureOnceALicenseIsMissing() throws {
        var stopped = daemon(DriverProgram(path: Self.path, unitFile: Self.unit, isRunning: false))
        stopped.hasSystemd = true
        let licensed = try report(stopped)
        let notice = licensed.finding(.licenseDaemonNotRunning)
        #expect(notice?.state == .notice && licensed.verdict == .ready)
        #expect(notice?.remedy.command == "systemctl enable --now nvidia-gridd")
        let without = try report(stopped, nil, Self.unlicensed)
        let failure = without.finding(.licenseDaemonNotRunning)
        #expect(failure?.state == .failed && without.verdict == .notReady)
        #expect(without.reason == .licenseDaemonNotRunning && without.finding(.licenseMissing) == nil)
        #expect(failure?.observed == "These vGPUs have no license: GPU 0. nvidia-gridd does not run.")
        #expect(failure?.remedy.command == "systemctl enable --now nvidia-gridd")
        // The next install starts the daemon with the configured license.
        let remedy = try report(stopped, Self.policy).finding(.licenseDaemonNotRunning)?.remedy
        #expect(remedy?.command == "gpu-agent install")
    }

    /// There is nothing to start, and the license is there.
    @Test func aLicenseWithoutTheUnitNeedsNoAction() throws {
        let programs = [
            (DriverProgram(path: Self.path, unitFile: Self.unit, isRunning: false), false),
            (DriverProgram(path: Self.path, isRunning: false), true), (DriverProgram(isRunning: false), true),
        ]
        for (program, hasSystemd) in programs {
            var found = daemon(program)
            found.hasSystemd = hasSystemd
            let report = try report(found)
            let finding = report.finding(.licenseDaemonNotRunning)
            #expect(finding?.state == .notApplicable && finding?.remedy.isEmpty == true)
            #expect(report.verdict == .ready && report.nextAction.hasSuffix("Nothing to do."))
        }
    }

    @Test func saysWhatIsMissing() throws {
        let noUnit = "nvidia-gridd does not run, and the host has no unit nvidia-gridd.service."
        let cases = [
            (DriverProgram(path: Self.path, isRunning: false), noUnit),
            (DriverProgram(path: Self.path, unitFile: Self.unit, isRunning: false), "nvidia-gridd does not run."),
        ]
        for (program, text) in cases {
            let finding = try report(daemon(program), nil, Self.unlicensed).finding(.licenseDaemonNotRunning)
            #expect(finding?.observed == "These vGPUs have no license: GPU 0. \(text)")
        }
        let running = daemon(DriverProgram(path: Self.path, unitFile: Self.unit, isRunning: true))
        #expect(try report(running).finding(.licenseDaemonNotRunning)?.state == .pass)
        let unknown = daemon(DriverProgram(path: Self.path))
        #expect(try report(unknown).finding(.licenseDaemonNotRunning) == nil)
    }

    @Test func aDatacenterDriverNeedsNoDaemon() throws {
        let facts = NodeFacts.h100Ready.with { $0.driver.surroundings = daemon(DriverProgram(isRunning: false)) }
        let report = Checks(facts: facts, plan: try Plan.made(for: facts)).report()
        #expect(report.finding(.licenseDaemonNotRunning) == nil)
    }

    @Test func theConfiguredLicenseIsOnTheHost() throws {
        let code = ReasonCode.licenseConfigurationPending
        #expect(try report(Self.whole, Self.policy).finding(code)?.state == .pass)
        #expect(try report(Self.whole).finding(code) == nil)
        let other = try report(Self.whole, LicensePolicy(tokenFile: "/token", feature: .compute))
        #expect(other.finding(code)?.state == .notice && other.finding(code)?.remedy.command == "gpu-agent install")
        #expect(other.verdict == .ready)
        var former = Self.whole
        former.license?.token = Checksum(.sha256, String(repeating: "cd", count: 32))
        #expect(try report(former, Self.policy).finding(code)?.state == .notice)
        let foreign = try report(DriverSurroundings(license: LicenseFiles(foreign: ["/a.tok"])), Self.policy)
        #expect(foreign.finding(code)?.observed.hasSuffix("so it does not change them: /a.tok.") == true)
        let adopted = try report(Self.whole, Self.policy) { $0.driver.record = .absent }
        #expect(adopted.finding(code)?.observed.hasPrefix("The agent did not install this driver") == true)
    }

    /// The driver works, and its license may still be valid.
    @Test func aLostTokenIsAWarningOnAnInstalledDriver() throws {
        var found = Self.whole
        found.licenseToken = .unreadable(ReadFailure(.malformed, "/token is empty"))
        let lost = try report(found, Self.policy)
        let finding = lost.finding(.licenseTokenUnusable)
        #expect(finding?.state == .warning && lost.verdict == .degraded)
        #expect(finding?.observed == "The agent cannot use the license token: /token is empty.")
        #expect(try report(found).finding(.licenseTokenUnusable) == nil)
        #expect(try report(Self.whole, Self.policy).finding(.licenseTokenUnusable) == nil)
    }
}
