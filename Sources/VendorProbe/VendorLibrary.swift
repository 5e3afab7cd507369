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

    /// Looks up a function; nil when the library does not have it.
    ///
    /// The caller's type must match the C prototype.
    func optional<Function>(_ symbol: String) -> Function? {
        dlsym(handle, symbol).map { unsafeBitCast($0, to: Function.self) }
    }

    /// Looks up a function that every supported driver has.
    ///
    /// - Throws: `symbol` when the library does not have it.
    func required<Function>(_ symbol: String) throws(LibraryError) -> Function {
        guard let function: Function = optional(symbol) else { throw .symbol(symbol, library: path) }
        return function
    }
}
