import Glibc
import Testing

@testable import VendorProbe

/// What `/proc` says about a process.
@Suite struct ProcessStateTests {
    @Test(
        arguments: [
            ("7 (gpu-agent) D 1 7 7 0", "nv_wait_event\n", "process state D in nv_wait_event"),
            ("7 (a) R (b) S 1 7 7 0", "0", "process state S"), ("7 (gpu-agent) R 1 7", "", "process state R"),
            ("7 (x) D 1", "rm_ioctl.part.0", "process state D in rm_ioctl.part.0"),
            ("7 (x) D 1", "not a symbol!", "process state D in not"), ("7 (x) D 1", "\u{1B}[31m", "process state D"),
            ("7 x D 1", "0", nil), ("", "", nil), ("7 (x)", "0", nil),
        ] as [(String, String, String?)]
    )
    func isReadFromTheKernel(_ stat: String, _ channel: String, _ expected: String?) {
        #expect(ProcessState(stat: stat, waitChannel: channel)?.description == expected)
    }

    @Test func isKnownOfAProcessThatRuns() {
        #expect(ProcessState(of: getpid()).map { "RS".contains($0.letter) } == true)
        // The kernel gives no process this number (PID_MAX_LIMIT).
        #expect(ProcessState(of: pid_t.max) == nil)
    }
}
