import Glibc
import SystemPackage

/// The paths and processes that the agent uses, as the command line names them.
package struct Settings: Sendable {
    /// The directory of the agent's own catalog in the image.
    package static let catalogDirectory = "/usr/share/gpu-agent/catalog"

    /// The path of the host's root directory, as the agent sees it.
    package var hostRoot: String
    /// The process whose namespaces are the host's; nil when the agent must not run commands on the host.
    package var hostPID: Int?
    package var catalogDirectory: String
    /// The catalog files to add to the agent's own, in order.
    package var catalogs: [String]
    package var configFile: String?
    /// The directory of the mounted configuration, whose catalog files the agent uses; nil when there is none.
    package var configDirectory: String?
    /// The agent's own executable, which the agent starts again as the vendor child.
    package var program: String
    /// The proxy variables of the agent's environment, for downloads and for commands on the host.
    package var environment: [String: String]
    /// The file with certificate authorities that the agent's environment names (`SSL_CERT_FILE`); nil when it names
    /// none.
    ///
    /// The configuration can name another one. Commands on the host do not get it, because it is a file of the agent.
    package var authorityFile: String?

    package init(
        hostRoot: String? = nil,
        hostPID: Int? = 1,
        catalogDirectory: String = Self.catalogDirectory,
        catalogs: [String] = [],
        configFile: String? = nil,
        configDirectory: String? = nil,
        program: String = "/proc/self/exe",
        environment: [String: String] = [:],
        authorityFile: String? = nil
    ) {
        self.hostRoot = hostRoot ?? hostPID.map(Self.root) ?? "/"
        self.hostPID = hostPID
        self.catalogDirectory = catalogDirectory
        self.catalogs = catalogs
        self.configFile = configFile
        self.configDirectory = configDirectory
        self.program = program
        self.environment = environment
        self.authorityFile = authorityFile
    }

    /// The configuration file that the DaemonSet mounts.
    package static let mountedConfiguration = "/etc/gpu-agent/config.yaml"

    /// The directory that the DaemonSet mounts, as long as the command line names no configuration elsewhere.
    ///
    /// The DaemonSet names the mounted configuration, and a person in its pod names none. Both must get the same
    /// catalog.
    ///
    /// - Parameter file: The configuration that the command line names; nil when it names none.
    /// - Returns: The path of the directory; nil for a configuration elsewhere.
    package static func mountedDirectory(besideConfiguration file: String?) -> String? {
        let usual = FilePath(mountedConfiguration)
        guard file.map({ FilePath($0).lexicallyNormalized() == usual }) ?? true else { return nil }
        return usual.removingLastComponent().string
    }

    /// The path of a process's root directory, as the agent sees it.
    ///
    /// It is `/` when the process shares the agent's mount namespace, and `/proc/PID/root` otherwise. This function
    /// does not check that the agent can open the path. The agent never uses another directory instead.
    package static func root(of process: Int) -> String {
        let theirs = link("/proc/\(process)/ns/mnt")
        return theirs != nil && theirs == link("/proc/self/ns/mnt") ? "/" : "/proc/\(process)/root"
    }
}
