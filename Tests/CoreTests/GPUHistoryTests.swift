import FoundationEssentials
import NodeModel
import Support
import Testing

@Suite struct GPUHistoryTests {
    private static let gpu = PCIAddress(domain: 0, bus: 0x81, device: 0, function: 0)

    private func xid(_ code: Int, _ sequence: UInt64, _ text: String = "x", bus: UInt8 = 0x81) -> DriverLog.Message {
        let address = PCIAddress(domain: 0, bus: bus, device: 0, function: 0)
        return .init(sequence: sequence, microseconds: 0, message: .xid(code, address, text: text))
    }

    private func fallen(_ sequence: UInt64) -> DriverLog.Message {
        .init(sequence: sequence, microseconds: 0, message: .fallenOffTheBus(Self.gpu, text: "fallen"))
    }

    private func history(_ messages: [DriverLog.Message], boot: String = "a") -> GPUHistory {
        var history = GPUHistory()
        for message in messages { history.add(message, boot: boot, at: Timestamp(Double(message.sequence))) }
        return history
    }

    @Test func anErrorThatRepeatsIsOneEvent() {
        let events = history([xid(31, 5, "first"), xid(31, 9, "second"), xid(13, 10), xid(31, 11, bus: 3)]).events
        #expect(events.map(\.code) == [31, 13, 31])
        #expect(events[0].count == 2 && events[0].text == "second" && events[0].sequence == 9)
        #expect(events[0].first == Timestamp(5) && events[0].last == Timestamp(9))
    }

    /// The lines after the first one of an SXid have its registers.
    ///
    /// A later error of the same number can be of another link.
    @Test func aFatalErrorOfASwitchStaysFatal() {
        let lines: [(isFatal: Bool?, text: String)] = [
            (nil, "?"), (false, "Non-fatal, Link 32"), (true, "Fatal, Link 46"), (nil, "Severity 1"),
            (nil, "Data {0x1}"), (false, "Non-fatal, Link 12"),
        ]
        let expected: [(isFatal: Bool?, text: String, count: Int)] = [
            (nil, "?", 1), (false, "Non-fatal, Link 32", 2), (true, "Fatal, Link 46", 3), (true, "Fatal, Link 46", 3),
            (true, "Fatal, Link 46", 3), (true, "Non-fatal, Link 12", 4),
        ]
        for end in lines.indices {
            let messages = lines[...end].enumerated().map { number, line in
                DriverLog.Message(
                    sequence: UInt64(number + 1),
                    microseconds: 0,
                    message: .sxid(12028, Self.gpu, isFatal: line.isFatal, text: line.text)
                )
            }
            let events = history(messages).events
            #expect(events.map(\.isFatal) == [expected[end].isFatal] && events.map(\.text) == [expected[end].text])
            #expect(events.map(\.count) == [expected[end].count])
        }
    }

    /// After a restart, the agent may read a part of the log again.
    @Test func aRecordCountsOnce() {
        let once = history([xid(31, 5), xid(31, 9)])
        var twice = once
        for message in [xid(31, 5), xid(31, 9)] {
            let isNew = twice.add(message, boot: "a", at: Timestamp(99))
            #expect(!isNew)
        }
        #expect(twice == once)
        // In another boot, the same number is another record.
        twice.add(xid(31, 5), boot: "b", at: Timestamp(100))
        #expect(twice.events.count == 2)
    }

    @Test func aClearedErrorThatComesBackIsANewEvent() {
        var history = history([xid(64, 5)])
        history.end(history.events[0], GPUEvent.End(.person, at: Timestamp(6), reason: "replaced", user: "root"))
        history.add(xid(64, 5), boot: "a", at: Timestamp(7))
        #expect(history.events.count == 1)
        history.add(xid(64, 8), boot: "a", at: Timestamp(8))
        #expect(history.events.map { $0.end == nil } == [false, true])
    }

    /// A report that came after the agent decided is not over.
    @Test func anErrorThatWasReportedAgainDoesNotEnd() {
        var history = history([xid(119, 5)])
        let judged = history.events[0]
        history.add(xid(119, 6), boot: "a", at: Timestamp(6))
        history.end(judged, GPUEvent.End(.reset, at: Timestamp(7)))
        #expect(history.events[0].end == nil)
    }

