extension NodeFacts {
    /// Who put a driver of this version on the host, by the traces it left, the most particular first.
    func owner(ofVersion version: String) -> OwnerClaim {
        if driver.record.value?.owns(version) == true {
            return OwnerClaim(
                owner: .gpuAgent,
                source: "journal",
                statement: "\(HostLayout.journal) names driver \(version) as the agent's own",
                wayOut: "gpu-agent install"
            )
        }
        let claims = [bottlerocket, aksImage(version), packages(version), runfile(version), dkms(version)]
        return claims.compactMap(\.self).first
            ?? OwnerClaim(
                owner: .other,
                source: "host",
                statement: "nobody left a trace of having installed driver \(version)",
                wayOut: "remove that driver, or use a node image without one"
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
    private func removalOfAKSImage(_ version: String) -> [[String]]? {
        let ofModules = removalOfRunfile + removalOfDKMS
        guard !ofModules.isEmpty || driver.moduleFile.value == nil else { return nil }
        return ofModules
            + [["rm", "-f", "/opt/azure/aks-gpu/dkms-marker"] + strayLibraries(version), ["ldconfig"]]
    }

    private func strayLibraries(_ version: String) -> [String] {
        (driver.otherLibraries?.value ?? []).filter { $0.version == version }.map(\.path)
    }

    private func packages(_ version: String) -> OwnerClaim? {
        // A package's own version has the driver's in it: 580.105.08-0ubuntu1, 3:580.105.08-1.el9.
        guard let all = claims.packages.value,
            let owner = all.first(where: { $0.isOf(version) })
        else { return nil }
        let names = all.filter { $0.manager == owner.manager }.map(\.name)
        let removal =
            switch owner.manager {
            case .dpkg:
                [
                    "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-o", "DPkg::Lock::Timeout=300", "purge", "-y",
                    "--allow-change-held-packages",
                ] + names
            case .rpm: ["rpm", "-e"] + names
            }
        return OwnerClaim(
            owner: .packageManager,
            source: owner.manager.rawValue,
            statement: "there is package \(owner.name) \(owner.version)"
                + (names.count > 1 ? " and \(names.count - 1) more of the driver's" : ""),
            wayOut: "remove the driver's packages (\(owner.name), ...), or use a node image without them",
            removal: [removal]
        )
    }

    private func runfile(_ version: String) -> OwnerClaim? {
        guard claims.runfile.value == version else { return nil }
        return OwnerClaim(
            owner: .runfile,
            source: "installer log",
            statement: "/var/lib/nvidia/log: NVIDIA's installer put driver \(version) there, not for this agent",
            wayOut: "run nvidia-uninstall on the host, or use a node image without a driver",
            removal: removalOfRunfile
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

    /// The commands that remove what is there of another owner's driver, whole or what a removal that was cut off left.
    package func removal(of owner: DriverOwner, besides version: String) -> [[String]] {
        let versions =
            driver.sources.map(\.version)
            + [claims.runfile.value, claims.aksMarker.value?.version].compactMap(\.self)
            + (claims.packages.value ?? []).map(\.version)
        return Set(versions).sorted().lazy.filter { $0 != version }.map(self.owner(ofVersion:))
            .first { $0.owner == owner }?.removal ?? []
    }
}
