import NodeModel
import Planning
import TestSupport
import Testing

/// The real dnf 5 and rpm with a local repository.
///
/// `DnfTests` has the same with dnf 4.
@Suite(.onSimulatedNodes, .having("rpmbuild", "createrepo_c"), .havingDnf5, .timeLimit(.minutes(10)))
struct Dnf5Tests {
    private static let kernel = "5.14.0-427.el9.x86_64"
    private static let headers = "kernel-devel-\(kernel)"
    /// dnf 5 writes it with the first lock, and leaves it empty after the last one.
    static let locks = "/etc/dnf/versionlock.toml"

    /// Starts a host that has the headers of another kernel.
    private static func with(_ body: @escaping @Sendable (RPMRepository) async throws -> Void) async throws {
        try await SimulatedNode.with("h100", set: ["headers=no"]) { node in
            try await node.replaceDnf()
            let build = "/usr/src/kernels/\(kernel)"
            let repository = try await RPMRepository(node, Dnf(), kernel: kernel, build: build)
            try await repository.add(["427.el9", "503.el9"].map(DnfTests.headers))
            try await node.run(["sh", "-c", "rpm -i /repo/x86_64/kernel-devel-5.14.0-503.el9.x86_64.rpm"])
            #expect(try await node.run(["dnf", "--version"]).hasPrefix("dnf5 version 5."))
            try await body(repository)
        }
    }

