package import NodeModel

extension NodeFacts {
    /// Who put a driver of this version on the host, by the traces it left, the most particular first.
    func owner(ofVersion version: String) -> OwnerClaim {
        guard driver.record.value?.owns(version) == true else { return otherOwner(ofVersion: version) }
        return OwnerClaim(
            owner: .gpuAgent,
            source: "journal",
            statement: "\(HostLayout.journal) names driver \(version) as the agent's own",
            wayOut: "gpu-agent install"
        )
    }

    /// Who besides this agent put a driver of this version on the host.
    private func otherOwner(ofVersion version: String) -> OwnerClaim {
        let found = [
            bottlerocket, gke(version), aksImage(version), packages(version), runfile(version), dkms(version),
        ]
        let unread = [claims.packages.failure, claims.runfile.failure, claims.dkms.failure, claims.aksMarker.failure]
            .compactMap { $0?.detail }
        return found.compactMap(\.self).first
            ?? OwnerClaim(
                owner: .other,
                source: "host",
                statement: unread.isEmpty
                    ? "nobody left a trace of having installed driver \(version)"
                    : "no trace of who installed driver \(version) was found, and not all could be read "
                        + "(\(unread.joined(separator: "; ")))",
                wayOut: "remove that driver, or use a node image without one"
            )
    }

    /// Google's installer keeps its driver in a directory of its own.
    private func gke(_ version: String) -> OwnerClaim? {
        let directory = "/home/kubernetes/bin/nvidia/"
        let libraries = [driver.nvmlLibrary.value, driver.cudaLibrary.value].compactMap(\.self)
        guard libraries.contains(where: { $0.version == version && $0.path.hasPrefix(directory) }) else { return nil }
        return OwnerClaim(
            owner: .gke,
            source: "host",
            statement: "\(directory) holds driver \(version), where Google's installer puts it",
            wayOut: "create the node pool with gpu-driver-version=disabled and without Google's installer"
        )
    }

    /// Its root file system cannot be changed; the driver comes with the image.
    var bottlerocket: OwnerClaim? {
        guard host.osRelease.value?.id == "bottlerocket" else { return nil }
        return OwnerClaim(
            owner: .bottlerocket,
            source: "os-release",
            statement: "the system is Bottlerocket, whose image brings the driver",
            wayOut: "use a Bottlerocket variant for NVIDIA whose driver fits these GPUs"
        )
    }

    private func aksImage(_ version: String) -> OwnerClaim? {
        guard let marker = claims.aksMarker.value, marker.version == version else { return nil }
        let kind = marker.kind.map { " of kind \($0)" } ?? ""
        return OwnerClaim(
            owner: .aksImage,
            source: "aks marker",
            statement: "/opt/azure/aks-gpu/dkms-marker names driver \(version)\(kind), which the image brought",
            wayOut: "create the node pool with --gpu-driver none, or let AKS install the driver of this VM size",
            removal: removalOfAKSImage(version)
        )
    }

    /// It is NVIDIA's installer that put it there; the image's copies of the libraries are its own.
    ///
    /// Nil where neither that installer's log nor DKMS can take its modules away.
    private func removalOfAKSImage(_ version: String) -> DriverRemoval? {
        let ofModules = removalOfRunfile + removalOfDKMS
        guard !ofModules.isEmpty || driver.moduleFile.value == nil else { return nil }
        let ofLibraries = libraryDirectories(version).map {
            ["find", $0, "-maxdepth", "1", "-name", "*.so.\(version)", "-delete"]
        }
        return DriverRemoval(
            subject: "the removal of the AKS node image's driver",
            commands: ofModules + ofLibraries + [["rm", "-f", "/opt/azure/aks-gpu/dkms-marker"], ["ldconfig"]]
        )
    }

    /// Where libraries of a version are; each of NVIDIA's has the version in the name of its file.
    private func libraryDirectories(_ version: String) -> [String] {
        let all =
            [driver.nvmlLibrary.value, driver.cudaLibrary.value].compactMap(\.self)
            + (driver.otherLibraries.value ?? [])
        let directories = all.filter { $0.version == version }.map { library in
            library.path.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
        }
        return Set(directories.filter { !$0.isEmpty }).sorted()
    }

