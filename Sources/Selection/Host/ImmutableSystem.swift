import NodeModel

/// An operating system whose system directories are read-only, so that nobody can install a driver into it.
///
/// Each of these systems has a way of its own to get a driver.
struct ImmutableSystem: Equatable {
    /// The name for people, such as `Container-Optimized OS`.
    var name: String
    /// How the node gets a driver, in one or two sentences.
    var ownWay: String
    /// Who owns a driver on such a system; nil when an installer of the cloud brings it, and its files show that.
    var driverOwner: DriverOwner?

    /// Nil when the agent knows no reason why it could not install a driver.
    ///
    /// The file `os-release` identifies most systems. On others, the mount table shows that `/usr` is read-only.
    init?(_ host: HostFacts) {
        let release = host.osRelease.value
        if let known = release.flatMap(Self.known) {
            self = known
        } else if host.usrIsReadOnly.value == true {
            let name = release.map { $0.prettyName ?? $0.id } ?? "a system with a read-only /usr"
            self.init(name: name, ownWay: "Use a node image that contains a driver that fits these GPUs.")
        } else {
            return nil
        }
    }

    private init(name: String, ownWay: String, driverOwner: DriverOwner? = nil) {
        (self.name, self.ownWay, self.driverOwner) = (name, ownWay, driverOwner)
    }

    /// Why the agent installs nothing, as a sentence.
    var statement: String {
        "The operating system is \(name). Its system directories are read-only, so no installer can add a driver."
    }

    /// The system by its `ID` and, for the variants of other systems, by its `VARIANT_ID`.
    private static func known(_ release: OSRelease) -> ImmutableSystem? {
        let variant = (release.variantID ?? "").lowercased()
        return variants["\(release.id) \(variant)"] ?? systems[release.id]
    }

    private static let systems: [String: ImmutableSystem] = [
        "cos": ImmutableSystem(
            name: "Container-Optimized OS",
            ownWay: "Let GKE install the driver (gpu-driver-version=default for the node pool), or run Google's "
                + "installer, cos-gpu-installer."
        ),
        "bottlerocket": ImmutableSystem(
            name: "Bottlerocket",
            ownWay: "Use a Bottlerocket variant for NVIDIA whose driver fits these GPUs.",
            driverOwner: .bottlerocket
        ),
        "talos": ImmutableSystem(
            name: "Talos",
            ownWay: "Use a Talos image with NVIDIA's system extensions (nonfree-kmod-nvidia or "
                + "nvidia-open-gpu-kernel-modules) for a driver that fits. Talos has no extension with a GRID driver.",
            driverOwner: .systemImage
        ),
        "flatcar": ImmutableSystem(
            name: "Flatcar Container Linux",
            ownWay: "Use Flatcar's system extension with NVIDIA's driver, or let its nvidia.service build the driver "
                + "(/etc/flatcar/nvidia-metadata).",
            driverOwner: .systemImage
        ),
        "azurecontainerlinux": azureContainerLinux,
        "rhcos": coreOS("Red Hat Enterprise Linux CoreOS"),
        "ubuntu-core": ImmutableSystem(
            name: "Ubuntu Core",
            ownWay: "Use a kernel snap with NVIDIA's driver.",
            driverOwner: .systemImage
        ),
        "opensuse-microos": transactional("openSUSE MicroOS"),
        "sle-micro": transactional("SUSE Linux Enterprise Micro"),
        "sl-micro": transactional("SUSE Linux Micro"),
        "nixos": ImmutableSystem(
            name: "NixOS",
            ownWay: "Set the driver in the configuration of NixOS (hardware.nvidia), and rebuild the system.",
            driverOwner: .systemImage
        ),
        "kairos": ImmutableSystem(
            name: "Kairos",
            ownWay: "Build a Kairos image with the driver.",
            driverOwner: .systemImage
        ),
    ]

    private static let variants: [String: ImmutableSystem] = [
        "azurelinux osguard": ImmutableSystem(
            name: "Azure Linux with OS Guard",
            ownWay: "Use a node pool with another OS SKU, such as AzureLinux or Ubuntu, whose image has the driver.",
            driverOwner: .systemImage
        ),
        "azurelinux azurecontainerlinux": azureContainerLinux,
        "fedora coreos": coreOS("Fedora CoreOS"),
        "rhel coreos": coreOS("Red Hat Enterprise Linux CoreOS"),
        "centos coreos": coreOS("CentOS Stream CoreOS"),
        "scos coreos": coreOS("CentOS Stream CoreOS"),
    ]

    private static let azureContainerLinux = ImmutableSystem(
        name: "Azure Container Linux",
        ownWay: "Use a node pool with another OS SKU, such as AzureLinux or Ubuntu, whose image has the driver.",
        driverOwner: .systemImage
    )

    private static func coreOS(_ name: String) -> ImmutableSystem {
        ImmutableSystem(
            name: name,
            ownWay: "Let the GPU Operator run its driver container, or build an image of the system with the driver.",
            driverOwner: .systemImage
        )
    }

    private static func transactional(_ name: String) -> ImmutableSystem {
        ImmutableSystem(
            name: name,
            ownWay: "Install NVIDIA's packages with transactional-update, and reboot the node."
        )
    }
}

extension NodeFacts {
    /// The image of an immutable system as the owner of the driver; nil when the driver comes from elsewhere.
    var systemImage: OwnerClaim? {
        guard let system = ImmutableSystem(host), let owner = system.driverOwner else { return nil }
        return OwnerClaim(
            owner: owner,
            source: "os-release",
            statement: "The operating system is \(system.name), whose image contains the driver.",
            howToHandOver: system.ownWay
        )
    }
}

extension OwnerClaim {
    /// The same claim; without a removal and with the system's own way on a system that nobody can change.
    func possible(on host: HostFacts) -> OwnerClaim {
        guard let system = ImmutableSystem(host), owner != .gke else { return self }
        var claim = self
        (claim.removal, claim.howToHandOver) = (nil, system.ownWay)
        return claim
    }
}

extension Decision {
    /// The same decision, but blocked when it installs a driver on a system into which nobody can install one.
    func possible(on host: HostFacts) -> Decision {
        guard action == .install, let system = ImmutableSystem(host) else { return self }
        let problem = Finding(
            .immutableSystem,
            observed: system.statement,
            expected: "a driver that was installed in the way that this operating system supports",
            remedy: Remedy(system.ownWay)
        )
        return blocked(by: problem, "the agent cannot install a driver on \(system.name)")
    }
}
