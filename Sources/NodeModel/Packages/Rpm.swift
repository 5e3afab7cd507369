/// The package manager of the Red Hat family, SUSE and Azure Linux.
package struct Rpm: PackageManager {
    package init() {}

    package var manager: DriverPackage.Manager { .rpm }

    /// How to list the packages of the driver.
    ///
    /// The database is in a different directory on the Red Hat family, on SUSE and newer systems, and on systems that
    /// are installed as an image.
    package var list: PackageList {
        let directories = ["/var/lib/rpm", "/usr/lib/sysimage/rpm", "/usr/share/rpm"]
        let files = ["rpmdb.sqlite", "Packages.db", "Packages"]
        return .query(
            PackageQuery(
                databases: directories.flatMap { directory in files.map { "\(directory)/\($0)" } },
                program: "/usr/bin/rpm",
                arguments: { directory in
                    [
                        "--dbpath", directory, "-qa", "--queryformat", "%{NAME}\\t%{EVR}\\n", "*nvidia*", "*NVIDIA*",
                        "cuda*", "libcuda*",
                    ]
                },
                parse: parse
            )
        )
    }

    /// Whether a package contains NVIDIA's driver or a part of it.
    ///
    /// On Azure Linux, the package `cuda` is a driver. On other systems, it is the toolkit, with a lower version.
    package func isDriver(_ name: String, version: String) -> Bool {
        DriverPackageName.isDriver(name) || (name == "cuda" && isDriverVersion(version))
    }

    package func removal(of names: [String]) -> DriverRemoval {
        DriverRemoval(subject: "rpm -e", commands: [["rpm", "-e", "--allmatches"] + names])
    }

    /// Finds the packages of the driver in the output, which has a line for each package.
    ///
    /// A line is the name, a tab, and the version with the epoch and the release.
    package func parse(_ text: String) -> [DriverPackage] {
        text.split(separator: "\n").compactMap { line in
            let fields = line.split(separator: "\t").map(String.init)
            guard fields.count == 2, isDriver(fields[0], version: fields[1]) else { return nil }
            return DriverPackage(manager: manager, name: fields[0], version: fields[1])
        }
    }

    /// Whether the version of a package `cuda` is a driver version, such as `595.71.05-1_6.6.112.1.2.azl3`.
    ///
    /// Versions of the toolkit are below 100.
    private func isDriverVersion(_ version: String) -> Bool {
        let upstream = version.split(separator: ":").last ?? ""
        return Int(upstream.prefix { $0.isWholeNumber }).map { $0 >= 300 } ?? false
    }
}

extension DriverPackage.Manager {
    package static let rpm = DriverPackage.Manager(rawValue: "rpm")
}
