import NodeModel
import Planning
import TestSupport
import Testing

/// The real dnf and rpm with a local repository.
@Suite(.onSimulatedNodes, .having("dnf", "rpmbuild", "createrepo_c"), .timeLimit(.minutes(10)))
struct DnfTests {
    private static let kernel = "5.14.0-427.el9.x86_64"
    private static let headers = "kernel-devel-\(kernel)"

    /// The package with the headers of the kernel `5.14.0-RELEASE.x86_64`.
    static func headers(_ release: String) -> RPMRepository.Spec {
        let kernel = "5.14.0-\(release).x86_64"
        let file = "/usr/src/kernels/\(kernel)/include/generated/utsrelease.h"
        return RPMRepository.Spec(
            name: "kernel-devel",
            version: "5.14.0-\(release)",
            fields: ["Provides: installonlypkg(kernel)"],
            files: [file: "#define UTS_RELEASE \"\(kernel)\""],
            architecture: "x86_64"
        )
    }

    /// Starts a host that has the headers of another kernel.
    private static func with(_ body: @escaping @Sendable (RPMRepository) async throws -> Void) async throws {
        try await SimulatedNode.with("h100", set: ["headers=no"]) { node in
            let build = "/usr/src/kernels/\(kernel)"
            let repository = try await RPMRepository(node, Dnf(), kernel: kernel, build: build)
            try await repository.add(["427.el9", "503.el9"].map(headers))
            try await node.run(["sh", "-c", "rpm -i /repo/x86_64/kernel-devel-5.14.0-503.el9.x86_64.rpm"])
            try await body(repository)
        }
    }

    @Test func addsPackagesAndTakesThemBack() async throws {
        try await Self.with { repository in
            let packages = repository.packages
            let before = try await repository.installed()
            let names = [Self.headers, "t-gcc", "t-make"]
            try await packages.install(names, headers: names[0]).expectExit(0)
            // The newest package needs a newer library, so an older one is installed. Nothing that was there changed.
            let added = ["\(Self.headers)", "t-gcc-11-1.noarch", "t-libc-devel-1-100.noarch", "t-make-1-1.noarch"]
            #expect(try await repository.installed() == (before + added).sorted())
            let recorded = ["add \(Self.headers)", "add t-gcc", "add t-libc-devel", "add t-make"]
            #expect(packages.recorded().filter { $0.hasPrefix("add ") } == recorded)
            try await packages.install(names, headers: names[0]).expectExit(0)

            try await packages.remove().expectExit(0)
            #expect(try await repository.installed() == before)
            #expect(!repository.node.exists(PackageNode.record))
        }
    }

    @Test func whatOthersNeedStays() async throws {
        try await Self.with { repository in
            try await repository.packages.install(["t-gcc", "t-make"]).expectExit(0)
            try await repository.add([.init(name: "t-foreign", version: "1-1", fields: ["Requires: t-gcc"])])
            try await repository.node.run(["sh", "-c", "rpm -i /repo/noarch/t-foreign-1-1.noarch.rpm"])
            let remove = try await repository.packages.remove()
            remove.expectExit(0)
            #expect(
                remove.output.contains("These packages stay, because other packages need them: t-gcc, t-libc-devel\n")
            )
            #expect(try await !repository.installed().contains { $0.hasPrefix("t-make") })
        }
    }

    @Test func namesThePackageThatNoRepositoryHas() async throws {
        try await Self.with { repository in
            let before = try await repository.installed()
            let name = "kernel-devel-5.14.0-1.el9.x86_64"
            let install = try await repository.packages.install([name, "t-make"], headers: name)
            install.expectExit(82)
            #expect(install.error == "No repository has \(name). The index of the packages is new.")
            let bad =
                "printf '[bad]\\nname=bad\\nbaseurl=http://127.0.0.1:9/\\ngpgcheck=0\\n' >/etc/yum.repos.d/bad.repo"
            try await repository.node.run(["sh", "-c", bad])
            let again = try await repository.packages.install([name], headers: name)
            again.expectExit(82)
            let text = "No repository has \(name). The refresh of the package index failed: Error"
            #expect(again.error?.hasPrefix(text) == true, "\(again)")
            #expect(try await repository.installed() == before)
            try await repository.packages.install(["t-make"]).expectExit(0)
        }
    }

    @Test func neverUpgradesAPackage() async throws {
        try await Self.with { repository in
            let before = try await repository.installed()
            let install = try await repository.packages.install(["t-new"])
            install.expectExit(80)
            #expect(install.error?.hasPrefix("dnf cannot install t-new: ") == true, "\(install)")
            #expect(try await repository.installed() == before)
        }
    }

    @Test func neverReplacesAPackage() async throws { try await Self.with(Self.expectNoReplacement) }

    /// A package that is not asked for goes when a new one obsoletes it, although the job excludes it.
    static func expectNoReplacement(_ repository: RPMRepository) async throws {
        try await repository.add([.init(name: "t-obsoletes", version: "1-1", fields: ["Obsoletes: t-libc"])])
        let before = try await repository.installed()
        let install = try await repository.packages.install(["t-obsoletes"])
        install.expectExit(83)
        #expect(install.error == "The install would remove t-libc.")
        #expect(try await repository.installed() == before)
    }

    @Test func waitsForAnotherDnfAndNamesIt() async throws { try await Self.with(Self.expectWait) }

    static func expectWait(_ repository: RPMRepository) async throws {
        let (packages, node) = (repository.packages, repository.node)
        try await node.run(["touch", "/run/slow"])
        try await packages.start("dnf -y install t-slow", until: "pgrep -f 'sh /var/tmp/rpm-tm[p]'")
        let install = try await packages.install(["t-make"], patience: 2)
        install.expectExit(81)
        let error = try #require(install.error)
        // The program is dnf or dnf5.
        let words = ["dnf -y install t-slow", "dnf5 -y install t-slow"]
        #expect(error.hasPrefix("After 2 seconds, process ") && words.contains { error.contains($0) }, "\(error)")
        try await node.run(["sh", "-c", "(sleep 2; rm /run/slow) >/dev/null 2>&1 &"])
        let again = try await packages.install(["t-make"])
        again.expectExit(0)
        #expect(again.output.contains("waiting for the package manager: process "))
    }

    /// Another process takes the lock after the refresh, before the look at the transaction.
    @Test(arguments: [true, false])
    func waitsForAProcessThatComesAfterTheRefresh(_ ends: Bool) async throws {
        try await Self.with { repository in
            // dnf finds the lock of another one by the process ID in this file.
            let lock = "/var/cache/dnf/metadata_lock.pid"
            let holder = "sleep \(ends ? 2 : 300) >/dev/null 2>&1 & echo $! >\(lock)"
            try await repository.packages.wrap("dnf", at: "--assumeno", holder)
            let install = try await repository.packages.install(["t-make"], patience: ends ? 60 : 3)
            install.expectExit(ends ? 0 : 81)
            #expect(!repository.node.exists("/run/race"))
            #expect(ends || install.error?.contains("(sleep 300) holds \(lock)") == true, "\(install)")
        }
    }
}