    @Test func aLostGPUIsOneEventWithAndWithoutItsXid() {
        let after = history([xid(79, 1, "GPU has fallen off the bus."), fallen(2)])
        #expect(after.events.count == 1 && after.events[0].name == "Xid 79" && after.events[0].count == 1)
        let before = history([fallen(1), xid(79, 2, "GPU has fallen off the bus.")])
        #expect(before.events.count == 1 && before.events[0].name == "Xid 79" && before.events[0].sequence == 2)
        #expect(history([fallen(1)]).events[0].name == "fallen off the bus")
    }

    @Test func theLastRecoveryActionCounts() {
        let reset = "GPU recovery action changed from 0x0 (None) to 0x1 (GPU Reset Required)"
        let none = "GPU recovery action changed from 0x1 (GPU Reset Required) to 0x0 (None)"
        var history = history([xid(154, 1, reset)])
        #expect(history.events[0].action == .gpuReset)
        let isNew = history.add(xid(154, 2, none), boot: "a", at: Timestamp(2))
        #expect(isNew && history.events.count == 1 && history.events[0].action == RecoveryAction.none)
        // An action that the agent does not know is not the action before it.
        history.add(
            xid(154, 3, "GPU recovery action changed from 0x0 (None) to 0x9 (Other)"),
            boot: "a",
            at: Timestamp(3)
        )
        #expect(history.events[0].action == nil)
    }

    @Test func theHistoryIsBoundedAndKeepsOpenErrors() {
        var history = history([xid(64, 0)])
        for number in 1...1000 {
            history.add(xid(number % 60000 + 200, UInt64(number)), boot: "a", at: Timestamp(Double(number)))
            guard let last = history.events.last else { return }
            history.end(last, GPUEvent.End(.age, at: Timestamp(Double(number))))
        }
        #expect(history.events.count == GPUHistory.eventLimit)
        #expect(history.events[0].code == 64 && history.events[0].end == nil)
        for number in 2000...4000 { history.add(xid(number, UInt64(number)), boot: "a", at: Timestamp(5000)) }
        #expect(history.events.count == GPUHistory.eventLimit)
    }

    @Test func loadsAndAddressesAreOfOneBoot() {
        let found = DriverMessage.deviceFound(PCIAddress(domain: 0, bus: 0x81, device: 0, function: 1))
        var history = history([
            .init(sequence: 3, microseconds: 0, message: .driverLoaded),
            .init(sequence: 4, microseconds: 0, message: found),
        ])
        #expect(history.boot?.driverLoaded == 3 && history.boot?.found == ["0000:81:00.0": 4])
        #expect(history.events.isEmpty)
        for bus in 0...255 {
            for device: UInt8 in 0..<4 {
                let address = PCIAddress(domain: 0, bus: UInt8(bus), device: device, function: 0)
                history.add(
                    .init(sequence: 5, microseconds: 0, message: .deviceFound(address)),
                    boot: "a",
                    at: Timestamp(1)
                )
            }
        }
        #expect(history.boot?.found.count == 256)
        history.add(xid(31, 1), boot: "b", at: Timestamp(1))
        #expect(history.boot == GPUHistory.Boot(id: "b"))
    }

    @Test func aGPUIsKnownByItsUUID() {
        var history = history([xid(31, 1)])
        history.identify([Self.gpu: "GPU-1"], boot: "a")
        #expect(history.events[0].uuid == "GPU-1")
        history.add(xid(13, 2), boot: "a", at: Timestamp(2))
        #expect(history.events[1].uuid == "GPU-1")
        history.identify([Self.gpu: "GPU-2"], boot: "b")
        #expect(history.events[0].uuid == "GPU-1")
    }

    @Test func isReadAgainAsItWasWritten() throws {
        var history = history([xid(31, 1), fallen(2), .init(sequence: 3, microseconds: 0, message: .driverLoaded)])
        history.end(history.events[0], GPUEvent.End(.person, at: Timestamp(6), reason: "replaced", user: "root"))
        let data = try JSONEncoder().encode(history)
        #expect(try JSONDecoder().decode(GPUHistory.self, from: data) == history)
    }

    @Test func gapsOfAnHourAreOne() {
        var position = KernelLogPosition(boot: "a")
        for second in [0, 10, 3000, 10_000] {
            position.add(KernelLogPosition.Gap(at: Timestamp(Double(second)), records: 5))
        }
        #expect(position.gaps.map(\.records) == [15, 5])
        for hour in 0..<100 {
            position.add(KernelLogPosition.Gap(at: Timestamp(Double(hour) * 7200 + 20_000), records: .max))
            position.add(KernelLogPosition.Gap(at: Timestamp(Double(hour) * 7200 + 20_000), records: .max))
        }
        #expect(position.gaps.count == 20 && position.gaps.last?.records == .max)
    }
}
