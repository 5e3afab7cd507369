import CoreSupport
import Health
import NodeModel
import Planning
import Selection
import Support
import TestSupport
import Testing

/// Why a vGPU has no license, and when that counts.
@Suite struct LicenseCauseTests {
    typealias Token = LicensingFacts.Token

    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var code: ReasonCode
        var words: String
        var facts = NodeFacts.rtxProReady
        var licensing = LicensingFacts(
            at: Timestamp(100_000),
            booted: Timestamp(99_000),
            configuration: .present(LicensingFacts.Configuration(featureType: 1)),
            tokens: .present([Token(path: "/t.tok", expires: Timestamp(200_000))]),
            log: .absent
        )
        var program = DriverProgram(
            path: "/usr/bin/nvidia-gridd",
            unitFile: "/usr/lib/systemd/system/nvidia-gridd.service",
            isRunning: true
        )
        var platform: String? = "kvm"
        var expires: String?

        init(_ name: String, _ code: ReasonCode, _ words: String, _ change: (inout Case) -> Void) {
            testDescription = name
            self.code = code
            self.words = words
            change(&self)
        }

        mutating func says(_ meaning: LicensingFacts.Meaning) {
            licensing.log = .present(LicensingFacts.LogLine(meaning, "the line"))
        }

        static let all = [
            Case("no daemon", .licenseDaemonMissing, "lacks nvidia-gridd") {
                $0.program = DriverProgram(isRunning: false)
            },
            Case("no unit", .licenseDaemonMissing, "or its unit") {
                $0.program.unitFile = nil
                $0.program.isRunning = false
            },
            Case("the daemon does not run", .licenseDaemonNotRunning, "nvidia-gridd does not run.") {
                $0.program.isRunning = false
                $0.says(.serverFailed)
            },
            Case("a refused token", .licenseTokenUnreadable, "/t.tok") {
                $0.says(.tokenRefused)
                $0.program.isRunning = false
            },
            Case("a file that is no token", .licenseTokenUnreadable, "/t.tok: it is not") {
                $0.licensing.tokens = .present([Token(path: "/t.tok", fault: "it is not a signed token")])
            },
            Case("tokens that cannot be read", .licenseTokenUnreadable, "denied") {
                $0.licensing.tokens = .unreadable(ReadFailure(.permission, "denied"))
            },
            Case("an expired token", .licenseTokenExpired, "/t.tok expired at 1970-01-02T03:46:40Z") {
                $0.licensing.tokens = .present([Token(path: "/t.tok", expires: Timestamp(100_000))])
                $0.says(.serverFailed)
            },
            Case("one of two tokens is good", .licenseMissing, "GPU 0.") {
                $0.licensing.tokens = .present([Token(path: "/a.tok", expires: Timestamp(9)), Token(path: "/t.tok")])
            },
            Case("no token", .licenseTokenMissing, "neither a license token nor") { $0.licensing.tokens = .absent },
            Case("no token, but a server", .licenseServerFailed, "nvidia-gridd: the line") {
                $0.licensing.tokens = .absent
                $0.licensing.configuration = .present(LicensingFacts.Configuration(server: "10.0.0.1"))
                $0.says(.serverFailed)
            },
            Case("no server answers", .licenseServerFailed, "nvidia-gridd: the line") { $0.says(.serverFailed) },
            Case("no license is left", .licenseNoneAvailable, "nvidia-gridd: the line") { $0.says(.noneAvailable) },
            Case("the clock is wrong", .licenseClockSkew, "nvidia-gridd: the line") { $0.says(.clockSkew) },
            Case("the license ended", .licenseExpired, "ended at 1970-01-02T03:00:00Z") {
                $0.expires = "1970-01-02T03:00:00Z"
                $0.says(.licensed)
            },
            Case("nothing says why", .licenseMissing, "GPU 0.") { _ in },
            Case("the daemon does not say why", .licenseMissing, "nvidia-gridd: the line") { $0.says(.unlicensed) },
            Case("it does not say that it has no token", .licenseTokenMissing, "neither a license token nor") {
                $0.licensing.tokens = .absent
                $0.says(.unlicensed)
            },
        ]

