import FoundationEssentials
import NodeModel
import Testing

@testable import VendorProbe

/// Sends random facts through the protocol.
///
/// The seed identifies a failing case.
@Suite struct VendorProtocolTests {
    @Test(arguments: 0..<200 as Range<UInt64>)
    func anAnswerSurvivesTheWayInAnyPieces(seed: UInt64) throws {
        var random = Random(state: seed)
        let answers = (0..<Int.random(in: 1...3, using: &random)).map {
            VendorAnswer(id: $0, reading: random.reading { $0.nvml() })
        }
        var bytes = try answers.flatMap { try vendorLine($0) }[...]
        var lines = VendorLines()
        var received: [VendorAnswer<NVMLFacts>] = []
        while !bytes.isEmpty {
            let piece = Array(bytes.prefix(Int.random(in: 1...400, using: &random)))
            bytes = bytes.dropFirst(piece.count)
            piece.withUnsafeBytes { lines.append($0) }
            while let line = lines.next() {
                received.append(try JSONDecoder().decode(VendorAnswer<NVMLFacts>.self, from: Data(line)))
            }
        }
        #expect(received == answers)
        #expect(lines.rest.isEmpty)
    }

    @Test(arguments: 0..<100 as Range<UInt64>)
    func aDamagedAnswerIsNeverTakenForAnother(seed: UInt64) throws {
        var random = Random(state: seed)
        let facts = random.nvml()
        let line = try vendorLine(VendorAnswer(id: 7, reading: .present(facts))).dropLast()
        let cut = Array(line.prefix(Int.random(in: 0..<line.count, using: &random)))
        let broken: Reading<NVMLFacts> = VendorExchange.reading(in: cut, id: 7, "NVML")
        #expect(broken.failure?.reason == .malformed)

        var damaged = Array(line)
        damaged[Int.random(in: 0..<damaged.count, using: &random)] = UInt8.random(in: .min ... .max, using: &random)
        // Damage inside a text goes unseen; what must not happen is a crash, or an answer to another question.
        let reading: Reading<NVMLFacts> = VendorExchange.reading(in: damaged, id: 8, "NVML")
        #expect(reading.value == nil)
    }

    /// The largest node that the agent believes in practice: 16 GPUs with 7 MIG devices and many processes each.
    @Test func theAnswerOfALargeNodeIsFarBelowTheLimit() throws {
        let long = String(repeating: "x", count: 90)
        let instance = Reading.present(MIGInstance(profileID: 19, start: 3, size: 1))
        let gpus = (0..<16).map { index in
            var gpu = GPUFacts.unread(index, because: long)
            gpu.migDevices = .present(
                (0..<7).map { number in
                    MIGDevice(
                        uuid: long,
                        profile: "1g.12gb+me",
                        memoryMiB: 11008,
                        gpuInstanceID: number,
                        computeInstanceID: 0,
                        gpuInstance: instance,
                        computeInstance: instance
                    )
                }
            )
            let process = GPUProcess(
                pid: 4_194_304,
                kind: .compute,
                memoryMiB: 183_359,
                gpuInstanceID: 7,
                computeInstanceID: 0
            )
            let list = Array(repeating: process, count: GPUProcesses.limit)
            gpu.processes = .present(GPUProcesses(count: 1024, list: list))
            return gpu
        }
        let facts = NVMLFacts(driverVersion: long, nvmlVersion: long, cudaVersion: .present(long), gpus: gpus)
        let line = try vendorLine(VendorAnswer(id: 2, reading: .present(facts)))
        #expect(line.count < vendorAnswerLimit / 2)
    }

    @Test func aNoteOfACallIsAShortLine() throws {
        for call in [
            VendorCall(symbol: "nvmlInit_v2"), VendorCall(symbol: "nvmlDeviceGetName", gpu: 0),
            VendorCall(symbol: "nvmlDeviceGetName", gpu: 63),
            VendorCall(
                symbol: "vkCreateDevice",
                address: PCIAddress(domain: 0x10002, bus: 10, device: 31, function: 0)
            ),
        ] {
            let line = try VendorNote(call: call).line()
            #expect(line.count < 64 && line.last == UInt8(ascii: "\n"))
            #expect(VendorNote(line.dropLast()) == VendorNote(call: call))
        }
    }

