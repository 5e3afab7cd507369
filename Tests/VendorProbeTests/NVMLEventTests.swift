import FoundationEssentials
import Glibc
import NodeModel
import Synchronization
import Testing

@testable import VendorProbe

/// The child process that waits for events, on the stand-in library.
@Suite(.timeLimit(.minutes(2)))
struct NVMLEventTests {
    private final class Lines: Sendable {
        private let lines = Mutex<[NVMLEventLine]>([])
        var all: [NVMLEventLine] { lines.withLock(\.self) }
        var events: [NVMLEvent] { all.compactMap(\.event) }
        var sources: [NVMLEventLine.Source]? { all.compactMap(\.sources).first }
        func take(_ line: NVMLEventLine) { lines.withLock { $0.append(line) } }
    }

    private static let first = PCIAddress(domain: 1, bus: 0, device: 0, function: 0)
    private static let second = PCIAddress(domain: 0x10002, bus: 0x0a, device: 0x1f, function: 0)
    private static let uuids = ["a", "b"].map { "GPU-00000000-0000-0000-0000-00000000000\($0)" }

    private func report(_ events: String, on host: StandInHost) throws {
        let path = "\(host.root)/etc/gpu-sim/events"
        let earlier = (try? Toolbox.read(path)) ?? ""
        try Toolbox.write(earlier + events, to: path)
    }

    /// Waits for events until the body ends, and returns why the child process ended.
    private func waiting(
        on host: StandInHost,
        _ body: (Lines) async throws -> Void
    ) async throws -> NVMLEventEnd {
        let (lines, prober) = (Lines(), host.prober())
        let waiting = Task { await prober.waitForEvents(lines.take) }
        do { try await body(lines) } catch {
            waiting.cancel()
            _ = await waiting.value
            throw error
        }
        waiting.cancel()
        return await waiting.value
    }