        func report(grace: Int = 0) throws -> NodeReport {
            let facts = facts.with { facts in
                facts.driver.surroundings = DriverSurroundings(hasSystemd: true, programs: ["nvidia-gridd": program])
                facts.licensing = .present(licensing)
                facts = facts.withNVML {
                    let feature = LicenseFeature(
                        code: "vgpu",
                        licensed: false,
                        enabled: true,
                        product: nil,
                        expiryStatus: "valid",
                        expires: expires
                    )
                    $0.gpus[0].license = .present(LicenseFacts(licensed: false, product: nil, features: [feature]))
                }
            }
            var plan = try Plan.made(for: facts)
            plan.decision.platform = platform
            return Checks(facts: facts, plan: plan, surroundings: SurroundingsPolicy(licenseGrace: grace)).report()
        }
    }

    @Test(arguments: Case.all)
    func isOneFinding(_ test: Case) throws {
        let report = try test.report()
        #expect(report.verdict == .notReady && report.reason == test.code && report.readiness == .notUsable)
        let failed = report.findings.filter { $0.state == .failed }
        #expect(failed.map(\.code) == [test.code])
        #expect(failed.first?.observed.hasPrefix("These vGPUs have no license: GPU 0.") == true)
        #expect(failed.first?.observed.contains(test.words) == true, "\(failed.first?.observed ?? "")")
        #expect(failed.first?.remedy.isEmpty == false)
        #expect(!report.findings.contains { $0.state == .warning })
    }

    /// The boot was 1000 seconds ago.
    @Test(arguments: Case.all)
    func countsAfterTheGrace(_ test: Case) throws {
        let report = try test.report(grace: 86_400)
        #expect(report.verdict == .degraded && report.reason == test.code && report.readiness == .usable)
        let grace = report.findings.first { $0.code == .licenseGrace }
        #expect(grace?.state == .notice && grace?.observed.hasPrefix("The node stays ready without a license") == true)
        let late = try test.report(grace: 999)
        #expect(late.verdict == .notReady && !late.findings.contains { $0.code == .licenseGrace })
    }

    /// The packages of these clouds bring a license.
    @Test(arguments: ["azure", "aws", "gcp"])
    func aCloudNeedsNoToken(_ platform: String) throws {
        let test = Case("no token", .licenseMissing, "") {
            $0.licensing.tokens = .absent
            $0.platform = platform
        }
        #expect(try test.report().reason == .licenseMissing)
    }

    @Test(
        arguments: [
            ("Failed to acquire license from srv (Info: vGPU - Error: Could not resolve host: srv)", "(DNS)"),
            ("Failed to acquire license from srv (Info: vGPU - Error: Connection timed out)", "firewalls"),
            ("Failed to acquire license from srv (Info: vGPU - Error: Couldn't connect to server)", "cannot connect"),
            ("Failed to acquire license from srv (Info: vGPU - Error: SSL certificate problem)", "certificate"),
            ("Failed to acquire license from resolve.example (Info: vGPU - Error: x)", "reaches the license server"),
            ("Failed to acquire license from 10.0.0.1", "reaches the license server"),
        ]
    )
    func theRemedyNamesThePartOfTheNetwork(_ line: String, _ words: String) throws {
        let test = Case("no server answers", .licenseServerFailed, "") {
            $0.licensing.log = .present(LicensingFacts.LogLine(.serverFailed, line))
        }
        let remedy = try test.report().finding(.licenseServerFailed)?.remedy.text
        #expect(remedy?.contains(words) == true, "\(remedy ?? "no finding")")
    }

    @Test func anOperatorCanWantNoLicense() throws {
        let test = Case("no license", .licenseMissing, "") {
            $0.licensing.configuration = .present(LicensingFacts.Configuration(featureType: 0))
        }
        let report = try test.report()
        #expect(report.verdict == .degraded && report.reason == .licenseMissing)
    }
}
