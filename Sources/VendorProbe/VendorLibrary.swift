import CVendor
import Glibc
import NodeModel
import Support
import SystemPackage

/// Why a library of the driver cannot be used.
enum LibraryError: CausedError {
    /// The file cannot be opened.
    case file(String, cause: Errno)
    /// The file is there, but it must not or cannot be loaded; the last text adds details, or is empty.
    case fault(LibraryFault, String, String)
    /// dlopen failed. The text is the loader's, and names the file.
    case open(message: String)
    /// The library does not have this symbol.
    case symbol(String, library: String)

    var cause: (any Error)? {
        guard case .file(_, let cause) = self else { return nil }
        return cause
    }

    var description: String {
        switch self {
        case .file(let path, _): "cannot open \(path)"
        case .fault(let fault, let path, let details):
            "\(path) \(fault.rawValue)" + (details.isEmpty ? "" : ": \(details)")
        case .open(let message): message
        case .symbol(let name, let library): "\(library): no symbol \(name)"
        }
    }

    var failure: ReadFailure { ReadFailure(.library, errorChain(self)) }
}

/// A library of the driver, loaded until the process ends.
///
/// It is never closed, because NVIDIA's libraries start threads that continue after the last call. Only another process
/// can load a library of another version.
struct VendorLibrary {
    private let path: String
    private let handle: UnsafeMutableRawPointer

    init(path: String) throws(LibraryError) {
        try LibraryFile.check(path)
        guard let handle = dlopen(path, RTLD_NOW | RTLD_LOCAL) else {
            let message = dlerror().map { String(cString: $0) }
            throw .open(message: message ?? "\(path): cannot be opened")
        }
        self.path = path
        self.handle = handle
    }

    /// Looks up the functions of a table.
    ///
    /// - Parameter symbols: Returns the symbols, with the members of the table that they belong to.
    /// - Returns: The table. A member is null when its symbol is optional and the library does not have it.
    /// - Throws: `symbol` when the library does not have a required function.
    func functions<Table>(
        _ symbols: (UnsafeMutablePointer<Int>) -> UnsafePointer<gpa_symbol_t>
    ) throws(LibraryError) -> Table {
        var count = 0
        let first = symbols(&count)
        let table = UnsafeMutablePointer<Table>.allocate(capacity: 1)
        defer { table.deallocate() }
        let memory = UnsafeMutableRawPointer(table)
        memory.initializeMemory(as: UInt8.self, repeating: 0, count: MemoryLayout<Table>.size)
        for symbol in UnsafeBufferPointer(start: first, count: count) {
            let address = dlsym(handle, symbol.name)
            if address == nil, symbol.is_required {
                throw .symbol(String(cString: symbol.name), library: path)
            }
            memory.storeBytes(of: address, toByteOffset: symbol.offset, as: UnsafeMutableRawPointer?.self)
        }
        return table.pointee
    }
}
