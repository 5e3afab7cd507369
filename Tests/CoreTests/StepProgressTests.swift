import Testing

@testable import Reporting

/// The line of a terminal that shows how far a running step is.
struct StepProgressTests {
    @Test func aStepShowsItsTimeItsEstimateAndItsOutput() {
        var progress = StepProgress()
        #expect(progress.text(after: 0) == "0 s")
        #expect(progress.text(after: 9.9) == "9 s")
        progress.usualSeconds = 95
        #expect(progress.text(after: 38.2) == "38 s of about 95 s")
        progress.lastLine = "\u{1b}[1mBuilding https://user:secret@mirror/"
        #expect(progress.text(after: 150) == "2 min 30 s of about 95 s: \u{fffd}[1mBuilding https://***@mirror/")
    }

    @Test func aDownloadShowsItsRateAndTheTimeThatIsLeft() {
        var progress = StepProgress(usualSeconds: 10)
        progress.take(received: 0, total: 400 << 20, after: 1)
        #expect(progress.text(after: 1) == "0 % of 400 MiB, 1 s")
        progress.take(received: 100 << 20, total: 400 << 20, after: 3)
        #expect(progress.text(after: 3) == "25 % of 400 MiB, 50 MiB/s, 6 s left, 3 s")
        progress.take(received: 400 << 20, total: 400 << 20, after: 9)
        #expect(progress.text(after: 9) == "100 % of 400 MiB, 50 MiB/s, 9 s")
    }

    /// The bytes of an earlier attempt do not count for the rate of this one.
    @Test func aResumedDownloadHasTheRateOfThisAttempt() {
        var progress = StepProgress()
        progress.take(received: 300 << 20, total: 400 << 20, after: 0)
        progress.take(received: 310 << 20, total: 400 << 20, after: 10)
        #expect(progress.text(after: 10) == "77 % of 400 MiB, 1 MiB/s, 90 s left, 10 s")
        // The server did not resume, so the download starts again.
        progress.take(received: 0, total: 400 << 20, after: 11)
        progress.take(received: 1 << 20, total: 400 << 20, after: 13)
        #expect(progress.text(after: 13) == "0 % of 400 MiB, 512 KiB/s, 13 min 18 s left, 13 s")
    }

    @Test(arguments: [
        (nil, "5 MiB, 1 MiB/s, 5 s"), (0, "100 % of 0 MiB, 1 MiB/s, 5 s"), (1, "100 % of 0 MiB, 1 MiB/s, 5 s"),
    ])
    func aSizeThatIsUnknownOrWrongDoesNoHarm(_ total: Int?, _ text: String) {
        var progress = StepProgress()
        progress.take(received: 0, total: total, after: 0)
        progress.take(received: 5 << 20, total: total, after: 5)
        #expect(progress.text(after: 5) == text)
        progress.take(received: .max, total: total, after: 6)
        #expect(progress.text(after: 6).isEmpty == false)
        #expect(progress.text(after: .infinity).isEmpty == false)
        #expect(progress.text(after: .nan).isEmpty == false)
    }
}
