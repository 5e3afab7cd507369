import Glibc

/// The attributes of a file on the host.
package struct HostFileStatus: Sendable, Equatable {
    package enum Kind: String, Sendable {
        case file, directory, link, characterDevice, blockDevice, pipe, socket
    }

    /// The major and minor number of a device node.
    package struct DeviceNumbers: Sendable, Equatable {
        package var major: UInt32
        package var minor: UInt32

        package init(major: UInt32, minor: UInt32) {
            self.major = major
            self.minor = minor
        }
    }

    /// Identifies a file on this machine.
    ///
    /// A bind mount has the identity of the directory that is mounted.
    package struct Identity: Sendable, Hashable {
        package var device: UInt64
        package var inode: UInt64

        package init(device: UInt64, inode: UInt64) {
            self.device = device
            self.inode = inode
        }
    }

    package var kind: Kind
    /// The permission bits, including set-user-ID, set-group-ID and sticky.
    package var mode: UInt32
    /// The size in bytes.
    ///
    /// Files of `/proc` and `/sys` report 0 or 4096, whatever they contain.
    package var size: Int
    package var identity: Identity
    /// The user ID of the owner.
    package var owner: UInt32
    /// The number of names of the file.
    package var links: Int
    /// The device numbers; nil when this is not a device node.
    package var device: DeviceNumbers?

    /// Whether any execute bit is set.
    package var isExecutable: Bool { kind == .file && mode & 0o111 != 0 }

    init(_ status: stat) {
        kind =
            switch status.st_mode & S_IFMT {
            case S_IFDIR: .directory
            case S_IFLNK: .link
            case S_IFCHR: .characterDevice
            case S_IFBLK: .blockDevice
            case S_IFIFO: .pipe
            case S_IFSOCK: .socket
            default: .file
            }
        mode = status.st_mode & 0o7777
        size = Int(status.st_size)
        owner = status.st_uid
        links = Int(status.st_nlink)
        identity = Identity(device: UInt64(status.st_dev), inode: UInt64(status.st_ino))
        guard kind == .characterDevice || kind == .blockDevice else { return }
        // The layout of dev_t in glibc: minor bits 0-7, major bits 0-11, minor bits 8-31, major bits 12-31.
        let number = UInt64(status.st_rdev)
        device = DeviceNumbers(
            major: UInt32(truncatingIfNeeded: (number >> 8) & 0xfff | (number >> 32) & 0xffff_f000),
            minor: UInt32(truncatingIfNeeded: number & 0xff | (number >> 12) & 0xffff_ff00)
        )
    }
}
