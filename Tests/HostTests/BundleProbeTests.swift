import FoundationEssentials
import Glibc
import NodeModel
import Support
import TestSupport
import Testing

@testable import Host

/// Reads the index of a directory for nodes without a network.
@Suite struct BundleProbeTests {
    private let tree: TemporaryDirectory
    private let probe: BundleProbe
    private static let index = "mnt/drivers/index.json"

    init() throws {
        tree = try TemporaryDirectory()
        probe = BundleProbe(root: try HostRoot(tree.path))
    }

    private static let bundle = PackageBundle(
        kernel: NodeFacts.kernel,
        system: "ubuntu 22.04",
        architecture: .x86_64,
        names: ["linux-headers-\(NodeFacts.kernel)", "gcc", "make"],
        directory: "kernel-\(NodeFacts.kernel)",
        files: [
            PackageBundle.File(
                fileName: "gcc_4-12.2.0-3+b1~x_amd64.deb",
                digest: Checksum(.sha256, String(repeating: "ab", count: 32)),
                size: 5216
            )
        ]
    )

    private func write(_ bundles: [PackageBundle], version: String = NodeFacts.currentAPIVersion) throws {
        let builds = try bundles.map { String(decoding: try JSONEncoder().encode($0), as: UTF8.self) }
            .joined(separator: ", ")
        try tree.write(Self.index, "{\"apiVersion\": \"\(version)\", \"packages\": [], \"builds\": [\(builds)]}")
        chmod(tree.path(Self.index), 0o644)
    }

    private func read(_ change: (inout HostFacts) -> Void = { _ in }) async -> Reading<PackageBundle> {
        var host = NodeFacts.h100.host
        change(&host)
        return await probe.bundle(in: "/mnt/drivers", for: host.kernelRelease.value ?? "", on: host)
    }

    @Test func findsThePackagesOfTheKernelAndTheSystem() async throws {
        #expect(await read() == .absent)
        var other = Self.bundle
        other.kernel = "6.8.0-1-azure"
        try write([other, Self.bundle])
        #expect(await read() == .present(Self.bundle))
        #expect(await read { $0.kernelRelease = .present("6.8.0-2-azure") } == .absent)
        #expect(await read { $0.architecture = .present(.aarch64) } == .absent)
        let newer = OSRelease(id: "ubuntu", versionID: "24.04", prettyName: nil)
        #expect(await read { $0.osRelease = .present(newer) } == .absent)
        try write([Self.bundle], version: "gpu-agent/v2")
        #expect(await read() == .absent)
        // An index of an earlier version has no such packages.
        try tree.write(Self.index, "{\"apiVersion\": \"\(NodeFacts.currentAPIVersion)\", \"packages\": []}")
        #expect(await read() == .absent)
    }

    @Test(arguments: ["../../etc/x.deb", ".deb", "a/b.deb", "-o.deb", "x.run", "x.xml.gz.sh", "x y.deb", "x;y.deb", ""])
    func aNameThatLeadsElsewhereIsNotUsed(_ name: String) async throws {
        var bundle = Self.bundle
        bundle.files[0].fileName = name
        try write([bundle])
        #expect(await read().failure?.reason == .malformed)
    }

    /// The packages of SUSE, with the metadata of their repository.
    @Test func rpmPackagesAreSound() async throws {
        var bundle = Self.bundle
        bundle.names = ["kernel-default-devel=6.4.0-150600.23.25", "gcc"]
        for name in ["x-1-1.x86_64.rpm", "repomd.xml", "primary.xml.gz"] {
            bundle.files[0].fileName = name
            try write([bundle])
            #expect(await read() == .present(bundle))
        }
    }

    @Test func whatIsNotSoundIsNotUsed() async throws {
        let changes: [(inout PackageBundle) -> Void] = [
            { $0.directory = ".." }, { $0.names = ["--purge"] }, { $0.files[0].size = -1 },
            { $0.files[0].digest = Checksum(.sha256, "ab") },
            { $0.files = Array(repeating: $0.files[0], count: 501) },
        ]
        for change in changes {
            var bundle = Self.bundle
            change(&bundle)
            try write([bundle])
            #expect(await read().failure?.reason == .malformed)
        }
        try tree.write(Self.index, "{")
        #expect(await read().failure?.reason == .malformed)
    }

    @Test func onlyAnIndexOfRootCounts() async throws {
        try write([Self.bundle])
        chmod(tree.path(Self.index), 0o664)
        #expect(await read().failure?.detail.contains("users other than root can write to it") == true)
        chmod(tree.path(Self.index), 0o644)
        chown(tree.path(Self.index), 1000, 1000)
        #expect(await read().failure?.detail.contains("it belongs to user 1000") == true)
    }

    /// Whoever can write to the directory can exchange the index.
    @Test func onlyADirectoryOfRootCounts() async throws {
        try write([Self.bundle])
        let directory = String(tree.path(Self.index).dropLast("/index.json".count))
        chmod(directory, 0o777)
        #expect(await read().failure?.detail.contains("users other than root can write to it") == true)
        chmod(directory, 0o755)
        #expect(await read().value != nil)
    }
}
