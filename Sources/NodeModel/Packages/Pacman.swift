/// The package manager of Arch Linux.
package struct Pacman: PackageManager {
    package init() {}

    package var manager: DriverPackage.Manager { .pacman }

    package var list: PackageList {
        .query(
            PackageQuery(
                databases: ["/var/lib/pacman/local/ALPM_DB_VERSION"],
                program: "/usr/bin/pacman",
                arguments: { _ in ["--query"] },
                parse: parse
            )
        )
    }

    /// Whether a package contains NVIDIA's driver or a part of it.
    ///
    /// Arch Linux names the modules for its own kernels without a suffix. It has packages of old branches, such as
    /// `nvidia-470xx-dkms`.
    package func isDriver(_ name: String, version: String) -> Bool {
        Self.names.contains(name) || (name.contains("nvidia-") && name.contains("xx"))
            || DriverPackageName.isDriver(name)
    }

    private static let names: Set = [
        "nvidia", "nvidia-lts", "nvidia-open-lts", "opencl-nvidia", "lib32-nvidia-utils", "lib32-opencl-nvidia",
    ]

    package func removal(of names: [String]) -> DriverRemoval {
        DriverRemoval(subject: "pacman --remove", commands: [["pacman", "--remove", "--noconfirm"] + names])
    }

    /// Finds the packages of the driver in the output, which has a line for each package.
    ///
    /// A line is the name, a space, and the version with the release.
    package func parse(_ text: String) -> [DriverPackage] {
        text.split(separator: "\n").compactMap { line in
            let fields = line.split(separator: " ").map(String.init)
            guard fields.count == 2, isDriver(fields[0], version: fields[1]) else { return nil }
            return DriverPackage(manager: manager, name: fields[0], version: fields[1])
        }
    }
}

extension DriverPackage.Manager {
    package static let pacman = DriverPackage.Manager(rawValue: "pacman")
}
