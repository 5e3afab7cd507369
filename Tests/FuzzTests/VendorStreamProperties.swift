import FoundationEssentials
import NodeModel
import Support
import TestSupport

@testable import VendorProbe

/// What a child process sends until a call hangs: lines of notes, in pieces of any size.
extension Properties {
    mutating func checkVendorStream(_ bytes: [UInt8]) {
        let lines = lines(bytes, pieces: bytes.count)
        expect(lines.count == bytes.count { $0 == UInt8(ascii: "\n") }, "each newline ends a line")
        expect(!lines.contains { $0.contains(UInt8(ascii: "\n")) }, "a line is one line")
        expect(lines == self.lines(bytes, pieces: 7), "the same lines come in other pieces")
        var notes = VendorNotes()
        for note in lines.compactMap({ VendorNote($0) }) {
            checkNote(note)
            notes.add(note)
        }
        guard let facts = notes.facts(until: Self.hang) else { return }
        expect(facts.gpus.map(\.index) == Array(facts.gpus.indices), "the GPUs are those that NVML counted")
        expect(facts.gpus.count <= Int(vendorDeviceLimit), "the number of GPUs has a bound")
        if let gpu = notes.call?.gpu, facts.gpus.indices.contains(gpu) {
            let others = facts.gpus.filter { $0.index != gpu }
            let skipped = Reading<String>.skipped("not queried, because \(Self.hang.detail)")
            expect(facts.gpus[gpu].uuid != skipped, "what hangs is the reason of its GPU")
            expect(!others.contains { $0.uuid == .unreadable(Self.hang) }, "what hangs is not the reason of the others")
        }
        let unread = Reading<String>.skipped("not read yet")
        expect(!facts.gpus.contains { $0.uuid == unread || $0.name == unread }, "what is not known has a reason")
        let data = try? JSONEncoder().encode(facts)
        let read = data.flatMap { try? JSONDecoder().decode(NVMLFacts.self, from: $0) }
        expect(read == facts, "the facts are read as they were written")
        let vendor = VendorFacts(nvml: .present(facts), cuda: .absent)
        checkNode(NodeFacts.h100Ready.with { $0.vendor = .present(vendor) }, nil, nil)
    }

    private static let hang = ReadFailure(.hang, "a call did not return")

    /// The complete lines of a stream that arrives in pieces of this size.
    private func lines(_ bytes: [UInt8], pieces size: Int) -> [[UInt8]] {
        var stream = VendorLines()
        var lines: [[UInt8]] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            Array(rest.prefix(size)).withUnsafeBytes { stream.append($0) }
            rest = rest.dropFirst(size)
            while let line = stream.next() { lines.append(line) }
        }
        return lines
    }

    private mutating func checkNote(_ note: VendorNote) {
        if let call = note.call {
            expect(call.symbol.utf8.count <= 128, "the name of a call is short")
            expect("\(call)".visible == "\(call)", "the name of a call has no control characters")
        }
        let line = try? note.line()
        expect(line?.last == UInt8(ascii: "\n"), "a note is a line")
        expect(line.flatMap { VendorNote($0.dropLast()) } == note, "a note is read as it was written: \(note)")
    }
}
