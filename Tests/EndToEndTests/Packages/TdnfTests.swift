import NodeModel
import Planning
import TestSupport
import Testing

/// The script for tdnf, with `TdnfStandIn`.
///
/// Debian has no tdnf. `TdnfTranscriptTests` has the recordings.
@Suite(.onSimulatedNodes, .having("rpmbuild", "createrepo_c"), .timeLimit(.minutes(10)))
struct TdnfTests {
    private static let kernel = "6.6.112.1-2.azl3"
    private static let headers = "kernel-devel-\(kernel)"

    private static func with(_ body: @escaping @Sendable (RPMRepository) async throws -> Void) async throws {
        try await SimulatedNode.with("h100", set: ["headers=no"]) { node in
            let build = "/usr/src/linux-headers-\(kernel)"
            let repository = try await RPMRepository(node, Tdnf(), kernel: kernel, build: build)
            let file = "\(build)/include/generated/utsrelease.h"
            try await repository.add([
                RPMRepository.Spec(
                    name: "kernel-devel",
                    version: kernel,
                    files: [file: "#define UTS_RELEASE \"\(kernel)\""],
                    architecture: "x86_64"
                )
            ])
            try await TdnfStandIn.install(on: node)
            try await body(repository)
        }
    }

    @Test func addsPackagesAndTakesThemBack() async throws {
        try await Self.with { repository in
            let packages = repository.packages
            let before = try await repository.installed()
            // The directories of tdnf and of the headers are there.
            let directories = ["/etc/tdnf", "/usr/src/linux-headers-\(Self.kernel)/include/generated"]
            try await repository.node.run(["mkdir", "-p"] + directories)
            try await repository.node.takeFirstLedger()
            try await packages.install([Self.headers, "t-make"], headers: Self.headers).expectExit(0)
            #expect(packages.recorded() == ["add \(Self.headers)", "add t-make", "hold \(Self.headers)"])
            #expect(repository.node.text(Self.locks) == "kernel-devel\n")
            let added = ["\(Self.headers).x86_64", "t-make-1-1.noarch"]
            #expect(try await repository.installed() == (before + added).sorted())
            try await packages.remove().expectExit(0)
            #expect(try await repository.installed() == before)
            let named = writtenByStandIns.union(try await repository.node.writtenByRPM())
            try await repository.node.expectLedger(apartFrom: named)
        }
    }

    /// tdnf installs no other version of a locked package, so the lock for an earlier kernel must go first.
    ///
    /// It has one version of the headers only, and those that the agent installed for another kernel are not needed any more.
    @Test func theLockFollowsTheKernel() async throws {
        try await Self.with { repository in
            let (packages, node) = (repository.packages, repository.node)
            try await packages.install([Self.headers], headers: Self.headers).expectExit(0)
            try await node.run(["sh", "-c", "echo other >/etc/tdnf/locks.d/other.conf"])
            let next = "6.6.200.1-1.azl3"
            let file = "/usr/src/linux-headers-\(next)/include/generated/utsrelease.h"
            try await repository.add([
                RPMRepository.Spec(
                    name: "kernel-devel",
                    version: next,
                    files: [file: "#define UTS_RELEASE \"\(next)\""],
                    architecture: "x86_64"
                )
            ])
            let link = "mkdir -p /lib/modules/\(next); ln -s /usr/src/linux-headers-\(next) /lib/modules/\(next)/build"
            try await node.run(["sh", "-c", link])
            let other = PackageNode(node: node, installer: Tdnf(), kernel: next)
            let headers = "kernel-devel-\(next)"
            try await other.install([headers], headers: headers).expectExit(0)
            #expect(node.text(Self.locks) == "kernel-devel\n")
            #expect(other.recorded() == ["add \(Self.headers)", "add \(headers)", "hold \(headers)"])
            let installed = try await repository.installed()
            #expect(installed.filter { $0.hasPrefix("kernel-devel") } == ["\(headers).x86_64"])
            try await other.remove().expectExit(0)
            #expect(!node.exists(Self.locks) && node.exists("/etc/tdnf/locks.d/other.conf"))
        }
    }

