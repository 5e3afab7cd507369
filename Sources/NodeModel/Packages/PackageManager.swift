import Support

/// A package manager as data: where it keeps the list of its packages, and how packages are removed with it.
///
/// Whoever probes the host reads the list, and recipes remove packages; neither knows any manager by name.
package protocol PackageManager: Sendable {
    var manager: DriverPackage.Manager { get }
    /// How the driver's packages are listed.
    var list: PackageList { get }
    /// Whether a package brings NVIDIA's driver, or a part of it.
    func isDriver(_ name: String, version: String) -> Bool
    /// How packages of these names are removed; one removal for all of them.
    func removal(of names: [String]) -> DriverRemoval
}

extension PackageManager {
    package func isDriver(_ name: String, version: String) -> Bool { DriverPackageName.isDriver(name) }
}

/// Every package manager that the agent knows.
package enum PackageManagers {
    package static let all: [any PackageManager] = [
        Dpkg(),
        Rpm(),
        Pacman(),
    ]

    /// The one of this name; nil when this version of the agent does not know it.
    package static func named(_ manager: DriverPackage.Manager) -> (any PackageManager)? {
        all.first { $0.manager == manager }
    }
}

/// How the packages of one manager are listed.
package enum PackageList: Sendable {
    /// By a text file that the agent reads itself; a host without the file does not have this manager.
    case file(String, parse: @Sendable ([UInt8]) throws(PackageListError) -> [DriverPackage])
    /// By a program of the host, because nobody else reads its database safely.
    case query(PackageQuery)
}

/// A program that lists packages.
package struct PackageQuery: Sendable {
    /// Where the database may be: the first of these files that is there.
    ///
    /// A host without any of them does not have this manager.
    package var databases: [String]
    /// The path of the program.
    package var program: String
    /// The arguments, for the directory of the database.
    package var arguments: @Sendable (_ directory: String) -> [String]
    /// Takes the driver's packages out of what the program printed.
    package var parse: @Sendable (String) -> [DriverPackage]
}

/// Why a list of packages could not be read.
package struct PackageListError: CausedError, Sendable, Equatable {
    package let description: String

    package var cause: (any Error)? { nil }

    package init(_ description: String) {
        self.description = description
    }
}
