import NodeModel
import Planning
import TestSupport
import Testing

/// The real zypper and rpm with a local repository.
@Suite(.onSimulatedNodes, .having("zypper", "rpmbuild", "createrepo_c"), .timeLimit(.minutes(10)))
struct ZypperTests {
    private static let kernel = "6.4.0-150600.23.25-default"
    private static let headers = "kernel-default-devel=6.4.0-150600.23.25"
    private static let build = "/usr/src/linux-6.4.0-150600.23.25-obj/x86_64/default"
    /// zypper writes it with the first lock, and leaves it empty after the last one.
    private static let locks = "/etc/zypp/locks"

    private static func with(_ body: @escaping @Sendable (RPMRepository) async throws -> Void) async throws {
        try await SimulatedNode.with("h100", set: ["headers=no"]) { node in
            let repository = try await RPMRepository(node, Zypper(), kernel: kernel, build: build)
            try await repository.add(
                ["23.25", "23.30"].flatMap { release in
                    let (version, kernel) = ("6.4.0-150600.\(release).1", "6.4.0-150600.\(release)")
                    let file = "/usr/src/linux-\(kernel)-obj/x86_64/default/include/generated/utsrelease.h"
                    return [
                        RPMRepository.Spec(
                            name: "kernel-default-devel",
                            version: version,
                            fields: ["Provides: multiversion(kernel)", "Requires: kernel-devel = \(version)"],
                            files: [file: "#define UTS_RELEASE \"\(kernel)-default\""],
                            architecture: "x86_64"
                        ),
                        RPMRepository.Spec(name: "kernel-devel", version: version),
                    ]
                }
            )
            try await node.run(["sh", "-c", "zypper --non-interactive addrepo --no-gpgcheck file:///repo test"])
            try await body(repository)
        }
    }

    @Test func addsPackagesAndTakesThemBack() async throws {
        try await Self.with { repository in
            let (packages, node) = (repository.packages, repository.node)
            let before = try await repository.installed()
            let names = [Self.headers, "t-make"]
            // zypper has run on the host, and the directories of the headers are there.
            let directory = "\(Self.build)/include/generated"
            try await node.run([
                "sh", "-ec", "mkdir -p \(directory); zypper -n install t-make; zypper -n remove t-make",
            ])
            try await node.takeFirstLedger()
            try await packages.install(names, headers: Self.headers).expectExit(0)
            let version = "6.4.0-150600.23.25.1"
            let added = [
                "kernel-default-devel-\(version).x86_64", "kernel-devel-\(version).noarch", "t-make-1-1.noarch",
            ]
            #expect(try await repository.installed() == (before + added).sorted())
            #expect(
                packages.recorded() == [
                    "add kernel-default-devel-\(version)", "add kernel-devel-\(version)", "add t-make",
                    "hold \(Self.headers)", "made \(Self.locks)",
                ]
            )
            #expect(try await node.run(["zypper", "locks"]).contains("kernel-default-devel == \(version) "))
            // An update of the whole system does not replace the headers of the running kernel.
            try await node.run(["zypper", "--non-interactive", "update"])
            #expect(try await repository.installed().contains("kernel-default-devel-\(version).x86_64"))
            try await packages.install(names, headers: Self.headers).expectExit(0)

            try await packages.remove().expectExit(0)
            #expect(try await node.run(["zypper", "locks"]).contains("There are no package locks defined."))
            #expect(try await repository.installed() == ["t-libc-1-125.noarch"])
            #expect(!node.exists(PackageNode.record))
            try await node.expectLedger(apartFrom: writtenByStandIns.union(try await node.writtenByZypper()))
        }
    }

    /// An operator had no lock when the agent came, and has one when it goes.
    @Test func theLockOfSomebodyElseStays() async throws {
        try await Self.with { repository in
            let (packages, node) = (repository.packages, repository.node)
            try await packages.install([Self.headers], headers: Self.headers).expectExit(0)
            try await node.run(["zypper", "-n", "addlock", "t-libc"])
            try await packages.remove().expectExit(0)
            let locks = try await node.run(["zypper", "locks"])
            #expect(locks.contains("| t-libc ") && !locks.contains("kernel-default-devel"), "\(locks)")
        }
    }

    @Test func namesThePackageThatNoRepositoryHas() async throws {
        try await Self.with { repository in
            let before = try await repository.installed()
            // The version of another kernel begins with this one, too.
            let name = "kernel-default-devel=6.4.0-150600.23.2"
            let install = try await repository.packages.install([name, "t-make"], headers: name)
            install.expectExit(82)
            #expect(install.error == "No repository has \(name). The index of the packages is new.")
            #expect(try await repository.installed() == before)
        }
    }

    @Test func neverUpgradesAPackage() async throws {
        try await Self.with { repository in
            let before = try await repository.installed()
            for name in ["t-new", "t-gcc"] {
                let install = try await repository.packages.install([name])
                guard install.exitCode != 0 else { continue }
                install.expectExit(83)
                #expect(install.error == "The install would upgrade t-libc.")
            }
            #expect(try await !repository.installed().contains { $0.hasPrefix("t-new") })
            #expect(try await Set(repository.installed()).isSuperset(of: before))
        }
    }

    @Test func waitsForAnotherZypperAndNamesIt() async throws {
        try await Self.with { repository in
            let (packages, node) = (repository.packages, repository.node)
            try await node.run(["touch", "/run/slow"])
            try await packages.start(
                "zypper --non-interactive install t-slow",
                until: "pgrep -f 'sh /var/tmp/rpm-tm[p]'"
            )
            let install = try await packages.install(["t-make"], patience: 2)
            install.expectExit(81)
            let error = try #require(install.error)
            #expect(error.contains("zypper --non-interactive install t-slow"), "\(error)")
            try await node.run(["sh", "-c", "(sleep 2; rm /run/slow) >/dev/null 2>&1 &"])
            let again = try await packages.install(["t-make"])
            again.expectExit(0)
            #expect(again.output.contains("waiting for the package manager: process "))
        }
    }

    /// Another zypper takes the lock after the refresh, before the search or before the look at the transaction.
    @Test(arguments: ["search", "--dry-run"], [true, false])
    func waitsForAZypperThatComesAfterTheRefresh(_ command: String, _ ends: Bool) async throws {
        try await Self.with { repository in
            let holder = """
                touch /run/slow
                /run/real/zypper --non-interactive install t-slow >/dev/null 2>&1 </dev/null &
                for i in $(seq 400); do ! pgrep -f 'sh /var/tmp/rpm-tm[p]' >/dev/null || break; sleep 0.05; done
                \(ends ? "(sleep 2; rm /run/slow) >/dev/null 2>&1 &" : "")
                """
            try await repository.packages.wrap("zypper", at: command, holder)
            let install = try await repository.packages.install(["t-make"], patience: ends ? 60 : 3)
            install.expectExit(ends ? 0 : 81)
            #expect(!repository.node.exists("/run/race"))
            #expect(ends || install.error?.contains("zypper --non-interactive install t-slow") == true, "\(install)")
        }
    }
}
