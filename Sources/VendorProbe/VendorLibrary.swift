import Glibc
import NodeModel
import Support

/// Why a library of the driver cannot be used.
enum LibraryError: CausedError {
    /// dlopen failed. The text is the loader's, and names the file.
    case open(message: String)
    /// The library does not have this symbol.
    case symbol(String, library: String)

    var cause: (any Error)? { nil }

    var description: String {
        switch self {
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
