package import NodeModel

extension Reading<InstallRecord> {
    /// The same record, but of a driver from packages of the distribution.
    package var fromPackages: Reading<InstallRecord> {
        map { record in
            var record = record
            (record.packages, record.artifactHash) = (["nvidia-utils"], "")
            return record
        }
    }
}

extension NodeFacts {
    /// The packages of Ubuntu that install a driver on the kernel of these facts.
    ///
    /// - Parameters:
    ///   - version: The version of the driver.
    ///   - type: The kernel module type.
    ///   - libraries: Whether the packages for video and graphics are there, too.
    ///   - kernel: The kernel that the modules are for.
    /// - Returns: The packages, the one with the modules first.
    package static func prebuilt(
        _ version: String,
        _ type: KernelModuleType = .open,
        libraries: Bool = false,
        kernel: String = kernel
    ) -> [OfferedPackage] {
        let branch = Int(version.prefix { $0 != "." }) ?? 0
        let names =
            UbuntuModules.needed(branch: branch, type) + (libraries ? UbuntuModules.further(branch: branch) : [])
        return [
            OfferedPackage(
                name: UbuntuModules.modules(branch: branch, type, kernel: kernel),
                version: "5.15.0-1089.98"
            )
        ]
            + names.map {
                OfferedPackage(name: $0, version: $0 == "nvidia-modprobe" ? "565.1-1" : "\(version)-0ubuntu0.22.04.1")
            }
    }

    /// These facts of a host whose apt has no index.
    package var withoutIndex: NodeFacts {
        with {
            $0.build.packageTools = .present(["apt-get"])
            $0.build.prebuiltPackages = .unreadable(ReadFailure(.command, "the index of apt is empty"))
        }
    }

    /// Returns these facts of a host whose repositories offer packages.
    package func offering(_ packages: [OfferedPackage]...) -> NodeFacts {
        with {
            let all = packages.flatMap(\.self)
            $0.build.packageTools = .present(["apt-get"])
            $0.build.prebuiltPackages = all.isEmpty ? .absent : .present(all)
        }
    }
}
