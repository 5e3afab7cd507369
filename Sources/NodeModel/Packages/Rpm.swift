/// The package manager of the Red Hat family, SUSE and Azure Linux.
package struct Rpm: PackageManager {
    package init() {}

    package var manager: DriverPackage.Manager { .rpm }

    /// The database is in the place of the Red Hat family, of SUSE and newer systems, or of systems made of images.
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

    /// Azure Linux has a driver in the package `cuda`, which elsewhere is the toolkit; the version tells them apart.
    package func isDriver(_ name: String, version: String) -> Bool {
        DriverPackageName.isDriver(name) || (name == "cuda" && isDriverVersion(version))
    }

    package func removal(of names: [String]) -> DriverRemoval {
        DriverRemoval(subject: "rpm -e", commands: [["rpm", "-e", "--allmatches"] + names])
    }

    /// A line for each package: name, tabulator, version with epoch and release.
    package func parse(_ text: String) -> [DriverPackage] {
        text.split(separator: "\n").compactMap { line in
            let fields = line.split(separator: "\t").map(String.init)
            guard fields.count == 2, isDriver(fields[0], version: fields[1]) else { return nil }
            return DriverPackage(manager: manager, name: fields[0], version: fields[1])
        }
    }

    /// `595.71.05-1_6.6.112.1.2.azl3`; the toolkit's are still below 100.
    private func isDriverVersion(_ version: String) -> Bool {
        let upstream = version.split(separator: ":").last ?? ""
        return Int(upstream.prefix { $0.isWholeNumber }).map { $0 >= 300 } ?? false
    }
}

extension DriverPackage.Manager {
    package static let rpm = DriverPackage.Manager(rawValue: "rpm")
}