    /// An operator locked the headers, and keeps the lock.
    @Test func aLockOfSomebodyElseStays() async throws {
        try await Self.with { repository in
            let (packages, node) = (repository.packages, repository.node)
            try await node.run([
                "sh", "-c", "mkdir -p /etc/tdnf/locks.d; echo kernel-devel >/etc/tdnf/locks.d/own.conf",
            ])
            try await packages.install([Self.headers], headers: Self.headers).expectExit(0)
            #expect(packages.recorded() == ["add \(Self.headers)"] && !node.exists(Self.locks))
            try await packages.remove().expectExit(0)
            #expect(node.text("/etc/tdnf/locks.d/own.conf") == "kernel-devel\n")
        }
    }

    /// Headers of another kernel that somebody else installed stay.
    @Test func theHeadersOfSomebodyElseStay() async throws {
        try await Self.with { repository in
            let other = "kernel-devel-6.6.100.1-1.azl3"
            try await repository.add([RPMRepository.Spec(name: "kernel-devel", version: "6.6.100.1-1.azl3")])
            try await repository.node.run(["sh", "-c", "rpm -i /repo/noarch/\(other).noarch.rpm"])
            let install = try await repository.packages.install([Self.headers], headers: Self.headers)
            install.expectExit(83)
            #expect(install.error == "The install would upgrade kernel-devel.")
            #expect(try await repository.installed().contains("\(other).noarch"))
        }
    }

    private static let locks = "/etc/tdnf/locks.d/gpu-agent.conf"

    @Test func namesThePackageThatNoRepositoryHas() async throws {
        try await Self.with { repository in
            let install = try await repository.packages.install(["kernel-devel-6.6.1-1.azl3", "t-make"])
            install.expectExit(82)
            #expect(install.error == "No repository has kernel-devel-6.6.1-1.azl3. The index of the packages is new.")
        }
    }

    @Test func neverUpgradesAPackage() async throws {
        try await Self.with { repository in
            let before = try await repository.installed()
            let install = try await repository.packages.install(["t-new"])
            install.expectExit(83)
            #expect(install.error == "The install would upgrade t-libc.")
            #expect(try await repository.installed() == before)
        }
    }

    /// Another process takes the lock of tdnf after the look at the transaction.
    @Test(arguments: [true, false])
    func theWaitOfAnInstallHasADeadline(_ ends: Bool) async throws {
        try await Self.with { repository in
            let packages = repository.packages
            let lock = "/run/.tdnf-instance-lockfile"
            let waiting = """
                (exec flock \(lock) sleep \(ends ? 13 : 300)) >/dev/null 2>&1 &
                sleep 1
                while ! flock -n \(lock) true; do
                    echo 'WARNING: failed to acquire lock on: /var/run/.tdnf-instance-lockfile, retrying ...' >&2
                    sleep 1
                done
                """
            try await packages.wrap("tdnf", at: "-y", waiting)
            let start = ContinuousClock.now
            let install = try await packages.install(["t-make"], patience: ends ? 60 : 15)
            #expect(ContinuousClock.now - start < .seconds(60))
            install.expectExit(ends ? 0 : 81)
            let holder = "(flock \(lock) sleep \(ends ? 13 : 300)) holds \(lock)"
            #expect(install.output.contains(holder), "\(install)")
            #expect(ends || install.error?.hasPrefix("After 15 seconds, process ") == true, "\(install)")
            #expect(try await repository.installed().contains("t-make-1-1.noarch") == ends)
        }
    }

    /// An install that had to wait for the lock goes on when it has it, as long as it takes.
    @Test func anInstallThatHasTheLockIsNotEnded() async throws {
        try await Self.with { repository in
            let (packages, node) = (repository.packages, repository.node)
            let slow = """
                for second in 1 2 3; do
                    echo 'WARNING: failed to acquire lock on: /var/run/.tdnf-instance-lockfile, retrying ...' >&2
                    sleep 1
                done
                exec 9>/run/.tdnf-instance-lockfile
                flock 9
                sleep 14
                touch /run/finished
                """
            try await packages.wrap("tdnf", at: "-y", slow)
            try await packages.install(["t-make"]).expectExit(0)
            #expect(node.exists("/run/finished"))
        }
    }
}
