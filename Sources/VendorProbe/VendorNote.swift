import FoundationEssentials
package import NodeModel

/// The call that a child process makes now.
package struct VendorCall: Codable, Sendable, Equatable, CustomStringConvertible {
    /// The name of the function, such as `nvmlDeviceGetName`.
    package var symbol: String
    /// The index of the GPU that the call is about; nil for a call about the driver.
    package var gpu: Int?
    /// The address of this GPU, for a library that has no index for it.
    package var address: PCIAddress?

    package var description: String {
        symbol + (gpu.map { " for GPU \($0)" } ?? address.map { " for the GPU \($0)" } ?? "")
    }

    /// Whether the symbol is one of C and not too long, so that it can be part of a finding.
    fileprivate var isValid: Bool {
        func isOfSymbol(_ byte: UInt8) -> Bool {
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
                || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || byte == UInt8(ascii: "_")
        }
        let bytes = symbol.utf8
        return (1...Self.symbolLimit).contains(bytes.count) && bytes.allSatisfy(isOfSymbol)
            && symbol.first?.isLetter == true
    }

    /// The longest symbol that the agent believes, in bytes; NVIDIA's have less than sixty.
    private static let symbolLimit = 128
}

/// A line that the child process sends before its answer: the next call, and what it read since the last such line.
///
/// When the call does not return, the agent knows its name and keeps what was read.
struct VendorNote: Codable, Equatable {
    /// The call that follows; nil after the last call about a GPU.
    var call: VendorCall?
    /// The versions of the driver, without GPUs, and the number of GPUs.
    var driver: NVMLFacts?
    var gpuCount: Int?
    /// What was read about a GPU since the last note.
    var gpu: GPUUpdate?

    /// The first byte of such a line, with which no answer begins.
    static let mark = UInt8(ascii: "~")

    /// Whether the note carries no facts.
    private var isOnlyCall: Bool { driver == nil && gpuCount == nil && gpu == nil }

    /// The note as a line: a call alone as `~SYMBOL`, `~SYMBOL GPU` or `~SYMBOL @ADDRESS`, and facts as JSON.
    ///
    /// Most notes are a call alone, and JSON for each of them would take longer than the calls.
    func line() throws -> [UInt8] {
        guard isOnlyCall, let call else { return [Self.mark] + (try vendorLine(self)) }
        let subject = call.gpu.map { " \($0)" } ?? call.address.map { " @\($0)" } ?? ""
        return Array("~\(call.symbol)\(subject)\n".utf8)
    }

    /// The note in a line; nil when the line is not a valid note.
    init?(_ line: [UInt8]) {
        guard line.first == Self.mark else { return nil }
        if line.dropFirst().first == UInt8(ascii: "{") {
            guard let note = try? JSONDecoder().decode(VendorNote.self, from: Data(line.dropFirst())),
                note.call?.isValid ?? true
            else { return nil }
            self = note
        } else {
            let words = String(decoding: line.dropFirst(), as: UTF8.self).split(separator: " ")
            guard let symbol = words.first, words.count <= 2 else { return nil }
            var call = VendorCall(symbol: String(symbol))
            if words.count == 2 {
                let isAddress = words[1].first == "@"
                call.gpu = isAddress ? nil : Int(words[1])
                call.address = isAddress ? PCIAddress(String(words[1].dropFirst())) : nil
                guard call.gpu != nil || call.address != nil else { return nil }
            }
            guard call.isValid else { return nil }
            self.init(call: call)
        }
    }

    init(
        call: VendorCall? = nil,
        driver: NVMLFacts? = nil,
        gpuCount: Int? = nil,
        gpu: GPUUpdate? = nil
    ) {
        self.call = call
        self.driver = driver
        self.gpuCount = gpuCount
        self.gpu = gpu
    }
}

/// Sends the notes of a child process.
final class VendorReporter {
    private let send: ([UInt8]) -> Void
    /// The facts that the next note carries.
    private var pending = VendorNote()
    /// The facts of the current GPU that the notes so far carried; nil between GPUs.
    private var sent: GPUFacts?

    /// How many traits share a note.
    private static let traitsInNote = 16

    init(send: @escaping ([UInt8]) -> Void) {
        self.send = send
    }

    /// Announces a call.
    ///
    /// Traits only describe a GPU, so several of them share a note: JSON for each would take longer than the calls.
    ///
    /// - Parameters:
    ///   - symbol: The name of the function.
    ///   - gpu: NVML's index of the GPU that the call is about; nil for the current GPU.
    ///   - address: The address of the GPU, for a library other than NVML.
    func calling(_ symbol: String, gpu: Int? = nil, at address: PCIAddress? = nil) {
        let call = VendorCall(symbol: symbol, gpu: gpu ?? sent?.index, address: address)
        if pending.driver == nil, let traits = pending.gpu?.onlyTraits, traits.count < Self.traitsInNote {
            if let line = try? VendorNote(call: call).line() { send(line) }
        } else {
            pending.call = call
            flush()
        }
    }

