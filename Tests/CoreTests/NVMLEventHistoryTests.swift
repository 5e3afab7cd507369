import FoundationEssentials
import NodeModel
import Support
import Testing

/// The Xids of NVML and of the kernel log in one history.
@Suite struct NVMLEventHistoryTests {
    private static let gpu = PCIAddress(domain: 0, bus: 0x81, device: 0, function: 0)

    private enum Report {
        /// A record of the kernel log: its number, its time and its Xid.
        case log(UInt64, at: Double, _ code: Int = 31)
        case nvml(at: Double, _ code: Int = 31, bus: UInt8 = 0x81)
        case cleared(at: Double)
        case loaded(UInt64)
    }

    private func history(_ reports: [Report], boot: String = "a") -> GPUHistory {
        var history = GPUHistory()
        for report in reports { add(report, to: &history, boot) }
        return history
    }

    private func add(_ report: Report, to history: inout GPUHistory, _ boot: String) {
        switch report {
        case .log(let sequence, let time, let code):
            let message = DriverMessage.xid(code, Self.gpu, text: "from the log")
            history.add(
                .init(sequence: sequence, microseconds: 0, message: message),
                boot: boot,
                at: Timestamp(time)
            )
        case .nvml(let time, let code, let bus):
            let address = PCIAddress(domain: 0, bus: bus, device: 0, function: 0)
            history.add(NVMLEvent(kind: .xid, address: address, code: code), boot: boot, at: Timestamp(time))
        case .cleared(let time):
            guard let event = history.events.last else { return }
            history.end(event, GPUEvent.End(.person, at: Timestamp(time)))
        case .loaded(let sequence):
            history.add(
                .init(sequence: sequence, microseconds: 0, message: .driverLoaded),
                boot: boot,
                at: Timestamp(0)
            )
        }
    }

    private struct Case: CustomTestStringConvertible {
        var name: String
        var reports: [Report]
        /// Of each event: how often it was reported, the number of its record, and whether the last report is of NVML.
        var events: [(count: Int, sequence: UInt64, isNVML: Bool)]
        var testDescription: String { name }
    }

    private static let cases = [
        Case(name: "the log, then NVML", reports: [.log(5, at: 100), .nvml(at: 101)], events: [(1, 5, false)]),
        Case(name: "NVML, then the log", reports: [.nvml(at: 100), .log(5, at: 99)], events: [(1, 5, false)]),
        Case(
            name: "both, twice",
            reports: [.log(5, at: 100), .nvml(at: 101), .nvml(at: 200), .log(9, at: 200)],
            events: [(2, 9, false)]
        ),
        Case(name: "only NVML", reports: [.nvml(at: 100), .nvml(at: 105)], events: [(2, 0, true)]),
        Case(
            name: "NVML half a minute after the log",
            reports: [.log(5, at: 100), .nvml(at: 130)],
            events: [(1, 5, false)]
        ),
        Case(
            name: "NVML later than half a minute after the log",
            reports: [.log(5, at: 100), .nvml(at: 131)],
            events: [(2, 5, true)]
        ),
        Case(
            name: "another Xid and another GPU",
            reports: [.log(5, at: 100), .nvml(at: 101, 13), .nvml(at: 101, bus: 3)],
            events: [(1, 5, false), (1, 5, true), (1, 5, true)]
        ),
        Case(
            name: "NVML is late, after a person cleared the error",
            reports: [.log(5, at: 100), .cleared(at: 105), .nvml(at: 106)],
            events: [(1, 5, false)]
        ),
        Case(
            name: "a cleared error that comes back",
            reports: [.log(5, at: 100), .cleared(at: 105), .nvml(at: 200)],
            events: [(1, 5, false), (1, 5, true)]
        ),
        Case(
            name: "the log is late, after a person cleared the error of NVML",
            reports: [.nvml(at: 100), .cleared(at: 105), .log(5, at: 100)],
            events: [(1, 5, false)]
        ),
        Case(
            name: "a load of the driver before NVML is not one after it",
            reports: [.loaded(40), .nvml(at: 100)],
            events: [(1, 40, true)]
        ),
        Case(
            name: "a repetition is after a load of the driver",
            reports: [.nvml(at: 100), .loaded(40), .nvml(at: 200)],
            events: [(2, 40, true)]
        ),
        Case(name: "a recovery action without its text", reports: [.nvml(at: 100, 154)], events: []),
    ]

