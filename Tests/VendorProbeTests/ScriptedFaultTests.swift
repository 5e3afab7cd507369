import FoundationEssentials
import NodeModel
import Testing
import VendorProbe

/// Faults of the stand-in libraries that are only in some of the calls.
///
/// Each look is a process of its own, so these tests also show that the count outlives it.
@Suite struct ScriptedFaultTests {
    /// The looks in which the call fails, counted from 1.
    private func failures(
        _ words: String,
        in looks: Int,
        _ hardware: String = StandInHost.twoH100
    ) async throws -> [Int] {
        try await StandInHost.with(hardware: hardware + "fault nvmlDeviceGetName gpu=1 code=15 \(words)\n") { host in
            let prober = host.prober(libraries: VendorLibraries(nvml: host.nvml, cuda: nil))
            var failures: [Int] = []
            for look in 1...looks {
                let gpus = try #require(await prober.facts().nvml.value?.gpus)
                #expect(gpus.count == 2 && gpus[0].name.value != nil)
                if gpus[1].name.failure != nil { failures.append(look) }
            }
            return failures
        }
    }

    @Test(
        arguments: [
            ("", [1, 2, 3, 4, 5]), ("after=2 times=1", [3]), ("after=3", [4, 5]), ("times=2", [1, 2]),
            ("times=0", []), ("after=9", []), ("chance=0", []), ("chance=100 after=4", [5]),
        ] as [(String, [Int])]
    )
    func areInTheCallsOfTheScript(_ words: String, _ expected: [Int]) async throws {
        #expect(try await failures(words, in: 5) == expected)
    }

    /// The numbers are those of the sequence of the seed, so a failing run can be repeated.
    @Test(
        arguments: [
            ("chance=30 seed=7", [2, 4, 6, 10, 12, 17, 20]), ("chance=30 seed=7 after=5 times=3", [6, 10, 12]),
        ]
    )
    func areByChanceTheSameForASeed(_ words: String, _ expected: [Int]) async throws {
        #expect(try await failures(words, in: 20) == expected)
    }

    /// A line does not stop the count of the next one.
    @Test func severalLinesCountTheSameCalls() async throws {
        let first = "fault nvmlDeviceGetName gpu=1 code=999 after=1 times=1\n"
        #expect(try await failures("after=2 times=1", in: 4, StandInHost.twoH100 + first) == [2, 3])
    }

    @Test(arguments: ["chance=101", "after=x", "times=-1", "noise"])
    func aWordThatIsNotUnderstoodIsSaid(_ words: String) async throws {
        let hardware = StandInHost.twoH100 + "fault nvmlDeviceGetName \(words)\n"
        let nvml = try await StandInHost.with(hardware: hardware) { await $0.prober().facts().nvml }
        #expect(nvml == .unreadable(ReadFailure(.vendor, "nvmlInit_v2: 999 NVML_ERROR_UNKNOWN")))
    }

    @Test func aProcessThatCannotCountSaysSo() async throws {
        let hardware = StandInHost.twoH100 + "fault nvmlDeviceGetName code=15 after=1\n"
        let failure = try await StandInHost.with(hardware: hardware) { host in
            try Toolbox.write("", to: "\(host.root)/etc/gpu-sim/calls")
            return await host.prober().facts().nvml.failure
        }
        #expect(failure?.reason == .crashed)
        #expect(failure?.detail.contains("gpu-sim: cannot count in ") == true, "\(failure?.detail ?? "no failure")")
    }
}
