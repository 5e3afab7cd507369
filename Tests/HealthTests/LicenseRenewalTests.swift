import CoreSupport
import Health
import NodeModel
import Planning
import Support
import TestSupport
import Testing

/// A vGPU that has a license, and whose renewals fail.
@Suite struct LicenseRenewalTests {
    private static let code = ReasonCode.licenseRenewalFailing
    private static let now = Timestamp(100_000)

    /// The report on a vGPU whose license ends this many seconds from now.
    private func report(
        endsIn seconds: Double?,
        _ log: Reading<LicensingFacts.LogLine>,
        isRunning: Bool = true,
        licensed: Bool = true
    ) throws -> NodeReport {
        let facts = NodeFacts.rtxProReady.with { facts in
            let program = DriverProgram(
                path: "/usr/bin/nvidia-gridd",
                unitFile: "/usr/lib/systemd/system/nvidia-gridd.service",
                isRunning: isRunning
            )
            facts.driver.surroundings = DriverSurroundings(hasSystemd: true, programs: ["nvidia-gridd": program])
            let feature = LicenseFeature(
                code: "vgpu",
                licensed: licensed,
                enabled: true,
                product: nil,
                expiryStatus: seconds == nil ? "permanent" : "valid",
                expires: seconds.map { Timestamp(Self.now.seconds + $0).wholeSeconds }
            )
            facts = facts.withNVML {
                $0.gpus[0].license = .present(LicenseFacts(licensed: licensed, product: nil, features: [feature]))
            }
            facts.licensing = .present(
                LicensingFacts(
                    at: Self.now,
                    booted: Timestamp(0),
                    configuration: .absent,
                    tokens: .present([LicensingFacts.Token(path: "/t.tok")]),
                    log: log
                )
            )
        }
        return Checks(facts: facts, plan: try Plan.made(for: facts)).report()
    }

    private func log(_ meaning: LicensingFacts.Meaning) -> Reading<LicensingFacts.LogLine> {
        .present(LicensingFacts.LogLine(meaning, "the line"))
    }

    @Test(arguments: [LicensingFacts.Meaning.serverFailed, .noneAvailable, .clockSkew, .tokenRefused, .unlicensed])
    func aFailedRenewalIsAWarning(_ meaning: LicensingFacts.Meaning) throws {
        let report = try report(endsIn: 3600, log(meaning))
        let finding = report.finding(Self.code)
        #expect(report.verdict == .degraded && report.readiness == .usable && finding?.state == .warning)
        let observed = "These vGPUs are licensed until 1970-01-02T04:46:40Z: GPU 0. nvidia-gridd: the line"
        #expect(finding?.observed == observed)
        #expect(finding?.remedy.isEmpty == false)
    }

    /// A server can give licenses of less than six hours, so a near end alone is no failure.
    @Test func aNearEndAloneIsNoFinding() throws {
        #expect(try report(endsIn: 3600, log(.licensed)).finding(Self.code)?.state == .pass)
        #expect(try report(endsIn: 3600, .absent).finding(Self.code) == nil)
        #expect(try report(endsIn: 3600, .skipped("x")).finding(Self.code) == nil)
        #expect(try report(endsIn: 21_600, log(.serverFailed)).finding(Self.code) == nil)
        #expect(try report(endsIn: nil, log(.serverFailed)).finding(Self.code) == nil)
    }

    @Test func anEndThatIsOverIsAWarning() throws {
        for reading in [log(.licensed), .absent] {
            let report = try report(endsIn: -1, reading)
            #expect(report.verdict == .degraded && report.reason == Self.code)
            #expect(report.finding(Self.code)?.observed.hasSuffix("nvidia-gridd did not renew it.") == true)
        }
        let unread = try report(endsIn: 0, .skipped("no log")).finding(Self.code)
        #expect(unread?.observed.hasSuffix("Its log was not read: no log.") == true)
    }

    /// What explains it is one finding.
    @Test func anotherFindingSaysIt() throws {
        let stopped = try report(endsIn: 3600, log(.serverFailed), isRunning: false)
        #expect(stopped.finding(Self.code) == nil && stopped.verdict == .degraded)
        let daemon = stopped.finding(.licenseDaemonNotRunning)
        #expect(daemon?.state == .warning)
        let observed = "nvidia-gridd does not run. These vGPUs are licensed until 1970-01-02T04:46:40Z: GPU 0."
        #expect(daemon?.observed == observed)
        let gone = try report(endsIn: -1, log(.serverFailed), licensed: false)
        #expect(gone.finding(Self.code) == nil && gone.reason == .licenseServerFailed)
    }
}
