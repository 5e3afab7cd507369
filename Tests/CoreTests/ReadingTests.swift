import FoundationEssentials
import NodeModel
import TestSupport
import Testing

@Suite struct ReadingTests {
    static let states: [(reading: Reading<Int>, json: String)] = [
        (.present(7), #"{"state":"present","value":7}"#),
        (.absent, #"{"state":"absent"}"#),
        (.absentBecause("no such sensor"), #"{"detail":"no such sensor","state":"absent"}"#),
        (.unreadable(ReadFailure(.hang, "no answer")), #"{"detail":"no answer","reason":"hang","state":"unreadable"}"#),
        (.skipped("no root"), #"{"detail":"no root","state":"skipped"}"#),
    ]

    @Test(arguments: states)
    func everyStateKeepsItsJSONForm(_ state: (reading: Reading<Int>, json: String)) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        #expect(String(decoding: try encoder.encode(state.reading), as: UTF8.self) == state.json)
        #expect(try JSONDecoder().decode(Reading<Int>.self, from: Data(state.json.utf8)) == state.reading)
    }

    @Test(arguments: [
        #"{"state":"gone"}"#, #"{"value":7}"#, #"{"state":"present"}"#, #"{"state":"present","value":"7"}"#,
        #"{"state":"unreadable","detail":"x"}"#, #"{"state":"unreadable","reason":"moon","detail":"x"}"#,
        #"{"state":"skipped"}"#, "null", "7", "[]",
    ])
    func refusesWhatIsNoReading(_ json: String) {
        #expect(throws: DecodingError.self) { try JSONDecoder().decode(Reading<Int>.self, from: Data(json.utf8)) }
    }

    @Test func onlyAPresentValueIsTransformed() {
        let failure = ReadFailure(.io, "input/output error")
        #expect(Reading.present(2).map { $0 * 2 } == .present(4))
        #expect(Reading<Int>.absent.map { $0 * 2 } == .absent)
        #expect(Reading<Int>.absentBecause("why").map { $0 * 2 } == .absentBecause("why"))
        #expect(Reading<Int>.unreadable(failure).map { $0 * 2 } == .unreadable(failure))
        #expect(Reading<Int>.skipped("why").map { $0 * 2 } == .skipped("why"))
        #expect(Reading.present(2).flatMap { _ in Reading<Int>.absent } == .absent)
        #expect(Reading<Int>.unreadable(failure).flatMap { Reading.present($0) } == .unreadable(failure))
    }

    @Test func saysWhyItIsNotKnown() {
        #expect(Reading.present(1).whyUnknown == nil)
        #expect(Reading<Int>.absent.whyUnknown == nil)
        #expect(Reading<Int>.absentBecause("no such sensor").whyUnknown == nil)
        #expect(Reading<Int>.unreadable(ReadFailure(.io, "input/output error")).whyUnknown == "input/output error")
        #expect(Reading<Int>.skipped("not as root").whyUnknown == "not as root")
    }

    static let nodes: [String: NodeFacts] = [
        "vGPU": .rtxProVGPU, "H100": .h100, "no GPU": .noGPU, "unknown GPU": .unknownGPU, "vGPU ready": .rtxProReady,
        "H100 ready": .h100Ready, "lost GPU": .h100Ready.withNVML { $0.gpus.append(.lost(index: 1)) },
    ]

    @Test(arguments: nodes.keys.sorted())
    func factsOfANodeSurviveTheWayThroughAFile(_ name: String) throws {
        let facts = try #require(Self.nodes[name])
        #expect(try JSONDecoder().decode(NodeFacts.self, from: try JSONEncoder().encode(facts)) == facts)
    }
}
