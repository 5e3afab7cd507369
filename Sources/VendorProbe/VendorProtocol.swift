import FoundationEssentials
import NodeModel

/// The version of the protocol, which the agent and its child process must share.
///
/// Both are the same program, so it always matches.
let vendorProtocolVersion = 2

/// The longest answer that the agent reads, in bytes.
///
/// The answer of a node with 16 GPUs of 7 MIG devices each is less than a tenth of it.
let vendorAnswerLimit = 1 << 20

/// The largest number of GPUs, and of MIG devices on one GPU, that the agent believes.
///
/// The largest machines have 16 GPUs, and a GPU has at most 7 GPU instances.
let vendorDeviceLimit: UInt32 = 64

/// The most private memory that a child process may write to, in bytes.
///
/// NVML and the initialization of CUDA need some hundred MiB. The limit (`RLIMIT_DATA`) does not count address space
/// that is only reserved, of which CUDA takes as much as all GPUs have memory.
let vendorMemoryLimit = 4 << 30

/// A line from the agent to its child process.
struct VendorRequest: Codable, Equatable {
    enum Method: String, Codable, CaseIterable {
        case hello, nvml
        /// Initialize CUDA.
        case cuda
        /// Initialize CUDA, and run a kernel on each device.
        case cudaComputation
        /// Copy between the memory of GPUs with CUDA.
        case cudaPeers
        /// Read the MIG layout of all GPUs.
        case mig
        /// Change the MIG layout of a GPU.
        case migChange
        /// Create a device of each GPU with Vulkan.
        case vulkan
    }

    var id: Int
    var method: Method
    /// What `migChange` changes; nil for every other method.
    var change: MIGChange?
    /// What `cudaPeers` tests; nil for every other method.
    var peers: CUDAPeerPlan?
}

/// The GPUs that copy to each other, and which of them do.
struct CUDAPeerPlan: Codable, Equatable {
    struct GPU: Codable, Equatable {
        /// NVML's index, with which a call is announced.
        var index: Int
        var uuid: String
    }

    /// Two positions in the list of GPUs.
    struct Pair: Codable, Equatable {
        var first: Int
        var second: Int
    }

    /// The GPUs in the order of `CUDA_VISIBLE_DEVICES`, at most `CUDAPeerFacts.gpuLimit`.
    var gpus: [GPU]
    var pairs: [Pair]
}

/// A line from the child process to the agent.
struct VendorAnswer<Value: Codable & Sendable & Equatable>: Codable, Equatable {
    /// The ID of the request.
    var id: Int
    var reading: Reading<Value>
}

/// The answer to `hello`.
struct VendorHello: Codable, Equatable {
    var protocolVersion: Int
}

/// Encodes a message as one line of JSON with a newline.
func vendorLine(_ message: some Encodable) throws -> [UInt8] {
    // JSONEncoder escapes newlines in strings and adds none.
    Array(try JSONEncoder().encode(message)) + [UInt8(ascii: "\n")]
}

/// Splits a stream of bytes into lines.
struct VendorLines {
    private var bytes: [UInt8] = []
    /// Where the next line begins.
    ///
    /// A piece of the stream can have hundreds of lines. To move the rest of it for each line would take too long.
    private var start = 0

    /// The bytes after the last line that was returned.
    var rest: [UInt8] { Array(bytes[start...]) }

    /// The number of these bytes.
    var restCount: Int { bytes.count - start }

    mutating func append(_ bytes: UnsafeRawBufferPointer) {
        self.bytes.append(contentsOf: bytes)
    }

    /// Removes and returns the first complete line, without its newline.
    mutating func next() -> [UInt8]? {
        guard let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) else {
            bytes.removeFirst(start)
            start = 0
            return nil
        }
        defer { start = end + 1 }
        return Array(bytes[start..<end])
    }
}
