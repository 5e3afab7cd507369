import FoundationEssentials
import Glibc
import TestSupport
import Testing

/// The time when an agent is killed: just before or just after a write of its journal.
struct KillPoint: Sendable, CustomTestStringConvertible {
    enum Side: String, CaseIterable {
        case before, after
    }

    /// The number of the write, counted from 1.
    var write: Int
    var side: Side

    var testDescription: String { "\(side.rawValue) write \(write)" }

    /// The number of journal writes in a whole install: after the first step, and before and after each other step.
    static let writes = 2 * wholeInstall.count - 1

    static let all = (1...writes).flatMap { write in Side.allCases.map { KillPoint(write: write, side: $0) } }
}

/// The library that kills the agent.
///
/// The first use compiles it from `KillShim/kill_shim.c`.
struct KillShim: Sendable {
    private let library: String

    private static let compiled = Task {
        // Beside the packages that the simulator keeps.
        let directory = "\(Programs.repository)/.build/gpu-sim"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        let (library, draft) = ("\(directory)/kill_shim.so", "\(directory)/kill_shim.so.\(getpid())")
        let compiler = ["cc", "-shared", "-fPIC", "-O2", "-Wall", "-Werror"]
        try await succeed(compiler + ["-o", draft, fixture("KillShim/kill_shim.c"), "-ldl"])
        guard rename(draft, library) == 0 else { throw Failure("cannot rename \(draft): error \(errno)") }
        return KillShim(library: library)
    }

    static func shared() async throws -> KillShim { try await compiled.value }

    /// The environment for an agent that is killed at a point.
    func killing(at point: KillPoint) -> [String: String] {
        ["LD_PRELOAD": library, "KILL_SHIM_SIDE": point.side.rawValue, "KILL_SHIM_WRITE": "\(point.write)"]
    }

    /// The environment for an agent that appends one byte to a file for each write of its journal.
    func counting(in file: String) -> [String: String] {
        ["LD_PRELOAD": library, "KILL_SHIM_LOG": file]
    }
}
