import Glibc

/// Where the agent looks and what it reads: the command line's part of the program.
package struct Settings: Sendable {
    /// Where the agent's own catalog lies in the image.
    package static let catalogDirectory = "/usr/share/gpu-agent/catalog"

    /// The host's root directory, by a path of our side.
    package var hostRoot: String
    /// The process whose namespaces are the host's; nil when no command may be run there.
    package var hostPID: Int?
    package var catalogDirectory: String
    /// Catalog files to lay over the agent's own, in order.
    package var catalogs: [String]
    package var configFile: String?
    /// The agent's own executable, which is started again as the vendor child.
    package var program: String
    /// The proxy variables of our own environment, for downloads and for commands on the host.
    package var environment: [String: String]

    package init(
        hostRoot: String? = nil,
        hostPID: Int? = 1,
        catalogDirectory: String = Self.catalogDirectory,
        catalogs: [String] = [],
        configFile: String? = nil,
        program: String = "/proc/self/exe",
        environment: [String: String] = [:]
    ) {
        self.hostRoot = hostRoot ?? hostPID.map(Self.root) ?? "/"
        self.hostPID = hostPID
        self.catalogDirectory = catalogDirectory
        self.catalogs = catalogs
        self.configFile = configFile
        self.program = program
        self.environment = environment
    }

    /// The root directory of a process by a path of ours: `/` when it shares our mount namespace, and else the one that
    /// the kernel shows.
    ///
    /// Whether that can be opened is found out when it is: another directory is never taken in its place.
    package static func root(of process: Int) -> String {
        let theirs = link("/proc/\(process)/ns/mnt")
        return theirs != nil && theirs == link("/proc/self/ns/mnt") ? "/" : "/proc/\(process)/root"
    }

    private static func link(_ path: String) -> String? {
        var buffer = [CChar](repeating: 0, count: 256)
        let length = readlink(path, &buffer, buffer.count - 1)
        guard length > 0 else { return nil }
        return String(decoding: buffer.prefix(length).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