    @Test(arguments: cases) private func oneErrorIsOneEvent(_ test: Case) {
        let events = history(test.reports).events
        #expect(events.map(\.count) == test.events.map(\.count))
        #expect(events.map(\.sequence) == test.events.map(\.sequence))
        #expect(events.map { $0.source == .nvml } == test.events.map(\.isNVML))
    }

    /// The log has more to say than NVML.
    @Test func theTextIsThatOfTheLog() {
        #expect(history([.nvml(at: 100)]).events.map(\.text) == ["reported by NVML"])
        #expect(history([.nvml(at: 100), .log(5, at: 99)]).events.map(\.text) == ["from the log"])
        #expect(history([.log(5, at: 1), .nvml(at: 100)]).events.map(\.text) == ["from the log"])
        let ofInstance = NVMLEvent(kind: .xid, address: Self.gpu, code: 31, gpuInstance: 2, computeInstance: 0)
        #expect(ofInstance.text == "reported by NVML for GPU instance 2, compute instance 0")
        #expect(NVMLEvent(kind: .xid, address: Self.gpu, code: 999).text.contains("does not know"))
    }

    @Test func aRecordThatIsReadAgainChangesNothing() {
        let once = history([.log(5, at: 100), .cleared(at: 105), .nvml(at: 200)])
        var twice = once
        add(.log(5, at: 100), to: &twice, "a")
        #expect(twice == once)
    }

    @Test func anErrorThatNVMLReportedAgainDoesNotEnd() {
        var history = history([.nvml(at: 100)])
        let judged = history.events[0]
        add(.nvml(at: 200), to: &history, "a")
        history.end(judged, GPUEvent.End(.reset, at: Timestamp(201)))
        #expect(history.events[0].end == nil)
    }

    @Test func aLostGPUIsOneEvent() {
        var history = history([.nvml(at: 100, 79)])
        let sentence = DriverMessage.fallenOffTheBus(Self.gpu, text: "fallen")
        history.add(.init(sequence: 7, microseconds: 0, message: sentence), boot: "a", at: Timestamp(100))
        #expect(history.events.map(\.name) == ["Xid 79"] && history.events[0].count == 1)
        #expect(history.events[0].sequence == 7)
    }

    @Test func anotherBootIsAnotherError() {
        var history = history([.log(50, at: 100)])
        add(.nvml(at: 110), to: &history, "b")
        #expect(history.events.map(\.boot) == ["a", "b"] && history.events[1].sequence == 0)
        #expect(history.boot?.id == "b")
    }

    @Test func theUUIDIsKnownAtOnce() {
        var history = GPUHistory()
        history.identify([Self.gpu: "GPU-1"], boot: "a")
        history.add(NVMLEvent(kind: .xid, address: Self.gpu, code: 31), boot: "a", at: Timestamp(1))
        history.add(NVMLEvent(kind: .xid, address: Self.gpu, uuid: "GPU-2", code: 13), boot: "a", at: Timestamp(1))
        #expect(history.events.map(\.uuid) == ["GPU-1", "GPU-2"])
    }

    @Test func aChangeOfMIGIsNoError() {
        var history = GPUHistory()
        history.add(NVMLEvent(kind: .migChange, address: Self.gpu, code: 31), boot: "a", at: Timestamp(1))
        #expect(history.events.isEmpty)
    }

    @Test func theHistoryIsBounded() {
        var history = GPUHistory()
        for code in 200...900 {
            history.add(NVMLEvent(kind: .xid, address: Self.gpu, code: code), boot: "a", at: Timestamp(1))
        }
        #expect(history.events.count == GPUHistory.eventLimit)
    }

    /// An earlier agent wrote no source, and its events are of the kernel log.
    @Test func isReadAgainAsItWasWritten() throws {
        let history = history([.log(5, at: 100), .nvml(at: 200, 13)])
        let data = try JSONEncoder().encode(history)
        #expect(try JSONDecoder().decode(GPUHistory.self, from: data) == history)
        let text = String(decoding: data, as: UTF8.self)
        #expect(text.components(separatedBy: "\"source\"").count == 2)
    }
}
