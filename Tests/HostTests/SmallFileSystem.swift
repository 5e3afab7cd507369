import Glibc
import SystemPackage

/// A file system in memory that is not mounted: only its descriptor gives access to it.
///
/// It is small enough to fill up, and it shows that a directory needs no path.
final class SmallFileSystem {
    private typealias Open = @convention(c) (UnsafePointer<CChar>, CUnsignedInt) -> CInt
    private typealias Configure =
        @convention(c) (CInt, CUnsignedInt, UnsafePointer<CChar>?, UnsafePointer<CChar>?, CInt) -> CInt
    private typealias Mount = @convention(c) (CInt, CUnsignedInt, CUnsignedInt) -> CInt

    static var isPossible: Bool { (try? SmallFileSystem(megabytes: 1)) != nil }

    let root: FileDescriptor

    init(megabytes: Int) throws {
        // Swift's Glibc does not have <sys/mount.h>.
        guard let fsopen = dlsym(nil, "fsopen"), let fsconfig = dlsym(nil, "fsconfig"),
            let fsmount = dlsym(nil, "fsmount")
        else { throw Errno.noFunction }
        let configure = unsafeBitCast(fsconfig, to: Configure.self)
        let context = unsafeBitCast(fsopen, to: Open.self)("tmpfs", 1)
        guard context >= 0 else { throw Errno(rawValue: errno) }
        defer { close(context) }
        // FSCONFIG_SET_STRING is 1, FSCONFIG_CMD_CREATE is 6.
        guard configure(context, 1, "size", "\(megabytes)m", 0) == 0, configure(context, 6, nil, nil, 0) == 0 else {
            throw Errno(rawValue: errno)
        }
        let mounted = unsafeBitCast(fsmount, to: Mount.self)(context, 1, 0)
        guard mounted >= 0 else { throw Errno(rawValue: errno) }
        root = FileDescriptor(rawValue: mounted)
    }

    deinit { try? root.close() }
}