    @Test(arguments: [
        "~", "~ 3", "~nvmlInit_v2 x", "~nvmlInit_v2 1 2", "~nvml;reboot", "~{", "~[]", "nvmlInit_v2", "~nvmlInit\u{e9}",
        "~_init", #"~{"call": {"symbol": "a b"}}"#, #"~{"call": {"symbol": ""}}"#, #"~{"call": {"symbol": "a\n"}}"#,
        "~" + String(repeating: "a", count: 129),
    ])
    func anotherLineIsNoNote(_ line: String) {
        #expect(VendorNote(Array(line.utf8)) == nil)
    }

    /// A child whose memory is damaged can send any number.
    @Test(arguments: [(-1, 0), (Int.min, 0), (64, 64), (65, 64), (Int.max, 64)])
    func theNumberOfGPUsInANoteHasBounds(sent: Int, kept: Int) {
        var notes = VendorNotes()
        let driver = NVMLFacts(driverVersion: "1", nvmlVersion: "1", cudaVersion: .absent, gpus: [])
        notes.add(VendorNote(driver: driver, gpuCount: sent))
        #expect(notes.facts(until: ReadFailure(.hang, "a call"))?.gpus.count == kept)
    }

    @Test func aRequestIsOneLine() throws {
        let line = try vendorLine(VendorRequest(id: 12, method: .cuda))
        #expect(line.filter { $0 == UInt8(ascii: "\n") }.count == 1)
        #expect(line.last == UInt8(ascii: "\n"))
        let request = try JSONDecoder().decode(VendorRequest.self, from: Data(line))
        #expect(request == VendorRequest(id: 12, method: .cuda))
    }
}

/// Random facts from SplitMix64.
private struct Random: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }

    mutating func number() -> Int { Int.random(in: 0...100_000, using: &self) }

    mutating func text() -> String {
        let letters: [Character] = [
            "a", "Z", "0", " ", "\n", "\r", "\"", "\\", "/", "é", "🂡", "\u{0}", "\u{2028}", "{", "]",
        ]
        return String(
            (0..<Int.random(in: 0...12, using: &self)).map { _ in letters.randomElement(using: &self) ?? "-" }
        )
    }

    mutating func reading<Value>(_ make: (inout Random) -> Value) -> Reading<Value> {
        switch Int.random(in: 0..<6, using: &self) {
        case 0: Bool.random(using: &self) ? .absent : .absentBecause(text())
        case 1: .unreadable(ReadFailure(ReadFailure.Reason.allCases.randomElement(using: &self) ?? .io, text()))
        case 2: .skipped(text())
        default: .present(make(&self))
        }
    }

    mutating func value() -> GPUTrait.Value {
        switch Int.random(in: 0..<4, using: &self) {
        case 0: .flag(Bool.random(using: &self))
        case 1: .number(number())
        case 2: .text(text())
        default: .names([text(), text()])
        }
    }

    mutating func nvml() -> NVMLFacts {
        NVMLFacts(
            driverVersion: text(),
            nvmlVersion: text(),
            cudaVersion: reading { $0.text() },
            gpus: (0..<Int.random(in: 0...4, using: &self)).map { gpu($0) }
        )
    }

    private mutating func gpu(_ index: Int) -> GPUFacts {
        var traits = GPUTraits(.absent)
        for trait in GPUTrait.allCases { traits[trait] = reading { $0.value() } }
        return GPUFacts(
            index: index,
            pciAddress: reading { PCIAddress(domain: UInt32($0.number()), bus: 7, device: 31, function: 1) },
            uuid: reading { $0.text() },
            name: reading { $0.text() },
            memoryMiB: reading { $0.number() },
            computeCapability: reading { ComputeCapability(major: $0.number(), minor: $0.number()) },
            migMode: reading { MIGMode(current: Bool.random(using: &$0), pending: Bool.random(using: &$0)) },
            migDevices: reading { random in
                (0..<Int.random(in: 0...3, using: &random)).map { _ in
                    MIGDevice(
                        uuid: random.text(),
                        profile: random.text(),
                        memoryMiB: random.number(),
                        gpuInstanceID: random.number(),
                        computeInstanceID: random.number()
                    )
                }
            },
            virtualization: reading { _ in .hostVsga },
            license: reading { LicenseFacts(licensed: Bool.random(using: &$0), product: $0.text()) },
            nvlink: reading { NVLinkFacts(active: [$0.number()], inactive: [], version: $0.number()) },
            fabric: reading { FabricFacts(state: $0.text(), status: $0.text(), cluster: $0.text(), clique: 1) },
            processes: reading { random in
                let process = GPUProcess(pid: random.number(), kind: .graphics, memoryMiB: nil)
                return GPUProcesses(count: random.number(), list: [process])
            },
            traits: traits
        )
    }
}
