import FoundationEssentials
import TestSupport
import Testing

/// Every input of the corpus and mutations of it, which are the same in every run.
///
/// `scripts/fuzz` continues from there, guided by coverage. `FUZZ_MUTATIONS` is the number of mutations of each input,
/// and `FUZZ_SEED` is their seed.
@Suite struct FuzzCorpusTests {
    struct Input {
        var name: String
        var bytes: [UInt8]
    }

    private func corpus(_ target: FuzzTarget) throws -> [Input] {
        let directory = fixture("Corpus/\(target.rawValue)")
        return try FileManager.default.contentsOfDirectory(atPath: directory).sorted().map { name in
            Input(name: name, bytes: Array(try Data(contentsOf: URL(filePath: "\(directory)/\(name)"))))
        }
    }

    private func number(_ variable: String, or standard: UInt64) -> UInt64 {
        ProcessInfo.processInfo.environment[variable].flatMap { UInt64($0) } ?? standard
    }

    @Test(arguments: FuzzTarget.allCases)
    func everyInputKeepsTheProperties(_ target: FuzzTarget) throws {
        let inputs = try corpus(target)
        try #require(inputs.count >= 20, "the corpus is gone")
        for input in inputs {
            let broken = target.broken(by: input.bytes)
            #expect(broken.isEmpty, "\(target.rawValue)/\(input.name)")
        }
    }

    @Test(arguments: FuzzTarget.allCases)
    func everyMutationKeepsTheProperties(_ target: FuzzTarget) throws {
        let inputs = try corpus(target)
        var mutator = Mutator(seed: number("FUZZ_SEED", or: 2026), others: inputs.map(\.bytes))
        for input in inputs {
            for _ in 0..<number("FUZZ_MUTATIONS", or: 20) {
                let bytes = mutator.mutated(input.bytes)
                let broken = target.broken(by: bytes)
                #expect(broken.isEmpty, "of \(input.name): \(Data(bytes).base64EncodedString())")
            }
        }
    }
}

/// Creates new inputs from existing ones like libFuzzer, but without coverage.
private struct Mutator {
    private var random: SeededGenerator
    private let others: [[UInt8]]

    init(seed: UInt64, others: [[UInt8]]) {
        random = SeededGenerator(seed: seed)
        self.others = others
    }

    mutating func mutated(_ original: [UInt8]) -> [UInt8] {
        var bytes = original
        for _ in 0..<random.pick(1, 1, 2, 4, 8) {
            switch Int.random(in: 0..<6, using: &random) {
            case 0: bytes.insert(byte(), at: place(bytes))
            case 1: bytes.removeSubrange(range(bytes))
            case 2: bytes.insert(contentsOf: bytes[range(bytes)], at: place(bytes))
            case 3:
                guard let other = others.randomElement(using: &random) else { continue }
                bytes.insert(contentsOf: other[range(other)], at: place(bytes))
            case 4: bytes.removeLast(bytes.count - place(bytes))
            default:
                guard let index = bytes.indices.randomElement(using: &random) else { continue }
                bytes[index] =
                    random.once(in: 2) ? byte() : bytes[index] ^ (1 << UInt8.random(in: 0..<8, using: &random))
            }
        }
        return bytes
    }

    private mutating func byte() -> UInt8 {
        random.once(in: 2)
            ? .random(in: 0...255, using: &random) : random.pick(0, 0xff, 0x0a, 0x0d, 0x20, 0x2d, 0x3a, 0x30)
    }

    private mutating func place(_ bytes: [UInt8]) -> Int { .random(in: 0...bytes.count, using: &random) }

    private mutating func range(_ bytes: [UInt8]) -> Range<Int> {
        let start = place(bytes)
        return start..<min(bytes.count, start + Int.random(in: 0...32, using: &random))
    }
}
