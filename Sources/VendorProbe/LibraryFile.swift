import Glibc
import NodeModel
import SystemPackage

/// Checks the file of a library before the dynamic loader maps it.
///
/// The loader skips a file for another processor and then says that there is no such file. A truncated file ends the
/// process with SIGBUS while the loader reads it.
enum LibraryFile {
    /// The size of the header of a 64-bit ELF file.
    private static let headerSize = 64

    /// - Throws: `file` when the file cannot be opened, and `fault` when it cannot be loaded.
    static func check(_ path: String) throws(LibraryError) {
        let file: FileDescriptor
        do {
            // Without O_NONBLOCK, a named pipe would wait for a writer.
            file = try FileDescriptor.open(path, .readOnly, options: [.closeOnExec, .nonBlocking])
        } catch {
            throw .file(path, cause: error as? Errno ?? .ioError)
        }
        defer { try? file.close() }
        var status = stat()
        guard fstat(file.rawValue, &status) == 0 else { throw .file(path, cause: Errno(rawValue: errno)) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw .fault(.notALibrary, path, "") }
        if let why = distrust(path) { throw .fault(.untrusted, path, why) }
        let size = UInt64(max(0, status.st_size))
        let header = bytes(of: file, from: 0, count: headerSize)
        guard header.prefix(4) == [0x7f, 0x45, 0x4c, 0x46] else {
            throw .fault(size == 0 ? .truncated : .notALibrary, path, size == 0 ? "the file is empty" : "")
        }
        guard header.count == headerSize else { throw .fault(.truncated, path, "\(size) bytes") }
        // EI_CLASS 2 is 64 bits and EI_DATA 1 is little-endian, as on both processors that the agent runs on.
        let machine = number(header, 18, 2)
        guard header[4] == 2, header[5] == 1, machine == ownMachine else {
            throw .fault(.otherArchitecture, path, processor(machine, is64Bit: header[4] == 2))
        }
        let end = max(try segmentsEnd(header, file, path), sectionsEnd(header))
        guard end <= size else { throw .fault(.truncated, path, "\(size) of \(end) bytes") }
    }

    /// Who else can change the code in a file; nil when only root or this process's own user can.
    ///
    /// Code in the agent's process runs as root. So root must own the file, and nobody else may write to it or replace
    /// it in its directory. In a directory with the sticky bit, only the owner of a file replaces it.
    static func distrust(_ path: String) -> String? {
        let directory = FilePath(path).removingLastComponent().string
        var status = stat()
        for (place, sticky) in [(path, mode_t(0)), (directory.isEmpty ? "." : directory, S_ISVTX)] {
            guard stat(place, &status) == 0 else { continue }
            let mode = String(status.st_mode & 0o7777, radix: 8)
            guard status.st_uid == 0 || status.st_uid == geteuid() else {
                return "\(place) belongs to user \(status.st_uid)"
            }
            guard status.st_mode & 0o022 == 0 || status.st_mode & sticky != 0 else {
                return "\(place) has mode \(mode)"
            }
        }
        return nil
    }

    /// The end of the table of sections, which the linker puts at the end of a file; 0 without one.
    private static func sectionsEnd(_ header: [UInt8]) -> UInt64 {
        let table = number(header, 40, 8)
        return table == 0 ? 0 : end(table, number(header, 58, 2) * number(header, 60, 2))
    }

    /// The end of the last segment that the loader maps (`PT_LOAD`).
    private static func segmentsEnd(
        _ header: [UInt8],
        _ file: FileDescriptor,
        _ path: String
    ) throws(LibraryError) -> UInt64 {
        let (table, size, count) = (number(header, 32, 8), Int(number(header, 54, 2)), Int(number(header, 56, 2)))
        guard size >= 56, count > 0, count <= 256 else { throw .fault(.notALibrary, path, "") }
        let entries = bytes(of: file, from: table, count: size * count)
        guard entries.count == size * count else { throw .fault(.truncated, path, "") }
        return stride(from: 0, to: entries.count, by: size)
            .filter { number(entries, $0, 4) == 1 }
            .map { end(number(entries, $0 + 8, 8), number(entries, $0 + 32, 8)) }
            .max() ?? 0
    }

    private static func end(_ start: UInt64, _ length: UInt64) -> UInt64 {
        let (sum, overflow) = start.addingReportingOverflow(length)
        return overflow ? .max : sum
    }

    /// A little-endian number of `width` bytes.
    private static func number(_ bytes: [UInt8], _ place: Int, _ width: Int) -> UInt64 {
        bytes[place..<place + width].reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    private static func bytes(of file: FileDescriptor, from start: UInt64, count: Int) -> [UInt8] {
        guard let start = off_t(exactly: start) else { return [] }
        return [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            filled = max(0, pread(file.rawValue, buffer.baseAddress, count, start))
        }
    }

    /// The value of `e_machine` for this process.
    private static var ownMachine: UInt64 {
        #if arch(arm64)
        183
        #else
        62
        #endif
    }

    private static func processor(_ machine: UInt64, is64Bit: Bool) -> String {
        switch machine {
        case 62 where is64Bit: "x86_64"
        case 183: "aarch64"
        case 3: "i386"
        case 40: "arm"
        case 21: "ppc64le"
        default: "machine \(machine)"
        }
    }
}
