import NodeModel
import Planning
import TestSupport
import Testing

/// A directory with the packages for the build of a node with RPM packages and without a network.
///
/// The directory is filled and used by the real dnf, zypper and rpm.
@Suite(.onSimulatedNodes, .having("dnf", "zypper", "rpmbuild", "createrepo_c"), .timeLimit(.minutes(10)))
struct RPMBundleTests {
    /// A system, its kernel and its names of packages.
    struct System: CustomTestStringConvertible, Sendable {
        var testDescription: String
        var release: String
        var installer: any PackageInstaller
        var kernel: String
        var headers: String
        /// The package with the headers and its version, and where its files are.
        var package: RPMRepository.Spec
        var build: String
        /// The packages that are asked for beside the headers.
        var names: [String]
        /// What the package manager itself is and needs, which every node has.
        var base: String
        /// Whether dnf is dnf 5.
        var isDnf5 = false
    }

    static let systems: [System] = {
        var newer = dnf
        (newer.testDescription, newer.isDnf5) = ("dnf 5", true)
        return [dnf, zypper] + (Dnf5.isThere ? [newer] : [])
    }()

    private static let dnf =
        System(
            testDescription: "dnf",
            release: "ID=rocky\\nVERSION_ID=9.4\\n",
            installer: Dnf(),
            kernel: "5.14.0-427.el9.x86_64",
            headers: "kernel-devel-5.14.0-427.el9.x86_64",
            package: DnfTests.headers("427.el9"),
            build: "/usr/src/kernels/5.14.0-427.el9.x86_64",
            names: ["gcc", "make"],
            base: "dnf"
        )

    private static let zypper =
        System(
            testDescription: "zypper",
            release: "ID=sles\\nVERSION_ID=15.6\\n",
            installer: Zypper(),
            kernel: "6.4.0-150600.23.25-default",
            headers: "kernel-default-devel=6.4.0-150600.23.25",
            package: RPMRepository.Spec(
                name: "kernel-default-devel",
                version: "6.4.0-150600.23.25.1",
                fields: ["Provides: multiversion(kernel)"],
                files: [
                    "\(Self.suse)/include/generated/utsrelease.h":
                        "#define UTS_RELEASE \"6.4.0-150600.23.25-default\"",
                    // The kernel was built with a newer gcc than the default one.
                    "\(Self.suse)/.config": "CONFIG_GCC_VERSION=130200",
                ],
                architecture: "x86_64"
            ),
            build: suse,
            names: ["gcc", "make", "gcc13"],
            base: "zypper"
        )
    private static let suse = "/usr/src/linux-6.4.0-150600.23.25-obj/x86_64/default"
    private static let place = "/srv/drivers"

    /// Starts a host with a repository that has the packages for the build.
    private static func with(
        _ system: System,
        _ body: @escaping @Sendable (RPMRepository) async throws -> Void
    ) async throws {
        try await SimulatedNode.with("h100", set: ["headers=no"]) { node in
            if system.isDnf5 { try await node.replaceDnf() }
            let repository = try await RPMRepository(node, system.installer, kernel: system.kernel, build: system.build)
            try await repository.add([
                system.package,
                .init(name: "gcc", version: "11-1", fields: ["Requires: t-libc-devel", "Requires: t-cpp"]),
                .init(name: "gcc13", version: "13-1"), .init(name: "t-cpp", version: "11-1"),
                .init(name: "make", version: "4-1"), .init(name: "rpm", version: "4-1"),
                .init(name: system.base, version: "4-1", fields: ["Requires: t-libc"]),
            ])
            let host = """
                rm -f /etc/os-release; printf "$1" >/etc/os-release
                [ "$2" != zypper ] || zypper --non-interactive addrepo --no-gpgcheck file:///repo test
                """
            try await node.run(["sh", "-ec", host, "sh", system.release, system.base])
            try await body(repository)
        }
    }

    private static func mirror(_ node: SimulatedNode, _ kernel: String) async throws -> Finished {
        let mirror = ["catalog", "mirror", "--to", node.path(place), "--host-pid", "\(node.pid)"] + node.choice
        return try await runProgram([Programs.agent] + mirror + ["--kernel", kernel])
    }

