package import NodeModel

extension NodeFacts {
    /// The owner of the driver of this version, from the traces on the host.
    ///
    /// The most specific trace decides.
    func owner(ofVersion version: String) -> OwnerClaim {
        guard driver.record.value?.owns(version) == true else { return otherOwner(ofVersion: version) }
        return OwnerClaim(
            owner: .gpuAgent,
            source: "journal",
            statement: "\(HostLayout.journal) says that this agent installed driver \(version).",
            howToHandOver: "Run 'gpu-agent install'."
        )
    }

    /// The owner of the driver of this version, when it is not this agent.
    private func otherOwner(ofVersion version: String) -> OwnerClaim {
        let found = [
            systemImage, gke(version), aksImage(version), packages(version), runfile(version), dkms(version),
        ]
        let unread = [claims.packages.failure, claims.runfile.failure, claims.dkms.failure, claims.aksMarker.failure]
            .compactMap { $0?.detail }
        let claim =
            found.compactMap(\.self).first
            ?? OwnerClaim(
                owner: .other,
                source: "host",
                statement: unread.isEmpty
                    ? "The agent found no trace of who installed driver \(version)."
                    : "The agent found no trace of who installed driver \(version), and it could not read everything "
                        + "(\(unread.joined(separator: "; "))).",
                howToHandOver:
                    "Remove the driver with the program that installed it ('nvidia-uninstall' after NVIDIA's installer), "
                    + "or use a node image without a driver."
            )
        return claim.possible(on: host)
    }

    /// GKE as the owner: Google's installer uses a directory of its own.
    private func gke(_ version: String) -> OwnerClaim? {
        let directory = "/home/kubernetes/bin/nvidia/"
        let libraries = [driver.nvmlLibrary.value, driver.cudaLibrary.value].compactMap(\.self)
        guard libraries.contains(where: { $0.version == version && $0.path.hasPrefix(directory) }) else { return nil }
        return OwnerClaim(
            owner: .gke,
            source: "host",
            statement: "Driver \(version) is in \(directory), the directory of Google's installer.",
            howToHandOver:
                "Create the node pool with gpu-driver-version=disabled, and do not run Google's installer on it."
        )
    }

    private func aksImage(_ version: String) -> OwnerClaim? {
        guard let marker = claims.aksMarker.value, marker.version == version else { return nil }
        let kind = marker.kind.map { " of kind \($0)" } ?? ""
        return OwnerClaim(
            owner: .aksImage,
            source: "aks marker",
            statement: "/opt/azure/aks-gpu/dkms-marker says that the node image contains driver \(version)\(kind).",
            howToHandOver:
                "Create the node pool with --gpu-driver none, or let AKS install the driver for this VM size.",
            removal: removalOfAKSImage(version)
        )
    }

    /// The commands that remove the driver of the AKS node image.
    ///
    /// The image runs NVIDIA's installer and keeps copies of the libraries of its own. Nil when neither that installer
    /// nor DKMS can remove the modules.
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

    /// The directories of the driver's libraries of a version, which their file names contain.
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

    /// The package manager as the owner of an incomplete driver; nil when there are no driver packages.
    ///
    /// Call it when the module and the libraries are missing. The packages are then a part of an installation, or they
    /// are for another kernel. If the agent also installed a driver, the host would have two drivers after the next
    /// kernel update.
    var incompleteDriver: OwnerClaim? {
        claims.packages.value?.first(where: \.bringsModules).map(packages(with:))?.possible(on: host)
    }

    /// The problem that the agent cannot uninstall the driver on the host, because it has another owner; nil when there
    /// is no driver.
    package var driverOfOthers: Finding? {
        guard let version = driver.sources.first?.version else { return nil }
        let claim = owner(ofVersion: version)
        let owner =
            claim.owner == .other ? "The agent does not know its owner." : "Its owner is \(claim.owner.displayName)."
        return Finding(
            .foreignDriver,
            observed: "Driver \(version) is installed. \(owner) \(claim.statement)",
            expected: "a driver that this agent installed",
            remedy: claim.howToHandOver
        )
    }