    @Test(arguments: ["", "-DSTANDIN_OLD"]) func eachEventIsReportedOnce(_ defines: String) async throws {
        try await StandInHost.with(hardware: StandInHost.twoH100, defines: defines) { host in
            let end = try await waiting(on: host) { lines in
                #expect(try await Toolbox.eventually { lines.sources != nil })
                #expect(lines.sources?.map(\.address) == [Self.first, Self.second])
                #expect(lines.sources?.allSatisfy { $0.failure == nil } == true)
                try report("xid 1 79\nmig 0\nxid 0 31 2 0\n", on: host)
                #expect(try await Toolbox.eventually { lines.events.count == 3 })
                let isOld = !defines.isEmpty
                #expect(
                    lines.events == [
                        NVMLEvent(kind: .xid, address: Self.second, uuid: Self.uuids[1], code: 79),
                        NVMLEvent(kind: .migChange, address: Self.first, uuid: Self.uuids[0]),
                        NVMLEvent(
                            kind: .xid,
                            address: Self.first,
                            uuid: Self.uuids[0],
                            code: 31,
                            gpuInstance: isOld ? nil : 2,
                            computeInstance: isOld ? nil : 0
                        ),
                    ]
                )
            }
            #expect(end == .cancelled)
            #expect(host.isTidy)
            // The next process hears only what comes after it.
            _ = try await waiting(on: host) { lines in
                try report("xid 0 13\n", on: host)
                #expect(try await Toolbox.eventually { lines.events.map(\.code) == [13] })
            }
        }
    }

    @Test func itSaysThatItStillWaits() async throws {
        try await StandInHost.with(hardware: StandInHost.twoH100) { host in
            let end = try await waiting(on: host) { lines in
                let isSaid = try await Toolbox.eventually { lines.all.contains(.alive) }
                #expect(isSaid)
            }
            #expect(end == .cancelled)
        }
    }

    /// Why a node has no events: the hardware, the definitions of the library, and a part of the reason.
    struct Refusal: Sendable {
        var lines = ""
        var defines = ""
        var words: String = ""
        var why: String
    }

    static let refusals = [
        Refusal(
            defines: "-DSTANDIN_WITHOUT_EVENTS",
            why: "nvmlEventSetCreate: 13 NVML_ERROR_FUNCTION_NOT_FOUND"
        ),
        Refusal(lines: "fault nvmlEventSetCreate code=3\n", why: "nvmlEventSetCreate: 3 NVML_ERROR_NOT_SUPPORTED"),
        // The bit of a change of MIG alone.
        Refusal(
            words: "trait.eventTypes=0x100",
            why: "GPU 0001:00:00.0: the GPU does not report an Xid as an event; GPU 10002:0a:1f.0: the"
        ),
        Refusal(
            lines: "fault nvmlDeviceRegisterEvents code=4\n",
            why: "GPU 0001:00:00.0: nvmlDeviceRegisterEvents: 4 NVML_ERROR_NO_PERMISSION"
        ),
    ]

    @Test(arguments: refusals.indices) func aNodeWithoutEvents(_ index: Int) async throws {
        let refusal = Self.refusals[index]
        let hardware = StandInHost.twoH100.replacing("memoryMiB=", with: "\(refusal.words) memoryMiB=") + refusal.lines
        try await StandInHost.with(hardware: hardware, defines: refusal.defines) { host in
            let lines = Lines()
            let end = await host.prober().waitForEvents(lines.take)
            guard case .unsupported(let why) = end else {
                Issue.record("\(end)")
                return
            }
            #expect(why.hasPrefix(refusal.why), "\(why)")
            #expect(lines.sources == nil && host.isTidy)
        }
    }

    /// The events that one GPU does not have do not hide those of the other.
    @Test(
        arguments: [
            "fault nvmlDeviceGetHandleByIndex_v2 code=15 gpu=0\n", "fault nvmlDeviceRegisterEvents code=3 gpu=0\n",
        ]
    )
    func oneGPUWithoutEvents(_ fault: String) async throws {
        try await StandInHost.with(hardware: StandInHost.twoH100 + fault) { host in
            _ = try await waiting(on: host) { lines in
                #expect(try await Toolbox.eventually { lines.sources != nil })
                #expect(lines.sources?.map { $0.failure == nil } == [false, true])
                try report("xid 0 31\nxid 1 79\n", on: host)
                #expect(try await Toolbox.eventually { lines.events.map(\.code) == [79] })
            }
        }
    }

    /// A GPU without MIG reports its Xids.
    @Test func onlyTypesThatTheGPUHasAreRegistered() async throws {
        let hardware = StandInHost.twoH100.replacing("memoryMiB=", with: "trait.eventTypes=0x8 memoryMiB=")
        try await StandInHost.with(hardware: hardware) { host in
            _ = try await waiting(on: host) { lines in
                #expect(try await Toolbox.eventually { lines.sources != nil })
                try report("mig 0\nxid 0 31\n", on: host)
                #expect(try await Toolbox.eventually { lines.events.map(\.kind) == [.xid] })
            }
        }
    }

    @Test(
        arguments: [
            ("fault nvmlInit_v2 code=9\n", ReadFailure.Reason.vendor, "nvmlInit_v2: 9"),
            ("fault nvmlEventSetWait_v2 code=15\n", .vendor, "nvmlEventSetWait_v2: 15 NVML_ERROR_GPU_IS_LOST"),
            ("fault nvmlDeviceRegisterEvents crash\n", .crashed, "killed by signal 11"),
            ("fault nvmlDeviceRegisterEvents hang\n", .hang, "nvmlDeviceRegisterEvents did not return"),
            ("fault nvmlDeviceGetCount_v2 count=4000000000\n", .malformed, "at most 64"),
        ]
    )
    func aFailureIsNamed(_ fault: String, _ reason: ReadFailure.Reason, _ words: String) async throws {
        try await StandInHost.with(hardware: StandInHost.twoH100 + fault) { host in
            host.deadlines.nvml = .seconds(3)
            let end = await host.prober().waitForEvents { _ in }
            guard case .failed(let failure) = end else {
                Issue.record("\(end)")
                return
            }
            #expect(failure.reason == reason && failure.detail.contains(words), "\(failure)")
            #expect(host.isTidy)
        }
    }

    /// The process holds the device nodes of the driver, so it must not outlive the agent or delay a change of the driver.
    ///
    /// The agent closes the channel, as its own death does.
    @Test(arguments: ["", "fault nvmlEventSetWait_v2 hang\n", "fault nvmlDeviceRegisterEvents hang\n"])
    func itEndsAtOnceWithItsInput(_ fault: String) async throws {
        try await StandInHost.with(hardware: StandInHost.twoH100 + fault) { host in
            let child = try VendorProcess(
                program: Toolbox.agent,
                arguments: ["vendor-probe", "--nvml", host.nvml, "--events"],
                environment: ["SWIFT_BACKTRACE=enable=no"],
                cancellation: try Cancellation()
            )
            defer { child.end(kill: true, patience: .seconds(5)) }
            // The first line: the process has loaded the library.
            guard case .line = child.line(before: .now + .seconds(30)) else {
                Issue.record("no line")
                return
            }
            let began = ContinuousClock.now
            let ending = child.end(kill: false, patience: .seconds(20))
            #expect(ending == .signalled(SIGKILL) || ending == .exited(0))
            #expect(ContinuousClock.now - began < .seconds(1))
        }
    }

    @Test func aHostWithoutTheLibrary() async throws {
        try await StandInHost.with(hardware: StandInHost.twoH100) { host in
            let prober = host.prober(libraries: VendorLibraries(nvml: nil, cuda: nil))
            #expect(await prober.waitForEvents { _ in } == .unsupported("the host has no NVML"))
        }
    }
}
