import CNettle
import Support

/// A digest that is computed while the file is received.
struct RunningDigest {
    private enum Context {
        case sha256(sha256_ctx)
        case sha512(sha512_ctx)
    }

    private var context: Context

    init(_ expected: Checksum) {
        switch expected.algorithm {
        case .sha256:
            var context = sha256_ctx()
            nettle_sha256_init(&context)
            self.context = .sha256(context)
        case .sha512:
            var context = sha512_ctx()
            nettle_sha512_init(&context)
            self.context = .sha512(context)
        }
    }

    mutating func update(_ bytes: UnsafeRawBufferPointer) {
        let pointer = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
        switch context {
        case .sha256(var context):
            nettle_sha256_update(&context, bytes.count, pointer)
            self.context = .sha256(context)
        case .sha512(var context):
            nettle_sha512_update(&context, bytes.count, pointer)
            self.context = .sha512(context)
        }
    }

    /// The digest so far, in lower-case hexadecimal.
    var hexadecimal: String {
        var digest = [UInt8](repeating: 0, count: Int(SHA512_DIGEST_SIZE))
        // Nettle resets a context when it writes the digest, so this works on a copy.
        switch context {
        case .sha256(var context):
            digest.removeLast(Int(SHA512_DIGEST_SIZE - SHA256_DIGEST_SIZE))
            nettle_sha256_digest(&context, digest.count, &digest)
        case .sha512(var context):
            nettle_sha512_digest(&context, digest.count, &digest)
        }
        return digest.map { hex($0, digits: 2) }.joined()
    }
}
