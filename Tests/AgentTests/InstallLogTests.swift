import Logging
import NodeModel
import Reporting
import TestSupport
import Testing

@testable import Agent

/// What the daemon logs while it installs, at its usual level.
@Suite struct InstallLogTests {
    private let lines = LogLines()
    private let log: InstallLog

    init() {
        let lines = lines
        log = InstallLog(logger: Logger(label: "test") { _ in lines }, box: SnapshotBox())
    }

    private func start(_ id: StepID) { log.note(.started(.named(id), number: 1, of: 2, usual: nil)) }

    @Test func hasTheOutputOfAStep() {
        start(.install)
        for line in ["Building kernel modules", "", "  ", "from https://user:MARKER@mirror/x\u{1b}[2J"] {
            log.note(.said(line))
        }
        log.note(.finished(.named(.install), seconds: 2))
        #expect(
            lines.all == [
                "notice step started number=1/2 step=install",
                "info output line=Building kernel modules step=install",
                "info output line=from https://***@mirror/x\u{fffd}[2J step=install",
                "notice step done seconds=2.0 step=install",
            ]
        )
    }

    @Test func namesTheJobOfAnEarlierAgent() {
        log.note(.waitingForJob("install-1"))
        log.note(.said("still here"))
        #expect(lines.all.last == "info output job=install-1 line=still here")
    }

    /// A program can print without end.
    @Test func hasALimitForEachStepAndSaysWhatIsLeftOut() {
        start(.install)
        for number in 1...StepOutput.limit + 7 { log.note(.said("line \(number)")) }
        #expect(lines.all.count { $0.hasPrefix("info output") } == StepOutput.limit)
        #expect(lines.all.last == "info output line=line \(StepOutput.limit) step=install")
        start(.load)
        log.note(.said("another step"))
        #expect(
            lines.all.suffix(3) == [
                "info the log does not have all output left-out=7 more lines step=install",
                "notice step started number=1/2 step=load", "info output line=another step step=load",
            ]
        )
    }
}
