/// What the agent made for the pods of the GPU Operator, as it is recorded on the host.
///
/// It is in `/run`, as what it records is, so both are gone after a boot.
struct HandoverRecord: Codable, Sendable, Equatable {
    /// A file that the agent made; another file with this name has another identity or another content.
    struct File: Codable, Sendable, Equatable {
        var device: UInt64
        var inode: UInt64
        var content: String

        func isSame(_ identity: HostFileStatus.Identity) -> Bool {
            identity == HostFileStatus.Identity(device: device, inode: inode)
        }
    }

    /// The files in `/run/nvidia/validations`, by name.
    var files: [String: File] = [:]
}