    @Test func addsPackagesAndTakesThemBack() async throws {
        try await Self.with { repository in
            let (packages, node) = (repository.packages, repository.node)
            let before = try await repository.installed()
            let names = [Self.headers, "t-gcc", "t-make"]
            // dnf has run on the host, and the directories of the headers are there.
            let directory = "/usr/src/kernels/\(Self.kernel)/include/generated"
            try await node.run(["sh", "-ec", "mkdir -p \(directory); dnf -qy install t-make; dnf -qy remove t-make"])
            try await node.takeFirstLedger()
            try await packages.install(names, headers: names[0]).expectExit(0)
            // The newest package needs a newer library, so an older one is installed. Nothing that was there changed.
            let added = [Self.headers, "t-gcc-11-1.noarch", "t-libc-devel-1-100.noarch", "t-make-1-1.noarch"]
            #expect(try await repository.installed() == (before + added).sorted())
            #expect(
                packages.recorded() == [
                    "add \(Self.headers)", "add t-gcc", "add t-libc-devel", "add t-make", "hold \(Self.headers)",
                    "made \(Self.locks)",
                ]
            )
            try await packages.install(names, headers: names[0]).expectExit(0)
            // An update of the whole system brings no other headers.
            try await repository.add([DnfTests.headers("600.el9")])
            try await node.run(["dnf", "-y", "--refresh", "upgrade", "kernel-devel"])
            #expect(try await repository.installed() == (before + added).sorted())

            try await packages.remove().expectExit(0)
            #expect(try await repository.installed() == before)
            #expect(!node.exists(PackageNode.record))
            try await node.expectLedger(apartFrom: writtenByStandIns.union(try await node.writtenByDnf()))
        }
    }

    /// Somebody has a lock on another package, and perhaps a second one on the headers.
    ///
    /// dnf 5 deletes all locks of a name at once.
    @Test(arguments: [false, true])
    func theLocksOfOthersStay(_ isOfHeaders: Bool) async throws {
        try await Self.with { repository in
            let (packages, node) = (repository.packages, repository.node)
            let list = ["dnf", "-q", "versionlock", "list"]
            try await node.run(["dnf", "-q", "versionlock", "add", "t-libc"])
            let before = try await node.run(list)
            try await packages.install([Self.headers], headers: Self.headers).expectExit(0)
            #expect(packages.recorded() == ["add \(Self.headers)", "hold \(Self.headers)"])
            let lock = "Package name: kernel-devel\nevr = 5.14.0-427.el9\n"
            #expect(try await node.run(list).contains(lock))
            if isOfHeaders {
                try await node.run(["sh", "-ec", "printf '%s\\n' \"$1\" >>$2", "sh", Self.foreign, Self.locks])
            }
            let remove = try await packages.remove()
            remove.expectExit(0)
            let left = try await node.run(list)
            if isOfHeaders {
                let words = "The locks of kernel-devel stay, because not all of them are from this agent."
                #expect(remove.output.contains(words), "\(remove)")
                #expect(left.contains("evr = 5.14.0-1.el9"), "\(left)")
            } else {
                #expect(left == before)
            }
        }
    }

    private static let foreign = """

        [[packages]]
        name = "kernel-devel"
        [[packages.conditions]]
        key = "evr"
        comparator = "="
        value = "5.14.0-1.el9"
        """

    /// dnf 5 exits with 0 when a repository does not answer.
    @Test func namesThePackageThatNoRepositoryHas() async throws {
        try await Self.with { repository in
            let (packages, node) = (repository.packages, repository.node)
            let before = try await repository.installed()
            let name = "kernel-devel-5.14.0-1.el9.x86_64"
            let install = try await packages.install([name, "t-make"], headers: name)
            install.expectExit(82)
            #expect(install.error == "No repository has \(name). The index of the packages is new.")
            let bad =
                "printf '[bad]\\nname=bad\\nbaseurl=http://127.0.0.1:9/\\ngpgcheck=0\\n' >/etc/yum.repos.d/bad.repo"
            try await node.run(["sh", "-c", bad])
            let again = try await packages.install([name], headers: name)
            again.expectExit(82)
            let text = "No repository has \(name). The refresh of the package index failed: >>> Curl error (7): "
            #expect(again.error?.hasPrefix(text) == true, "\(again)")
            #expect(try await repository.installed() == before)
            try await packages.install(["t-make"]).expectExit(0)
        }
    }

    /// The first of two mirrors does not answer, which is no failure.
    @Test func theNextMirrorIsEnough() async throws {
        try await Self.with { repository in
            let node = repository.node
            let address = "http://127.0.0.1:\(try await node.serveRepository())/"
            let mirrors = """
                printf 'http://127.0.0.1:9/\\n%s\\n' "$1" >/run/mirrors
                printf '[test]\\nname=test\\nmirrorlist=file:///run/mirrors\\ngpgcheck=0\\n' >/etc/yum.repos.d/test.repo
                """
            try await node.run(["sh", "-ec", mirrors, "sh", address])
            let name = "kernel-devel-5.14.0-1.el9.x86_64"
            let install = try await repository.packages.install([name], headers: name)
            #expect(install.error == "No repository has \(name). The index of the packages is new.", "\(install)")
        }
    }

    @Test func neverUpgradesAPackage() async throws {
        try await Self.with { repository in
            let before = try await repository.installed()
            let install = try await repository.packages.install(["t-new"])
            install.expectExit(80)
            #expect(install.error?.hasPrefix("dnf cannot install t-new: Problem: ") == true, "\(install)")
            #expect(try await repository.installed() == before)
        }
    }

    @Test func neverReplacesAPackage() async throws { try await Self.with(DnfTests.expectNoReplacement) }

    @Test func waitsForAnotherDnfAndNamesIt() async throws { try await Self.with(DnfTests.expectWait) }

    /// Another process takes the lock after the refresh, before the look at the transaction.
    ///
    /// dnf 5 would wait for it without end.
    @Test(arguments: [true, false])
    func waitsForAProcessThatComesAfterTheRefresh(_ ends: Bool) async throws {
        try await Self.with { repository in
            let holder = """
                touch /run/slow
                /run/real/dnf -y install t-slow >/dev/null 2>&1 </dev/null &
                for i in $(seq 400); do ! pgrep -f 'sh /var/tmp/rpm-tm[p]' >/dev/null || break; sleep 0.05; done
                \(ends ? "(sleep 2; rm /run/slow) >/dev/null 2>&1 &" : "")
                """
            try await repository.packages.wrap("dnf", at: "--assumeno", holder)
            let install = try await repository.packages.install(["t-make"], patience: ends ? 60 : 3)
            install.expectExit(ends ? 0 : 81)
            #expect(!repository.node.exists("/run/race"))
            #expect(ends || install.error?.contains("dnf5 -y install t-slow) holds ") == true, "\(install)")
        }
    }
}
