import NodeModel
import Planning
import TestSupport
import Testing

/// The fabric manager from a directory with RPM packages, with the real dnf, zypper and rpm.
extension FabricTests {
    private static let place = "/srv/drivers"

    /// Makes the host one of a system, whose repository has the packages for its kernel and for NVLink.
    private static func offer(
        _ system: RPMBundleTests.System,
        on node: SimulatedNode
    ) async throws -> RPMRepository {
        let versions = [driver, "580.167.08"]
        let repository: RPMRepository
        if system.base == "dnf" {
            repository = try await makeRepository(on: node, dnf5: false)
            try await add(.fabricManager, versions, to: repository)
            try await repository.add([
                .init(name: "nvlsm", version: "2025.10.1-1"), .init(name: "infiniband-diags", version: "50.0-1"),
            ])
        } else {
            repository = try await offer(versions, on: node)
            try await node.run(["zypper", "--non-interactive", "removerepo", "never-refreshed"])
        }
        try await repository.add([
            system.package, .init(name: "gcc", version: "11-1"), .init(name: "gcc13", version: "13-1"),
            .init(name: "make", version: "4-1"), .init(name: "rpm", version: "4-1"),
            .init(name: system.base, version: "4-1", fields: ["Requires: t-libc"]),
        ])
        return repository
    }

    /// Makes every repository one whose server only notes that something connected.
    ///
    /// Its process ends with the first connection.
    private static func cutOff(_ node: SimulatedNode) async throws {
        let server = """
            import socket
            server = socket.create_server(("127.0.0.1", 0))
            open("/run/port", "w").write(str(server.getsockname()[1]))
            server.accept()
            open("/run/connected", "w").write("")
            """
        let script = """
            python3 -c "$1" >/dev/null 2>&1 &
            echo $! >/run/listener
            for i in $(seq 100); do [ ! -s /run/port ] || break; sleep 0.1; done
            rm -rf /repo /var/cache/dnf /var/cache/zypp
            sed -i "s,file:///[a-z]*,http://127.0.0.1:$(cat /run/port)/," /etc/yum.repos.d/* /etc/zypp/repos.d/* \
                2>/dev/null || :
            """
        try await node.run(["sh", "-c", script, "sh", server])
    }

    /// Changes the kernel in the index to that of the host.
    ///
    /// It is the one of this machine, for which these systems have no headers.
    private static func claim(_ kernel: String, _ node: SimulatedNode) async throws {
        let command = #"sed -i "s/\(\"kernel\" *: *\"\)$1\"/\1$(uname -r)\"/" "$2""#
        let pattern = kernel.replacing(".", with: "\\.")
        try await node.run(["sh", "-ec", command, "sh", pattern, "\(place)/index.json"])
    }

    @Test(.having("dnf", "zypper", "rpmbuild", "createrepo_c"), arguments: RPMBundleTests.systems)
    func comesFromADirectoryWithRPMPackages(_ system: RPMBundleTests.System) async throws {
        try await Self.withNVSwitch { node in
            let repository = try await Self.offer(system, on: node)
            let mirror = [Programs.agent, "catalog", "mirror", "--to", node.path(Self.place)] + node.choice
            let drivers = ["--driver", "\(Self.driver)/datacenter", "--without-fabric-manager"]
            try await runProgram(mirror + drivers).expectExit(0)
            let kernel = ["--host-pid", "\(node.pid)", "--kernel", system.kernel]
            let none = try await runProgram(mirror + kernel + ["--fabric-packages", "570.211.01"])
            none.expectExit(1)
            let words = "No repository has a fabric manager or IMEX of the version 570.211.01."
            #expect(none.errors.contains(words), "\(none)")
            let made = try await runProgram(mirror + kernel + ["--fabric-packages", Self.driver])
            made.expectExit(0)
            #expect(made.output.contains("nvidia-fabricmanager, nvlsm, infiniband-diags"), "\(made)")
            let files = try await node.run(["ls", "\(Self.place)/kernel-\(system.kernel)"])
            #expect(files.contains("nvidia-fabricmanager-\(Self.driver)-1.noarch.rpm"), "\(files)")
            #expect(files.contains("nvlsm-2025.10.1-1.noarch.rpm") && !files.contains("580.167.08"), "\(files)")

            try await Self.claim(system.kernel, node)
            try await Self.cutOff(node)
            let before = try await repository.installed()
            let requests = try node.requests().count
            try node.directory.write(
                "source.yaml",
                "apiVersion: gpu-agent/v1\nkind: AgentConfig\n"
                    + "driver: {version: \(Self.driver), source: 'file://\(Self.place)'}\n"
            )
            let options = ["--config", node.directory.path("source.yaml")]
            let plan = try await node.agent("plan", options)
            // dnf copies the files to where they stay, and zypper installs them from the directory.
            let step =
                " nvidia-fabricmanager \(Self.driver)-1 with \(system.base) from "
                + "\(Self.place)/kernel-\(system.kernel)"
            #expect(plan.output.contains(step), "\(plan)")
            try await node.agent("install", options).expectExit(0)
            try await node.run(["systemctl", "is-active", "nvidia-fabricmanager"])
            #expect(node.text(HostLayout.fabricPackages)?.hasPrefix("add nvidia-fabricmanager\n") == true)
            #expect(try await node.agent("plan", options).output.contains("none, because there is nothing to do"))
            try await node.uninstall().expectExit(0)
            expectSame(try await repository.installed(), before)
            // Neither the agent nor the package manager asked a server.
            #expect(try node.requests().count == requests)
            #expect(!node.exists("/run/connected"))
            try await node.run(["sh", "-c", "kill $(cat /run/listener)"])
        }
    }
}
