import FoundationEssentials
import NodeModel

/// The version that both ends must have; the agent and its child are one program, so they always do.
let vendorProtocolVersion = 1

/// The longest answer that is read: a node with 16 GPUs of 7 MIG devices each stays below a tenth of it.
let vendorAnswerLimit = 1 << 20

/// A line from the agent to its child.
struct VendorRequest: Codable, Equatable {
    enum Method: String, Codable, CaseIterable {
        case hello, nvml, cuda
    }

    var id: Int
    var method: Method
}

/// A line from the child to the agent.
struct VendorAnswer<Value: Codable & Sendable & Equatable>: Codable, Equatable {
    /// The request's.
    var id: Int
    var reading: Reading<Value>
}

/// The answer to `hello`.
struct VendorHello: Codable, Equatable {
    var protocolVersion: Int
}

/// A message as one line of JSON, newline included.
func vendorLine(_ message: some Encodable) throws -> [UInt8] {
    // JSONEncoder escapes newlines in texts and writes none of its own.
    Array(try JSONEncoder().encode(message)) + [UInt8(ascii: "\n")]
}

/// What stands between newlines in a stream of bytes.
struct VendorLines {
    private(set) var rest: [UInt8] = []

    mutating func append(_ bytes: UnsafeRawBufferPointer) {
        rest.append(contentsOf: bytes)
    }

    /// Takes the first whole line out, without its newline.
    mutating func next() -> [UInt8]? {
        guard let end = rest.firstIndex(of: UInt8(ascii: "\n")) else { return nil }
        let line = Array(rest[..<end])
        rest.removeSubrange(...end)
        return line
    }
}
