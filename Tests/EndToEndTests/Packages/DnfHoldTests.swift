import Glibc
import NodeModel
import Planning
import TestSupport
import Testing

/// How the headers are held with dnf 4, which needs a plugin for it.
///
/// `Dnf5Tests` has the locks of dnf 5.
@Suite(.onSimulatedNodes, .having("dnf", "rpmbuild", "createrepo_c"), .timeLimit(.minutes(10)))
struct DnfHoldTests {
    private static let kernel = "5.14.0-427.el9.x86_64"
    private static let headers = "kernel-devel-\(kernel)"
    private static let next = "5.14.0-600.el9.x86_64"
    private static let plugin = "python3-dnf-plugin-versionlock"
    /// The files of the real plugin, which scripts/setup unpacks: its package conflicts with that of zypper.
    private static let files = "/usr/local/share/gpu-agent-tests/dnf-plugins-core"

    private static func with(_ body: @escaping @Sendable (RPMRepository) async throws -> Void) async throws {
        try await SimulatedNode.with("h100", set: ["headers=no"]) { node in
            let build = "/usr/src/kernels/\(kernel)"
            let repository = try await RPMRepository(node, Dnf(), kernel: kernel, build: build)
            try await repository.add([DnfTests.headers("427.el9")])
            try await body(repository)
        }
    }

    /// A newer kernel comes, and the whole system is updated.
    private static func update(_ repository: RPMRepository) async throws {
        try await repository.add([DnfTests.headers("600.el9")])
        let link = "mkdir -p /lib/modules/\(next); ln -sfn /usr/src/kernels/\(next) /lib/modules/\(next)/build"
        try await repository.node.run(["sh", "-c", "\(link); dnf -y --refresh upgrade"])
    }

    @Test(.enabled("needs the plugin of dnf, which scripts/setup unpacks") { access(files, R_OK) == 0 })
    func installsThePluginThatHolds() async throws {
        try await Self.with { repository in
            let (packages, node) = (repository.packages, repository.node)
            let python = "/usr/lib/python3/dist-packages"
            let paths = [
                "\(python)/dnf-plugins/versionlock.py", "\(python)/dnfpluginscore", "/etc/dnf/plugins/versionlock.conf",
                "/etc/dnf/plugins/versionlock.list",
            ]
            let copies = Dictionary(uniqueKeysWithValues: paths.map { ($0, Self.files + $0) })
            let spec = RPMRepository.Spec(
                name: Self.plugin,
                version: "4.3-1",
                fields: ["AutoReqProv: no"],
                copies: copies
            )
            try await repository.add([spec])
            let before = try await repository.installed()
            let locks = ["dnf", "-q", "-C", "versionlock", "list"]
            try await packages.install([Self.headers, "t-make"], headers: Self.headers).expectExit(0)
            #expect(
                packages.recorded() == [
                    "add \(Self.headers)", "add \(Self.plugin)", "add t-make", "hold \(Self.headers)",
                ]
            )
            #expect(try await node.run(locks) == "kernel-devel-0:5.14.0-427.el9.*\n")
            try await Self.update(repository)
            #expect(try await !repository.installed().contains { $0.contains("600.el9") })

            // An install ahead of a boot that fails leaves the lock of the running kernel.
            let missing = "5.14.0-700.el9.x86_64"
            try await packages.installAhead("kernel-devel-\(missing)", of: missing).expectExit(82)
            #expect(try await node.run(locks) == "kernel-devel-0:5.14.0-427.el9.*\n")

            // Ahead of a boot, both kernels keep their headers.
            try await packages.installAhead("kernel-devel-\(Self.next)", of: Self.next).expectExit(0)
            let both = "kernel-devel-0:5.14.0-427.el9.*\nkernel-devel-0:5.14.0-600.el9.*\n"
            #expect(try await node.run(locks) == both)
            #expect(try await repository.installed().count { $0.hasPrefix("kernel-devel-") } == 2)
            try await packages.remove().expectExit(0)
            let files = try await node.run(["sh", "-c", "cat /etc/dnf/plugins/versionlock.list* 2>/dev/null; true"])
            #expect(files.isEmpty)
            let updated = before.map { $0.replacing("t-libc-1-100", with: "t-libc-1-125") }
            #expect(try await repository.installed() == updated)

            // The lock of somebody else stays, and with it the plugin.
            try await packages.install([Self.headers], headers: Self.headers).expectExit(0)
            try await node.run(["dnf", "-q", "-C", "versionlock", "add", "t-libc"])
            try await packages.remove().expectExit(0)
            #expect(try await node.run(locks) == "t-libc-0:1-125.*\n")
            #expect(try await repository.installed() == (updated + ["\(Self.plugin)-4.3-1.noarch"]).sorted())
        }
    }

    @Test func worksWithoutThePlugin() async throws {
        try await Self.with { repository in
            let packages = repository.packages
            let install = try await packages.install([Self.headers], headers: Self.headers)
            install.expectExit(0)
            let text = "\(Self.headers) will not be held, because dnf cannot install \(Self.plugin).\n"
            #expect(install.output.contains(text))
            #expect(packages.recorded() == ["add \(Self.headers)"])
            try await Self.update(repository)
            #expect(try await repository.installed().contains { $0.contains("600.el9") })
            try await packages.remove().expectExit(0)
            #expect(try await !repository.installed().contains { $0.contains("427.el9") })
        }
    }
}
