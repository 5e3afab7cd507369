/// Recognizes packages that contain NVIDIA's driver or a part of it, by their names.
///
/// These are the kernel modules, the libraries, and packages that must have the version of the driver. The container
/// toolkit, the CUDA toolkit, headers, settings, repositories, and tools for every driver version do not count.
package enum DriverPackageName {
    /// Whether a package of this name contains the driver, for all package managers.
    static func isDriver(_ name: String) -> Bool {
        if others.contains(where: name.hasPrefix) { return false }
        if prefixes.contains(where: name.hasPrefix) || exact.contains(name) { return true }
        if name.hasPrefix("nvidia-"), name.contains("-grid") || isOldBranch(name) { return true }
        // Bottlerocket puts the kernel series before the name: kmod-6.1-nvidia.
        return name.hasPrefix("kmod-") && name.contains("-nvidia")
    }

    /// Whether a package of this name can contain the driver: every name below has `nvidia` or `cuda` in it.
    ///
    /// A host has thousands of packages. This test of the bytes takes less time than `isDriver`.
    static func mayBeDriver(_ name: ArraySlice<UInt8>) -> Bool {
        name.indices.contains { index in
            switch name[index] {
            case UInt8(ascii: "n"): name[index...].starts(with: "nvidia".utf8)
            case UInt8(ascii: "c"): name[index...].starts(with: "cuda".utf8)
            default: false
            }
        }
    }

    /// The patterns, in the language of a shell, of packages that must not come beside a driver from NVIDIA's installer.
    ///
    /// These are the packages of a driver, and the programs that the installer also brings. A name that `notBesideDriver`
    /// and `besideDriver` both match may come.
    package static let notBesideDriver = (prefixes + exact + installed).sorted().map { "\($0)*" }
    /// The patterns of packages that may come beside a driver.
    package static let besideDriver = (others + FabricPackages.prefixes + fabricLibraries).sorted().map { "\($0)*" }

    private static let installed = [
        "nvidia-modprobe", "nvidia-persistenced", "nvidia-settings", "nvidia-xconfig", "libnvcuvid1",
    ]
    /// The libraries of the fabric manager's clients, which the installer does not bring.
    private static let fabricLibraries = ["libnvidia-nscq", "libnvsdm"]

    private static let prefixes = [
        // Debian, Ubuntu, and NVIDIA's own repositories
        "nvidia-driver", "nvidia-kernel", "nvidia-dkms", "nvidia-open", "nvidia-headless", "nvidia-utils",
        "nvidia-compute-", "nvidia-firmware-", "nvidia-alternative", "nvidia-current", "nvidia-legacy-",
        "nvidia-tesla-",
        "nvidia-smi", "libnvidia-", "libcuda1-", "cuda-drivers", "xserver-xorg-video-nvidia",
        "linux-modules-nvidia-", "linux-objects-nvidia-",
        // The Red Hat family, and SUSE
        "kmod-nvidia", "akmod-nvidia", "dkms-nvidia", "nvidia-kmod", "xorg-x11-drv-nvidia", "nvidia-gfxG",
        "nvidia-video-G",
        "nvidia-gl-G", "nvidia-common-G",
        // vGPU guests, and NVSwitch systems
        "nvidia-vgpu", "nvidia-linux-grid", "nvidia-fabricmanager", "nvidia-fabric-manager",
    ]

    /// Whole names; `cuda-open` is the driver of Azure Linux with open kernel modules.
    private static let exact: Set = ["libcuda1", "cuda-open"]

    private static let others = [
        "nvidia-container", "libnvidia-container", "nvidia-docker", "libnvidia-ml-dev", "libnvidia-egl-",
        "nvidia-driver-assistant", "nvidia-driver-local-repo", "nvidia-driver-pinning", "kmod-nvidia-fs",
    ]

    /// Whether the name is one such as `nvidia-384`, which Ubuntu used before it introduced `nvidia-driver`.
    private static func isOldBranch(_ name: String) -> Bool {
        let branch = name.dropFirst("nvidia-".count).prefix { $0 != "-" }
        return branch.count == 3 && branch.allSatisfy(\.isWholeNumber)
    }
}