    func found(_ driver: NVMLFacts, gpuCount: Int) {
        pending.driver = driver
        pending.gpuCount = gpuCount
    }

    /// Begins with a GPU, of which the agent knows these facts.
    func begin(_ gpu: GPUFacts) { sent = gpu }

    /// Takes what was read about the current GPU until now.
    func read(_ gpu: GPUFacts) {
        guard let sent else { return }
        let traits = pending.gpu?.traits
        pending.gpu = GPUUpdate(from: sent, to: gpu)
        pending.gpu?.traits = traits
    }

    /// Takes a trait of the current GPU.
    func read(_ trait: GPUTrait, _ reading: Reading<GPUTrait.Value>) {
        guard let sent else { return }
        var update = pending.gpu ?? GPUUpdate(sent.index)
        update.traits = (update.traits ?? [:]).merging([trait.rawValue: reading]) { $1 }
        pending.gpu = update
    }

    /// Sends what was read about the current GPU, and ends with it.
    func finish(_ gpu: GPUFacts) {
        read(gpu)
        flush()
        sent = nil
    }

    private func flush() {
        if let line = try? pending.line() { send(line) }
        if var update = pending.gpu {
            // A trait is read once, so nothing compares it with what was sent.
            update.traits = nil
            sent = sent.map(update.applied)
        }
        pending = VendorNote()
    }
}

/// What the notes of a child process say when its answer does not come.
struct VendorNotes {
    private(set) var call: VendorCall?
    private var driver: NVMLFacts?
    private var gpuCount = 0
    private var gpus: [Int: GPUFacts] = [:]

    mutating func add(_ note: VendorNote) {
        call = note.call
        driver = note.driver ?? driver
        gpuCount = min(max(0, note.gpuCount ?? gpuCount), Int(vendorDeviceLimit))
        if let gpu = note.gpu, (0..<Int(vendorDeviceLimit)).contains(gpu.index) {
            gpus[gpu.index] = gpu.applied(to: gpus[gpu.index] ?? .unread(gpu.index))
        }
    }

    /// What NVML said until a call did not return; nil when it did not even tell the number of GPUs.
    ///
    /// - Parameter hang: The failure of the call, which is the reading of each field of its GPU that was not read. What
    ///   was not read about the other GPUs is skipped.
    /// - Returns: The facts, with every GPU that NVML counted.
    func facts(until hang: ReadFailure) -> NVMLFacts? {
        guard var facts = driver else { return nil }
        let why = "not queried, because \(hang.detail)"
        func fill<Value>(_ reading: Reading<Value>) -> Reading<Value> {
            guard reading == .skipped(GPUFacts.notRead) else { return reading }
            return call?.gpu == nil ? .unreadable(hang) : .skipped(why)
        }
        facts.driverBranch = fill(facts.driverBranch)
        facts.confidentialComputing = fill(facts.confidentialComputing)
        facts.gpus = (0..<gpuCount).map { index in
            (gpus[index] ?? .unread(index)).filled(with: index == call?.gpu ? hang : nil, because: why)
        }
        return facts
    }
}

extension GPUFacts {
    /// The reason of a fact that the child has not read yet.
    static let notRead = "not read yet"

    /// A GPU about which nothing was read.
    static func unread(_ index: Int, because why: String = notRead) -> GPUFacts {
        GPUFacts(
            index: index,
            pciAddress: .skipped(why),
            uuid: .skipped(why),
            name: .skipped(why),
            memoryMiB: .skipped(why),
            computeCapability: .skipped(why),
            migMode: .skipped(why),
            migDevices: .skipped(why),
            migProfiles: .skipped(why),
            virtualization: .skipped(why),
            license: .skipped(why),
            nvlink: .skipped(why),
            fabric: .skipped(why),
            processes: .skipped(why),
            traits: GPUTraits(.skipped(why))
        )
    }

    /// The GPU with a failure, or else with a reason, in each field that was not read.
    fileprivate func filled(with failure: ReadFailure?, because why: String) -> GPUFacts {
        func fill<Value>(_ reading: Reading<Value>) -> Reading<Value> {
            guard reading == .skipped(Self.notRead) else { return reading }
            return failure.map { .unreadable($0) } ?? .skipped(why)
        }
        return GPUFacts(
            index: index,
            pciAddress: fill(pciAddress),
            uuid: fill(uuid),
            name: fill(name),
            memoryMiB: fill(memoryMiB),
            computeCapability: fill(computeCapability),
            migMode: fill(migMode),
            migDevices: fill(migDevices),
            migProfiles: fill(migProfiles),
            virtualization: fill(virtualization),
            license: fill(license),
            nvlink: fill(nvlink),
            fabric: fill(fabric),
            processes: fill(processes),
            traits: traits.map(fill)
        )
    }
}
