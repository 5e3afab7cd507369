import FoundationEssentials
import SystemPackage

/// All of standard input.
enum StandardInput {
    static func bytes() throws(Errno) -> Data {
        var data = Data()
        while true {
            var chunk = [UInt8](repeating: 0, count: 65536)
            let count: Int
            do {
                count = try chunk.withUnsafeMutableBytes { try FileDescriptor.standardInput.read(into: $0) }
            } catch { throw error as? Errno ?? .ioError }
            guard count > 0 else { return data }
            data.append(contentsOf: chunk.prefix(count))
        }
    }
}
