import Crypto
import Support

/// A digest that is computed while the file is received.
struct RunningDigest {
    private enum Function {
        case sha256(SHA256)
        case sha512(SHA512)
    }

    private var function: Function

    init(_ expected: Checksum) {
        switch expected.algorithm {
        case .sha256: function = .sha256(SHA256())
        case .sha512: function = .sha512(SHA512())
        }
    }

    mutating func update(_ bytes: UnsafeRawBufferPointer) {
        switch function {
        case .sha256(var digest):
            digest.update(bufferPointer: bytes)
            function = .sha256(digest)
        case .sha512(var digest):
            digest.update(bufferPointer: bytes)
            function = .sha512(digest)
        }
    }

    /// The digest so far, in lower-case hexadecimal.
    var hexadecimal: String {
        switch function {
        case .sha256(let digest): text(digest.finalize())
        case .sha512(let digest): text(digest.finalize())
        }
    }

    private func text(_ digest: some Sequence<UInt8>) -> String {
        digest.map { hex($0, digits: 2) }.joined()
    }
}