    /// What an operator does so that the driver of this version is removed, in one or two sentences.
    ///
    /// Nil when this agent installed it, so that 'gpu-agent uninstall' removes it.
    package func howToRemoveDriverOfOthers(_ version: String) -> String? {
        let claim = owner(ofVersion: version)
        return claim.owner == .gpuAgent ? nil : claim.howToHandOver
    }

    /// Evidence of DKMS trees and packages of other driver versions, which would build modules for the next kernel.
    func otherVersions(beside version: String) -> [Evidence] {
        let trees = (claims.dkms.value ?? []).filter { $0.version != version && $0.lacksSource != true }.map(\.id)
        let packages = (claims.packages.value ?? []).filter { $0.bringsModules && !$0.isOf(version) }
            .map { "\($0.name) \($0.version)" }
        let others = [("dkms", trees)] + [("packages", packages)]
        return others.filter { !$0.1.isEmpty }.map { source, names in
            let statement = "A kernel update may bring back another driver version: \(names.joined(separator: ", "))."
            return Evidence(.owner, source, statement)
        }
    }

    private func packages(with owner: DriverPackage) -> OwnerClaim {
        let all = claims.packages.value ?? []
        // The modules for two kernels are two packages with the same name.
        let names = Set(all.filter { $0.manager == owner.manager }.map(\.name)).sorted()
        let removal = PackageManagers.named(owner.manager)?.removal(of: names)
        let command = "\(removal.map { "\($0.subject) " } ?? "")\(owner.name)\(names.count > 1 ? " ..." : "")"
        return OwnerClaim(
            owner: .packageManager,
            source: owner.manager.rawValue,
            statement: "Package \(owner.name) \(owner.version) is installed"
                + (names.count > 1 ? ", as one of \(names.count) driver packages." : "."),
            howToHandOver: "Remove the driver's packages (\(command)), or use a node image without them.",
            removal: removal
        )
    }

    private func runfile(_ version: String) -> OwnerClaim? {
        guard claims.runfile.value == version else { return nil }
        return OwnerClaim(
            owner: .runfile,
            source: "installer log",
            statement:
                "/var/lib/nvidia/log says that NVIDIA's installer installed driver \(version), and this agent did not run it.",
            howToHandOver: "Run nvidia-uninstall on the host, or use a node image without a driver.",
            removal: DriverRemoval(subject: "nvidia-uninstall", commands: removalOfRunfile)
        )
    }

    private func dkms(_ version: String) -> OwnerClaim? {
        guard let tree = claims.dkms.value?.first(where: { $0.version == version }) else { return nil }
        return OwnerClaim(
            owner: .dkms,
            source: "dkms",
            statement:
                "DKMS has the module tree \(tree.name)/\(tree.version), and the agent found no trace of who added it.",
            howToHandOver: "Remove the modules with 'dkms remove \(tree.name)/\(tree.version) --all', and remove the "
                + "driver's libraries. Or use a node image without a driver."
        )
    }

    private var removalOfRunfile: [[String]] {
        claims.runfile.value == nil ? [] : [["nvidia-uninstall", "--silent"]]
    }

    private var removalOfDKMS: [[String]] {
        // nvidia-uninstall also removes the trees that NVIDIA's installer registered.
        guard claims.runfile.value == nil else { return [] }
        // The install removes the others itself, at which DKMS would stop.
        let stale = staleDKMSTrees
        return (claims.dkms.value ?? []).filter { !stale.contains($0) }.map { ["dkms", "remove", $0.id, "--all"] }
    }

    /// How the agent removes the driver of another owner, or the rest of it after an interrupted removal.
    ///
    /// Nil when nothing of that driver is there, or when only its owner can remove it.
    package func removal(of owner: DriverOwner) -> DriverRemoval? {
        let versions =
            driver.sources.map(\.version)
            + [claims.runfile.value, claims.aksMarker.value?.version].compactMap(\.self)
            + (claims.packages.value ?? []).map(\.version)
        return Set(versions).sorted().lazy.map(otherOwner(ofVersion:)).first { $0.owner == owner }?.removal
    }
}