    private func packages(_ version: String) -> OwnerClaim? {
        claims.packages.value?.first { $0.isOf(version) }.map(packages(with:))
    }

    /// Packages of a driver whose module and libraries are not there: half an installation, or one for another kernel.
    ///
    /// An installer that ran beside them would leave two drivers at the next kernel.
    var remains: OwnerClaim? {
        guard driver.record.value?.state != .changing else { return nil }
        return claims.packages.value?.first(where: \.bringsModules).map(packages(with:))
    }

    /// What would build modules of another version for the next kernel: two drivers from then on.
    func strays(beside version: String) -> [Evidence] {
        let trees = (claims.dkms.value ?? []).filter { $0.version != version }.map { "\($0.name)/\($0.version)" }
        let packages = (claims.packages.value ?? []).filter { $0.bringsModules && !$0.isOf(version) }
            .map { "\($0.name) \($0.version)" }
        let strays = [("dkms", trees)] + [("packages", packages)]
        return strays.filter { !$0.1.isEmpty }.map { source, names in
            let words = "\(names.joined(separator: ", ")): of another driver, which a new kernel may bring back"
            return Evidence(.owner, source, words)
        }
    }

    private func packages(with owner: DriverPackage) -> OwnerClaim {
        let all = claims.packages.value ?? []
        // Modules for two kernels are two packages of one name.
        let names = Set(all.filter { $0.manager == owner.manager }.map(\.name)).sorted()
        return OwnerClaim(
            owner: .packageManager,
            source: owner.manager.rawValue,
            statement: "there is package \(owner.name) \(owner.version)"
                + (names.count > 1 ? " and \(names.count - 1) more of the driver's" : ""),
            wayOut: "remove the driver's packages (\(owner.name), ...), or use a node image without them",
            removal: PackageManagers.named(owner.manager)?.removal(of: names)
        )
    }

    private func runfile(_ version: String) -> OwnerClaim? {
        guard claims.runfile.value == version else { return nil }
        return OwnerClaim(
            owner: .runfile,
            source: "installer log",
            statement: "/var/lib/nvidia/log: NVIDIA's installer put driver \(version) there, not for this agent",
            wayOut: "run nvidia-uninstall on the host, or use a node image without a driver",
            removal: DriverRemoval(subject: "nvidia-uninstall", commands: removalOfRunfile)
        )
    }

    private func dkms(_ version: String) -> OwnerClaim? {
        guard let tree = claims.dkms.value?.first(where: { $0.version == version }) else { return nil }
        return OwnerClaim(
            owner: .dkms,
            source: "dkms",
            statement: "there is the module tree \(tree.name)/\(tree.version); nothing tells who put it there",
            wayOut: "remove the tree with 'dkms remove \(tree.name)/\(tree.version) --all' and the driver's libraries, "
                + "or use a node image without a driver"
        )
    }

    private var removalOfRunfile: [[String]] {
        claims.runfile.value == nil ? [] : [["nvidia-uninstall", "--silent"]]
    }

    private var removalOfDKMS: [[String]] {
        // What NVIDIA's installer registered goes with it.
        guard claims.runfile.value == nil else { return [] }
        return (claims.dkms.value ?? []).map { ["dkms", "remove", "\($0.name)/\($0.version)", "--all"] }
    }

    /// How what is there of another owner's driver is removed, whole or what a removal that was cut off left.
    ///
    /// Nil when nothing of it is there, or when only its owner can remove it.
    package func removal(of owner: DriverOwner) -> DriverRemoval? {
        let versions =
            driver.sources.map(\.version)
            + [claims.runfile.value, claims.aksMarker.value?.version].compactMap(\.self)
            + (claims.packages.value ?? []).map(\.version)
        return Set(versions).sorted().lazy.map(otherOwner(ofVersion:)).first { $0.owner == owner }?.removal
    }
}
