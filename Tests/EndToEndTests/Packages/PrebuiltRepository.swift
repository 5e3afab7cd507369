import FoundationEssentials
import NodeModel
import TestSupport
import Testing

/// A repository with a driver in packages as Ubuntu names them, on a simulated host without a compiler.
///
/// The files of the packages are those of the simulated driver, and its modules are signed with a key that is built into the kernel.
struct PrebuiltRepository: Sendable {
    let repository: DebianRepository
    var node: SimulatedNode { repository.node }

    static let version = "595.99.02"
    static let modules = "linux-modules-nvidia-595-server-open-\(DebianRepository.kernel)"
    /// The packages that the agent asks for, sorted.
    static let names = [
        "libnvidia-gl-595-server", modules, "nvidia-headless-no-dkms-595-server-open", "nvidia-modprobe",
        "nvidia-utils-595-server",
    ]

    /// Starts a host with the repository, whose index apt has read.
    ///
    /// `next` is a kernel for which modules are built, too, in `/run/driver/KERNEL`.
    static func with(
        secureBoot: Bool = true,
        next: String? = nil,
        _ body: @escaping @Sendable (PrebuiltRepository) async throws -> Void
    ) async throws {
        try await SimulatedNode.with("h100", set: ["secure-boot=\(secureBoot ? "yes" : "no")"]) { node in
            let prebuilt = try await PrebuiltRepository(on: node, next: next)
            try await node.run(["apt-get", "-q", "update"])
            try await body(prebuilt)
        }
    }

    /// Makes the repository on a host, whose apt has no index of it yet.
    init(on node: SimulatedNode, next: String? = nil) async throws {
        repository = try await DebianRepository(node)
        try await Self.build(on: node, for: DebianRepository.kernel, next: next)
        try await addPackages()
    }

    /// Unpacks the driver, builds and signs its modules for a kernel in `/run/driver`, and takes away what the build needs.
    static func build(on node: SimulatedNode, for kernel: String, next: String? = nil) async throws {
        let package = node.directory.path("packages/NVIDIA-Linux-x86_64-\(version).run")
        try FileManager.default.copyItem(atPath: package, toPath: node.path("/run/driver.run"))
        try await node.run(["sh", "-ec", build, "sh"] + [next, kernel].compactMap(\.self))
    }

    private static let build = """
        cd /run
        sh driver.run -x --target /run/driver >/dev/null
        echo 'NV_LICENSE = Dual MIT/GPL' >>driver/kernel/version.mk
        mkdir kernel-keys
        openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj '/CN=distribution' \
            -keyout key.pem -outform DER -out kernel-keys/distribution.der 2>/dev/null
        for kernel; do
            echo "#define UTS_RELEASE \\"$kernel\\"" >"/lib/modules/$(uname -r)/build/include/generated/utsrelease.h"
            make -s -C driver/kernel clean
            make -s -C driver/kernel modules NV_EXCLUDE_DRM=1 NV_EXCLUDE_PEERMEM=1 >/dev/null
            for module in driver/kernel/*.ko; do
                openssl dgst -sha256 -sign key.pem -out signature "$module"
                { cat signature; echo '~Module signature appended~'; } >>"$module"
            done
            mkdir "driver/$kernel"
            cp driver/kernel/*.ko "driver/$kernel"
        done
        rm -rf driver.run /usr/bin/cc /usr/bin/gcc /usr/bin/make "/lib/modules/$(uname -r)/build"
        """

    /// Adds the packages; the script of the one with the modules runs when dpkg configures it.
    ///
    /// Packages of another revision take the place of the earlier ones.
    func addPackages(script: String = "", revision: String = "0ubuntu1") async throws {
        let version = "\(Self.version)-\(revision)"
        try await node.run(["sh", "-c", "rm -f /repo/*nvidia*"])
        try await repository.add(
            Self.modules,
            version: "6.8.0-1044.50",
            depends: "nvidia-kernel-common-595-server (>= \(Self.version))",
            script: "\(script)\ndepmod \(DebianRepository.kernel)",
            files: """
                mkdir -p $root/lib/modules/\(DebianRepository.kernel)/kernel/nvidia-595srv-open
                cp /run/driver/kernel/*.ko $root/lib/modules/\(DebianRepository.kernel)/kernel/nvidia-595srv-open
                \(Self.afterRemoval("depmod \(DebianRepository.kernel)"))
                """
        )
        try await repository.add(
            "libnvidia-compute-595-server",
            version: version,
            script: "ldconfig",
            files: """
                libraries=$root/usr/lib/$(dpkg-architecture -qDEB_HOST_MULTIARCH 2>/dev/null || echo x86_64-linux-gnu)
                mkdir -p $libraries
                cp /run/driver/lib/*.so.\(Self.version) $libraries
                for file in $libraries/*.so.\(Self.version); do
                    ln -s ${file##*/} ${file%.\(Self.version)}.1
                done
                \(Self.afterRemoval("ldconfig"))
                """
        )
        try await repository.add("nvidia-kernel-common-595-server", version: version)
        try await repository.add(
            "nvidia-headless-no-dkms-595-server-open",
            version: version,
            depends: "libnvidia-compute-595-server (= \(version)), nvidia-kernel-common-595-server (= \(version))"
        )
        try await repository.add(
            "nvidia-utils-595-server",
            version: version,
            depends: "libnvidia-compute-595-server (= \(version))",
            files: "mkdir -p $root/usr/bin; cp /run/driver/bin/nvidia-smi $root/usr/bin"
        )
        try await repository.add(
            "nvidia-modprobe",
            version: "570.1-0ubuntu1",
            files: "mkdir -p $root/usr/bin; cp /run/driver/bin/nvidia-modprobe $root/usr/bin"
        )
        try await repository.add("libnvidia-gl-595-server", version: version)
    }

    /// Adds the package with the modules for another kernel, which were built with the repository.
    func addModules(_ name: String, for kernel: String) async throws {
        let directory = "$root/lib/modules/\(kernel)/kernel/nvidia-595srv-open"
        try await repository.add(
            name,
            version: "6.8.0-1045.51",
            depends: "nvidia-kernel-common-595-server (>= \(Self.version))",
            script: "depmod \(kernel)",
            files: """
                mkdir -p \(directory)
                cp /run/driver/\(kernel)/*.ko \(directory)
                \(Self.afterRemoval("depmod \(kernel)"))
                """
        )
        try await node.run(["apt-get", "-q", "update"])
    }

    private static func afterRemoval(_ command: String) -> String {
        "printf '#!/bin/sh\\n\(command)\\n' >$root/DEBIAN/postrm; chmod 755 $root/DEBIAN/postrm"
    }

    /// The options for an agent with this `driver.source`.
    func options(_ source: String) throws -> [String] {
        let name = "source-\(source).yaml"
        try node.directory.write(
            name,
            "apiVersion: gpu-agent/v1\nkind: AgentConfig\ndriver: {source: \(source)}\n"
        )
        return ["--config", node.directory.path(name)]
    }

    /// The lines of the record of the packages.
    func recorded() -> [String] {
        (node.text(HostLayout.driverPackages) ?? "").split(separator: "\n").map(String.init)
    }
}
