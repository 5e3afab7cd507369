import Glibc
import SystemPackage

/// What can go wrong in making the directory of companions.
enum CompanionError: Error, CustomStringConvertible {
    case directory(in: String, cause: Errno)
    case link(String, cause: Errno)

    var description: String {
        switch self {
        case .directory(let parent, _): "cannot make a directory in \(parent)"
        case .link(let path, _): "cannot make the link \(path)"
        }
    }

    var cause: Errno {
        switch self {
        case .directory(_, let cause), .link(_, let cause): cause
        }
    }
}

/// A directory of links to the driver's own libraries, for the loader of the children.
///
/// It is new for each probe, so that no link to the library of a driver that was replaced is left.
struct CompanionDirectory {
    let path: String
    private let names: [String]

    /// Makes the directory inside `parent`, which must exist.
    init(in parent: String, _ libraries: [DriverLibrary]) throws(CompanionError) {
        var template = Array("\(parent)/vendor-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw .directory(in: parent, cause: Errno(rawValue: errno)) }
        path = template.withUnsafeBytes(vendorText)
        names = libraries.map(\.name)
        for library in libraries {
            let link = "\(path)/\(library.name)"
            guard symlink(library.path, link) == 0 else {
                let cause = Errno(rawValue: errno)
                remove()
                throw .link(link, cause: cause)
            }
        }
    }

    /// Removes the directory and the links in it.
    func remove() {
        for name in names { unlink("\(path)/\(name)") }
        rmdir(path)
    }
}
