import Support

/// A package manager: how to list its packages, and how to remove them.
///
/// The probe of the host lists packages and the recipes remove them, without code for a specific package manager.
package protocol PackageManager: Sendable {
    var manager: DriverPackage.Manager { get }
    /// How to list the packages of the driver.
    var list: PackageList { get }
    /// Whether a package contains NVIDIA's driver or a part of it.
    func isDriver(_ name: String, version: String) -> Bool
    /// How to remove packages, all of them in one removal.
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

    /// The package manager of this name; nil when this version of the agent does not know it.
    package static func named(_ manager: DriverPackage.Manager) -> (any PackageManager)? {
        all.first { $0.manager == manager }
    }
}

/// How to list the packages of one package manager.
package enum PackageList: Sendable {
    /// The agent reads a text file; a host without the file does not use this package manager.
    case file(String, parse: @Sendable ([UInt8]) throws(PackageListError) -> [DriverPackage])
    /// The agent runs a program on the host, because only that program can read the package database safely.
    case query(PackageQuery)
}

/// A program that lists packages.
package struct PackageQuery: Sendable {
    /// The possible files of the database, of which the first existing one counts.
    ///
    /// A host without any of these files does not use this package manager.
    package var databases: [String]
    /// The path of the program.
    package var program: String
    /// The arguments of the program, for the directory of the database.
    package var arguments: @Sendable (_ directory: String) -> [String]
    /// Finds the packages of the driver in the output of the program.
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
