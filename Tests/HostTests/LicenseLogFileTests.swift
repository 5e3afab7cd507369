import NodeModel
import Support
import TestSupport
import Testing

@testable import Host

/// Finds the last word of the license daemon in the log file of a host without a journal.
///
/// It is noon of 2026-11-28 in UTC, and the host booted a day before.
@Suite struct LicenseLogFileTests {
    private static let now = seconds("2026-11-28T12:00:00Z")
    private static let booted = seconds("2026-11-27T12:00:00Z")

    private static func seconds(_ text: String) -> Timestamp { Timestamp(text) ?? Timestamp(0) }

    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var lines: [String]
        var ofThisBoot: [String] = []
        var unsure: [String] = []
        var isUTC = true
    }

    private static let kernel = "Nov 27 12:00:05 node kernel: [    0.000000] Linux version 6.8.0-48-generic"

    private static let cases = [
        Case(
            testDescription: "the usual time, with and without a host and a process",
            lines: ["Nov 28 10:00:00 node nvidia-gridd[12]: one", "Nov 28 10:00:01 nvidia-gridd: two"],
            ofThisBoot: ["one", "two"]
        ),
        Case(testDescription: "a line of an earlier boot", lines: ["Nov 27 11:59:59 node nvidia-gridd: old"]),
        Case(testDescription: "a day with one digit", lines: ["Nov  9 11:59:59 node nvidia-gridd: old"]),
        Case(testDescription: "a line of the last year", lines: ["Dec 31 11:59:59 node nvidia-gridd: old"]),
        Case(
            testDescription: "a time with its zone",
            lines: [
                "2026-11-27T13:59:59.123456+02:00 node nvidia-gridd: old",
                "2026-11-27T14:00:01.123456+02:00 node nvidia-gridd: new",
                "2026-11-27T07:30:01-0500 node nvidia-gridd: newer", "2026-11-27T12:00:00Z node nvidia-gridd: zulu",
            ],
            ofThisBoot: ["new", "newer", "zulu"],
            isUTC: false
        ),
        Case(
            testDescription: "a time in an unknown zone",
            lines: [
                "Nov 26 23:59:59 node nvidia-gridd: certainly old", "Nov 27 02:00:00 node nvidia-gridd: unsure",
                "Nov 28 01:59:59 node nvidia-gridd: unsure, too", "Nov 28 02:00:00 node nvidia-gridd: new",
            ],
            ofThisBoot: ["new"],
            unsure: ["unsure", "unsure, too"],
            isUTC: false
        ),
        Case(
            testDescription: "the start of the kernel begins a boot",
            lines: [
                "Nov 27 11:00:00 node nvidia-gridd: old", kernel, "Nov 27 12:00:09 node nvidia-gridd: new",
                "no time nvidia-gridd: newer",
            ],
            ofThisBoot: ["new", "newer"],
            isUTC: false
        ),
        Case(testDescription: "a line without a time", lines: ["x nvidia-gridd: y"], unsure: ["y"]),
        Case(
            testDescription: "lines of other programs",
            lines: [
                "Nov 28 10:00:00 node systemd[1]: Started nvidia-gridd.service - NVIDIA Grid Daemon.",
                "Nov 28 10:00:00 node sudo: root : COMMAND=/bin/echo nvidia-gridd: License acquired successfully",
                "Nov 28 10:00:00 node nvidia-griddx: x", "nvidia-gridd", "",
            ]
        ),
    ]

    @Test(arguments: cases)
    func tellsTheBootOfALine(_ test: Case) {
        let text = test.lines.joined(separator: "\n")[...]
        let lines = LicenseLogFile.lines(in: text, booted: Self.booted, now: Self.now, isUTC: test.isUTC)
        #expect(lines.ofThisBoot == test.ofThisBoot && lines.unsure == test.unsure)
    }

    private static let word = "License acquired successfully."

    private func read(_ tree: borrowing TemporaryDirectory) throws -> Reading<LicensingFacts.LogLine> {
        LicenseLogFile(root: try HostRoot(tree.path), booted: Self.booted, now: Self.now).read()
    }

    @Test func readsTheFileOfTheDistribution() throws {
        let tree = try TemporaryDirectory()
        #expect(try read(tree) == .skipped("the host has no log file"))
        try tree.write("var/log/messages", "Nov 28 10:00:00 node nvidia-gridd[1]: \(Self.word)\n")
        #expect(try read(tree) == .present(LicensingFacts.LogLine(.licensed, Self.word)))
        try tree.write("var/log/syslog", "Nov 27 10:00:00 node nvidia-gridd[1]: \(Self.word)\n")
        #expect(try read(tree) == .absent)
        try tree.write("usr/share/zoneinfo/Europe/Berlin", "")
        try tree.link("etc/localtime", to: "/usr/share/zoneinfo/Europe/Berlin")
        #expect(try read(tree).failure?.detail.contains("may be of an earlier boot") == true)
    }

    /// A log of gigabytes costs no more than its end.
    @Test func readsOnlyTheEnd() throws {
        let tree = try TemporaryDirectory()
        let line = "Nov 28 10:00:00 node nvidia-gridd[1]: \(Self.word)\n"
        let other = String(repeating: "Nov 28 10:00:01 node sshd[2]: x\n", count: 10_000)
        try tree.write("var/log/syslog", line + other)
        #expect(try read(tree) == .absent)
        try tree.write("var/log/syslog", other + line)
        #expect(try read(tree).value?.meaning == .licensed)
    }

    /// The journal counts where there is one.
    @Test func completesTheProbe() async throws {
        let tree = try TemporaryDirectory()
        try tree.write("proc/uptime", "86400.00 1.00\n")
        try tree.write("var/log/syslog", "Nov 28 10:00:00 node nvidia-gridd[1]: Failed to acquire license from srv\n")
        let probe = LicensingProbe(root: try HostRoot(tree.path), commands: nil)
        let found = await probe.read(at: Self.now, hasSystemd: false)
        #expect(found.log.value?.meaning == .serverFailed)
        try tree.write("var/log/syslog", "")
        #expect(await probe.read(at: Self.now, hasSystemd: false).log == .absent)
        let silent = await probe.read(at: Self.now, hasSystemd: true)
        #expect(silent.log == .skipped("the agent runs no commands on the host"))
    }
}
