import Glibc
import NodeModel
import TestSupport
import Testing

/// An agent that installs a driver from packages of the distribution, with the real apt-get and dpkg.
@Suite(.onSimulatedNodes, .having("apt-get", "dpkg-deb"), .timeLimit(.minutes(10)))
struct PrebuiltTests {
    private static let steps: [StepID] = [.begin, .downloadPackages, .driverPackages, .load, .verify, .finish]

    /// Nothing is configured: the kernel rejects modules without a signature, and the node has no compiler.
    @Test func installsAndUninstallsWithSecureBoot() async throws {
        try await PrebuiltRepository.with { prebuilt in
            let node = prebuilt.node
            let before = try await prebuilt.repository.installed()
            try await prebuilt.repository.runOnce()
            try await node.takeFirstLedger()
            let plan = try await node.agent("plan")
            plan.expectExit(0)
            let reason =
                "offers \(PrebuiltRepository.modules) with driver \(PrebuiltRepository.version), and Secure Boot is on"
            #expect(plan.output.contains(reason), "\(plan)")
            try await node.agent("install").expectExit(0)
            let status = try await node.status()
            #expect(status.verdict == "ready", "\(status)")
            #expect(status.decision.action == "adopt" && status.decision.owner == "gpu-agent")
            #expect(try node.journal().steps.map(\.step) == Self.steps)
            #expect(try node.requests().isEmpty)
            let added = PrebuiltRepository.names + ["libnvidia-compute-595-server", "nvidia-kernel-common-595-server"]
            #expect(
                prebuilt.recorded() == added.sorted().map { "add \($0)" }
                    + PrebuiltRepository.names.map { "hold \($0)" }
            )
            let held = try await node.run(["apt-mark", "showhold"]).split(separator: "\n").map(String.init)
            #expect(held == PrebuiltRepository.names)
            #expect(try await node.agent("plan").output.contains("none, because there is nothing to do"))

            let uninstall = try await node.uninstall()
            uninstall.expectExit(0)
            expectSame(try await prebuilt.repository.installed(), before)
            #expect(!node.exists(HostLayout.driverPackages))
            try await node.expectUninstalled(
                apartFrom: namedByUninstall.union(try await node.writtenByApt())
            )
        }
    }

    /// The configuration decides where Secure Boot does not.
    @Test func theConfigurationChoosesTheSource() async throws {
        try await PrebuiltRepository.with(secureBoot: false) { prebuilt in
            let node = prebuilt.node
            func steps(_ source: String) async throws -> [StepID] {
                let options = try prebuilt.options(source) + ["-o", "json"]
                return try await node.agent("plan", options).decoded(as: PrintedPlan.self).steps
                    .map { StepID(rawValue: $0.id) }
            }
            #expect(try await steps("packages") == Self.steps)
            #expect(try await steps("auto") == Self.steps)
            #expect(try await steps("runfile").contains(.download))
            #expect(try await node.agent("plan").output.contains("download NVIDIA-Linux-"))

            // No other branch is taken only because it is prebuilt.
            try await node.run(["sh", "-c", "rm /repo/linux-modules-*"])
            try await prebuilt.repository.add("t-other")
            try await node.run(["apt-get", "-q", "update"])
            #expect(try await steps("auto").contains(.download))
            let install = try await node.agent("install", try prebuilt.options("packages"))
            install.expectExit(1)
            let text = "prebuilt-modules-missing: No repository of the node offers \(PrebuiltRepository.modules)"
            #expect(install.errors.contains(text), "\(install)")

            try await node.run(["sh", "-c", "rm -rf /var/lib/apt/lists/*"])
            #expect(try await steps("packages") == [.packageIndex])
            #expect(try await steps("auto").contains(.download))
            #expect(try node.requests().isEmpty && !node.exists(HostLayout.journal))
            // The new index has no modules either.
            let none = try await node.agent("install", try prebuilt.options("packages"))
            none.expectExit(1)
            #expect(none.errors.contains(text), "\(none)")
            #expect(try node.journal().steps.map(\.step) == [.packageIndex])
        }
    }

    /// The images of many clouds come without an index, and their nodes bootstrap without a person.
    @Test func refreshesAnEmptyIndex() async throws {
        try await PrebuiltRepository.with { prebuilt in
            let node = prebuilt.node
            try await node.run(["sh", "-c", "rm -rf /var/lib/apt/lists/*; mv /repo /away"])
            let plan = try await node.agent("plan")
            plan.expectExit(0)
            #expect(plan.output.contains("refresh the package index of apt-get"), "\(plan)")
            let status = try await node.status()
            #expect(status.verdict == "not-ready" && status.reason == "driver-missing", "\(status)")

            let failed = try await node.agent("install")
            failed.expectExit(1)
            #expect(failed.errors.contains("package-index-failed: "), "\(failed)")
            #expect(failed.errors.contains("apt-get cannot refresh the package index: E: "), "\(failed)")
            #expect(!node.exists(HostLayout.work))

            // The repositories that answer are enough.
            let dead = "echo 'deb [trusted=yes] file:/nowhere ./' >/etc/apt/sources.list.d/dead.list"
            try await node.run(["sh", "-ec", "mv /away /repo; \(dead)"])
            try await node.agent("install").expectExit(0)
            #expect(try await node.status().verdict == "ready")
            #expect(try node.journal().steps.map(\.step) == Self.steps)
        }
    }

    /// The agent and the whole job are killed while dpkg configures the modules.
    @Test(arguments: [true, false])
    func goesOnAfterAKillInTheMiddle(_ ofTheJob: Bool) async throws {
        try await PrebuiltRepository.with { prebuilt in
            let node = prebuilt.node
            let before = try await prebuilt.repository.installed()
            let slow = "echo >/run/configuring; while [ -e /run/slow ]; do sleep 0.1; done"
            try await prebuilt.addPackages(script: slow)
            try await node.run(["sh", "-c", "touch /run/slow; apt-get -q update"])
            let killed = try await node.agent("install") { agent in
                try await until("dpkg configures the modules") { node.exists("/run/configuring") }
                kill(agent, SIGKILL)
            }
            #expect(killed.wasKilled, "\(killed)")
            if ofTheJob {
                let job = "\(HostLayout.jobs)/driver-packages-\(PrebuiltRepository.version)/pid"
                let leader = try #require(node.text(job)?.split(separator: " ").first)
                try await node.run(["sh", "-c", "kill -s KILL -- -\(leader)"])
                try await until("the job is gone") { node.processes() == [] }
            }
            try await node.run(["rm", "/run/slow"])
            try await node.agent("install").expectExit(0)
            #expect(try await node.status().verdict == "ready")
            try await node.uninstall().expectExit(0)
            expectSame(try await prebuilt.repository.installed(), before)
        }
    }

    /// The index of the node is older than the repository, which has only a newer version by now.
    @Test func aVersionThatIsGoneChangesNothing() async throws {
        try await PrebuiltRepository.with { prebuilt in
            let node = prebuilt.node
            let before = try await prebuilt.repository.installed()
            try await prebuilt.addPackages(revision: "0ubuntu2")
            let gone = try await node.agent("install")
            gone.expectExit(1)
            let package = "nvidia-utils-595-server=\(PrebuiltRepository.version)-0ubuntu1"
            #expect(gone.errors.contains("prebuilt-modules-missing: No repository has "), "\(gone)")
            #expect(gone.errors.contains(package), "\(gone)")
            #expect(gone.errors.contains("The index of the packages is new."), "\(gone)")
            #expect(gone.errors.contains("takes what the repositories have now"), "\(gone)")
            #expect(try node.journal().steps.map(\.step) == [.begin, .downloadPackages])
            #expect(try await prebuilt.repository.installed() == before)
            #expect(!node.exists(HostLayout.driverPackages))

            try await node.agent("install").expectExit(0)
            #expect(try await node.status().verdict == "ready")
            #expect(try await prebuilt.repository.installed().contains { $0.contains("-0ubuntu2 hold ok installed") })
        }
    }

    /// A driver that runs is not replaced because the configuration names another source.
    @Test func aDriverFromPackagesStays() async throws {
        try await PrebuiltRepository.with(secureBoot: false) { prebuilt in
            let node = prebuilt.node
            try await node.agent("install", try prebuilt.options("auto")).expectExit(0)
            let plan = try await node.agent("plan", try prebuilt.options("runfile"))
            #expect(plan.output.contains("none, because there is nothing to do"), "\(plan)")
            let pinned = try await node.agent("install", try node.options(for: "580.159.04"))
            pinned.expectExit(1)
            #expect(pinned.errors.contains("driver-source-change: This agent installed driver 595.99.02"), "\(pinned)")
            let options = ["-o", "json"] + (try node.options(for: "580.159.04"))
            let status = try await node.agent("status", options).decoded(as: PrintedStatus.self)
            #expect(status.verdict == "ready", "\(status)")
        }
    }
}
