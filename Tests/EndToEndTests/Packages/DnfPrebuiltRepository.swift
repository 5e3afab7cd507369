import NodeModel
import Planning
import TestSupport

/// A repository with a driver in packages as RHEL names them, on a simulated host without a compiler.
///
/// The host is RHEL 9.4 as far as the agent can see: it reads the release of the kernel from a file. The modules are those
/// of the simulated driver, and the key that signed them is built into the kernel.
struct DnfPrebuiltRepository: Sendable {
    let repository: RPMRepository
    var node: SimulatedNode { repository.node }

    static let kernel = "5.14.0-427.13.1.el9_4.x86_64"
    static let version = PrebuiltRepository.version
    static let modules = "kmod-nvidia-open-\(version)-5.14.0-427.13.1"
    /// Everything that the agent installs, sorted.
    static let names = [
        modules, "nvidia-driver-cuda", "nvidia-driver-cuda-libs", "nvidia-kmod-common", "nvidia-modprobe",
    ]

    /// Starts a host with the repository, whose metadata dnf has in its cache.
    static func with(
        secureBoot: Bool = true,
        dnf5: Bool = false,
        _ body: @escaping @Sendable (DnfPrebuiltRepository) async throws -> Void
    ) async throws {
        try await SimulatedNode.with("h100", set: ["secure-boot=\(secureBoot ? "yes" : "no")"]) { node in
            if dnf5 { try await node.replaceDnf() }
            let build = "/usr/src/kernels/\(kernel)"
            let repository = try await RPMRepository(node, Dnf(), kernel: kernel, build: build)
            try await PrebuiltRepository.build(on: node, for: kernel)
            try await node.run(["sh", "-ec", host, "sh", kernel])
            let prebuilt = DnfPrebuiltRepository(repository: repository)
            try await prebuilt.addPackages()
            try await node.run(["dnf", "-q", "makecache"])
            try await body(prebuilt)
        }
    }

    private static let host = """
        printf 'ID=rhel\\nVERSION_ID=9.4\\nPRETTY_NAME="Red Hat Enterprise Linux 9.4"\\n' >/run/os-release
        rm -f /etc/os-release /usr/lib/os-release
        mv /run/os-release /etc/os-release
        echo "$1" >/run/osrelease
        mount --bind /run/osrelease /proc/sys/kernel/osrelease
        # The modules of the packages are those that the kernel of the simulator finds.
        rm -rf "/lib/modules/$1"
        mv "/lib/modules/$(uname -r)" "/lib/modules/$1"
        ln -s "$1" "/lib/modules/$(uname -r)"
        mkdir -p /run/libraries /run/driver/kernel/packaged
        cp /run/driver/kernel/*.ko /run/driver/kernel/packaged
        cp /run/driver/lib/*.so.*.* /run/libraries
        for file in /run/libraries/*.so.*; do
            name=${file##*/}
            ln -s "$name" "/run/libraries/${name%%.so.*}.so.1"
        done
        """

    /// Adds the packages; Red Hat builds the modules and NVIDIA the rest.
    func addPackages(_ version: String = Self.version, release: String = "1") async throws {
        let plain = ["Epoch: 3", "AutoReqProv: no"]
        try await repository.add([
            RPMRepository.Spec(
                name: "kmod-nvidia-open-\(version)-5.14.0-427.13.1",
                version: "\(version)-\(release).el9_4",
                fields: plain + [
                    "Vendor: Red Hat, Inc.", "Provides: nvidia-kmod = 3:\(version)",
                    "Requires: (kernel = 5.14.0-427.13.1.el9_4 if kernel)",
                ],
                copies: ["/lib/modules/\(Self.kernel)/extra/drivers/video/nvidia": "/run/driver/kernel/packaged"],
                script: "depmod $(uname -r)",
                afterRemoval: "depmod $(uname -r)",
                architecture: "x86_64"
            ),
            RPMRepository.Spec(
                name: "nvidia-driver-cuda",
                version: "\(version)-\(release).el9",
                fields: plain + [
                    "Requires: nvidia-driver-cuda-libs = 3:\(version)", "Requires: nvidia-kmod-common = 3:\(version)",
                ],
                copies: ["/usr/bin/nvidia-smi": "/run/driver/bin/nvidia-smi"],
                architecture: "x86_64"
            ),
            RPMRepository.Spec(
                name: "nvidia-driver-cuda-libs",
                version: "\(version)-\(release).el9",
                fields: plain,
                copies: ["/usr/lib/x86_64-linux-gnu": "/run/libraries"],
                script: "ldconfig",
                afterRemoval: "ldconfig",
                architecture: "x86_64"
            ),
            RPMRepository.Spec(
                name: "nvidia-kmod-common",
                version: "\(version)-\(release).el9",
                fields: plain + ["Requires: nvidia-kmod = 3:\(version)", "Requires: nvidia-modprobe = 3:\(version)"]
            ),
            RPMRepository.Spec(
                name: "nvidia-modprobe",
                version: "\(version)-\(release).el9",
                fields: plain,
                copies: ["/usr/bin/nvidia-modprobe": "/run/driver/bin/nvidia-modprobe"],
                architecture: "x86_64"
            ),
        ])
    }

    /// The lines of the record of the packages.
    func recorded() -> [String] {
        (node.text(HostLayout.driverPackages) ?? "").split(separator: "\n").map(String.init)
    }
}
