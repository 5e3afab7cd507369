import Catalog
import FoundationEssentials
import NodeModel
import Support

extension Properties {
    /// Checks what the agent reads from records of `/dev/kmsg`, one in each line.
    mutating func checkKernelLog(_ bytes: [UInt8]) {
        var log = DriverLog()
        var messages: [DriverLog.Message] = []
        var texts = ""
        for line in bytes.split(separator: UInt8(ascii: "\n")) {
            let record = Array(line).withUnsafeBytes { KernelRecord($0) }
            let number = Array(line).withUnsafeBytes { KernelRecord.sequence(of: $0) }
            guard let record else { continue }
            expect(number == record.sequence, "a record has one number")
            // The text of fragments is in one piece here, as the log joins it.
            texts += (record.part == .continuation ? "" : "\n") + record.text
            messages += log.take(record)
        }
        messages += log.flush()
        expect(!log.isWaiting, "nothing waits after the end")
        var history = GPUHistory()
        for message in messages {
            checkMessage(message.message, texts)
            history.add(message, boot: "b", at: Timestamp(1))
        }
        checkHistory(history, messages)
    }

    /// Checks that a message says no more than the log.
    private mutating func checkMessage(_ message: DriverMessage, _ log: String) {
        switch message {
        case .xid(let code, let gpu, let text):
            // The number can have leading zeros.
            expect(log.contains("NVRM: Xid (") && log.contains("\(code),"), "the log has no Xid \(code)")
            checkAddress(gpu, log)
            checkText(text)
        case .sxid(let code, let gpu, let isFatal, let text):
            expect(log.contains("SXid (") && log.contains("\(code),"), "the log has no SXid \(code)")
            if let isFatal { expect(text.hasPrefix(isFatal ? "Fatal" : "Non-fatal"), "it does not say so: \(text)") }
            checkAddress(gpu, log)
            checkText(text)
        case .fallenOffTheBus(let gpu, let text):
            expect(text.contains("fallen off the bus") || text.contains("more bytes"), "no GPU fell: \(text)")
            checkAddress(gpu, log)
            checkText(text)
        case .driverLoaded: expect(log.contains("NVRM: loading NVIDIA UNIX"), "no load of the driver")
        case .deviceFound(let gpu):
            expect(log.contains("[10de:"), "no function of NVIDIA")
            checkAddress(gpu, log)
        case .names, .namedOneHasFallen: expect(false, "a half sentence is no message: \(message)")
        }
    }

    private mutating func checkAddress(_ gpu: PCIAddress, _ log: String) {
        let (bus, log) = (hex(gpu.bus, digits: 2), log.lowercased())
        let isThere = log.contains(":\(bus):") || log.contains(":\(String(gpu.bus, radix: 16)):")
        // A number can have further leading zeros.
        expect(isThere || log.contains("0\(bus):"), "the log has no bus \(bus)")
    }

    private mutating func checkText(_ text: String) {
        expect(text.utf8.count <= DriverMessage.textLimit, "a text is too long")
        expect(text == text.visible, "a text has control characters")
    }

    private mutating func checkHistory(_ history: GPUHistory, _ messages: [DriverLog.Message]) {
        expect(history.events.count <= GPUHistory.eventLimit, "the history is too long")
        // Only an event that was dropped to make room can be added again.
        if history.events.count < GPUHistory.eventLimit {
            var again = history
            for message in messages.sorted(by: { $0.sequence < $1.sequence }) {
                again.add(message, boot: "b", at: Timestamp(2))
            }
            expect(again.events.count == history.events.count, "the same log twice has other events")
        }
        let data = try? JSONEncoder().encode(history)
        let read = data.flatMap { try? JSONDecoder().decode(GPUHistory.self, from: $0) }
        expect(read == history, "the history is not read as it was written")
        for event in history.events {
            let verdict = SmallCatalog.catalog.xids.verdict(onXid: event.xid ?? 0)
            expect(!verdict.why.isEmpty, "a verdict has no reason")
            let ofSwitch = SmallCatalog.catalog.sxids.verdict(onSXid: event.code ?? 0, isFatal: event.isFatal)
            expect(!ofSwitch.why.isEmpty, "a verdict has no reason")
            expect(event.isFatal != true || ofSwitch.sxidClass == .reboot, "a fatal SXid needs no reboot")
        }
    }
}