    @Test(arguments: systems)
    func neverChangesALibraryOfTheNode(_ system: System) async throws {
        try await Self.with(system) { repository in
            let (node, packages) = (repository.node, repository.packages)
            let mirrored = try await Self.mirror(node, system.kernel)
            mirrored.expectExit(0)
            #expect(
                mirrored.output.contains("\(system.headers), \(system.names.joined(separator: ", "))"),
                "\(mirrored)"
            )
            #expect(try await node.run(["sh", "-c", "ls -d /var/tmp/gpu-agent-mirror.* 2>/dev/null; true"]).isEmpty)
            let files = try await node.run(["ls", "\(Self.place)/kernel-\(system.kernel)"])
            #expect(files.contains("t-cpp-11-1.noarch.rpm") && files.contains("t-libc-devel-"), "\(files)")
            // What every node has, and what is only recommended.
            #expect(!files.contains("t-libc-1") && !files.contains("t-recommended"), "\(files)")

            // The node has no network and an older library: its repository does not answer and is not in any cache.
            let offline = """
                rm -rf /repo /var/cache/dnf /var/cache/libdnf5 /var/cache/zypp
                sed -i 's,file:///repo,http://127.0.0.1:9/,' /etc/yum.repos.d/* /etc/zypp/repos.d/* 2>/dev/null || :
                """
            try await node.run(["sh", "-c", offline])
            let before = try await repository.installed()
            let names = [system.headers] + system.names
            let install = try await packages.install(names, headers: system.headers, from: Self.place)
            install.expectExit(80)
            #expect(install.error?.hasPrefix("\(system.base) cannot install ") == true, "\(install)")
            #expect(try await repository.installed() == before)
        }
    }

    @Test(arguments: systems)
    func aNodeOfTheSameImageTakesThem(_ system: System) async throws {
        try await Self.with(system) { repository in
            let (node, packages) = (repository.node, repository.packages)
            try await Self.mirror(node, system.kernel).expectExit(0)
            try await node.run(["sh", "-c", "rpm -U /repo/noarch/t-libc-1-125.noarch.rpm"])
            let offline = """
                rm -rf /repo /var/cache/dnf /var/cache/libdnf5 /var/cache/zypp
                sed -i 's,file:///repo,http://127.0.0.1:9/,' /etc/yum.repos.d/* /etc/zypp/repos.d/* 2>/dev/null || :
                """
            try await node.run(["sh", "-c", offline])
            let before = try await repository.installed()
            let names = [system.headers] + system.names
            try await packages.install(names, headers: system.headers, from: Self.place).expectExit(0)
            let added = Set(try await repository.installed()).subtracting(before)
            let expected = ["gcc-11-1", "make-4-1", "t-cpp-11-1", "t-libc-devel-1-125", system.package.name]
            for name in expected { #expect(added.contains { $0.hasPrefix(name) }, "\(name) in \(added)") }
            #expect(added.count == names.count + 2, "\(added)")
            #expect(packages.recorded().contains("add t-cpp"))
            // The configuration of the package manager is what it was.
            #expect(!node.exists("/etc/yum.repos.d/gpu-agent.repo"))
            try await packages.remove().expectExit(0)
            #expect(try await repository.installed() == before)
        }
    }

    @Test(arguments: systems)
    func saysWhatIsMissing(_ system: System) async throws {
        try await Self.with(system) { repository in
            let node = repository.node
            let other = system.kernel.replacing("-427.", with: "-1.").replacing(".23.25", with: ".23.2")
            let failed = try await Self.mirror(node, other)
            failed.expectExit(1)
            #expect(failed.errors.contains("No repository has kernel-"), "\(failed)")
            #expect(!node.exists("\(Self.place)/index.json"))
            try await node.run(["rm", "/usr/bin/createrepo_c"])
            let lacks = try await Self.mirror(node, system.kernel)
            lacks.expectExit(1)
            #expect(lacks.errors.contains("This machine lacks createrepo_c."), "\(lacks)")
        }
    }
}
