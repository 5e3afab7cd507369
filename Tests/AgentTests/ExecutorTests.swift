import Catalog
import FoundationEssentials
import Health
import Host
import HostSupport
import NodeModel
import Support
import TestSupport
import Testing

@testable import Agent

/// Executes each effect on a host of scripts.
@Suite(.enabled(if: PrivateHost.isPossible, PrivateHost.reason), .timeLimit(.minutes(3)))
struct ExecutorTests {
    private static let words = StepFailure(.driverRemovalFailed, subject: "the polishing", remedy: "polish by hand")

    private func step(_ effects: Effect..., deadlineSeconds: Int = 30) -> PlannedStep {
        PlannedStep(
            id: StepID(rawValue: "polish"),
            title: "polish",
            changes: "the shine",
            deadlineSeconds: deadlineSeconds,
            effects: effects,
            failure: Self.words
        )
    }

    /// Executes a step, and returns the failure instead of throwing it.
    @discardableResult
    private func perform(
        _ step: PlannedStep,
        on host: ScriptedHost,
        _ journal: inout Journal,
        problem: Finding? = nil,
        sizeLimit: Int = Downloader.usualSizeLimit,
        presence: DriverPresence = .unknown,
        words: ProgressWords = ProgressWords()
    ) async -> AgentFailure? {
        let executor = Executor(
            root: host.inspector.prober.root,
            commands: host.commands,
            downloader: Downloader(sizeLimit: sizeLimit, backoff: .milliseconds(1), patience: 2),
            progress: words.note,
            verify: { _ in problem },
            presence: { _ in presence }
        )
        do throws(AgentFailure) { try await executor.execute(step, &journal) } catch { return error }
        return nil
    }

    @Test func changesTheJournal() async throws {
        try await ScriptedHost.with { host in
            let record = try #require(NodeFacts.h100Ready.driver.record.value)
            var journal = Journal()
            for id in [StepID.load, .verify, StepID(rawValue: "polish")] { journal.begin(id, at: 1) }
            #expect(await perform(step(.record(record), .forgetEarlierSteps), on: host, &journal) == nil)
            #expect(journal.record == record)
            #expect(journal.steps.map(\.step.rawValue) == ["polish"])
            #expect(await perform(step(.record(nil)), on: host, &journal) == nil)
            #expect(journal.record == nil)
        }
    }

    @Test func makesAndRemovesFiles() async throws {
        try await ScriptedHost.with { host in
            var journal = Journal()
            #expect(await perform(step(.makeDirectories(["/var/lib/a/b", "/var/log/c"])), on: host, &journal) == nil)
            try host.tree.write("var/lib/a/b/file", "text")
            let paths = ["/var/lib/a/b/file", "/var/log/c", "/var/lib/nothing"]
            #expect(await perform(step(.remove(paths)), on: host, &journal) == nil)
            #expect(host.tree.exists("var/lib/a/b") && !host.tree.exists("var/lib/a/b/file"))
            #expect(!host.tree.exists("var/log/c"))
            try host.tree.write("var/lib/a/file", "in the way")
            let failure = await perform(step(.makeDirectories(["/var/lib/a/file/b"])), on: host, &journal)
            #expect(failure?.problem.code == .driverRemovalFailed)
            #expect(failure?.problem.observed == "cannot read the attributes of /var/lib/a/file/b: Not a directory")
            #expect(failure?.problem.remedy.text == "polish by hand")
        }
    }

    @Test func fetchesTheRightFileOnly() async throws {
        try await ScriptedHost.with { host in
            var journal = Journal()
            let right = try #require(host.inspector.setup.catalog.drivers.first?.artifact)
            var file = Effect.Download(
                urls: right.urls,
                directory: "/var/lib/here",
                fileName: "driver.run",
                digest: Checksum(.sha256, String(repeating: "0", count: 64)),
                size: nil
            )
            let wrong = await perform(step(.download(file)), on: host, &journal)
            #expect(wrong?.problem.code == .downloadHashMismatch)
            #expect(!host.tree.exists("var/lib/here/driver.run"))
            file.digest = try #require(right.digest)
            let large = await perform(step(.download(file)), on: host, &journal, sizeLimit: 100)
            #expect(large?.problem.observed.contains(" has more than 100 bytes") == true)
            #expect(!host.tree.exists("var/lib/here/driver.run"))
            #expect(await perform(step(.download(file)), on: host, &journal) == nil)
            #expect(try host.tree.text("var/lib/here/driver.run").hasPrefix("#!/bin/sh"))
        }
    }

    /// A module that does not load again keeps nothing else from working.
    @Test func takesAnUnloadBackAsFarAsPossible() async throws {
        try await ScriptedHost.with { host in
            let executor = Executor(
                root: host.inspector.prober.root,
                commands: host.commands,
                downloader: Downloader(),
                progress: { _ in },
                verify: { _ in nil }
            )
            var unload = step(.stopServices(["nvidia-persistenced.service"]), .unloadModules(["nvidia"]))
            var load = step(.run([["modprobe", "gdrdrv"], ["modprobe", "nvidia"]]))
            load.deadlineSeconds = 5
            unload.inverse = [load]
            try host.order("broken-module")
            let problem = await executor.takeBack(unload)
            #expect(problem?.contains("'modprobe gdrdrv' failed") == true, "\(problem ?? "")")
            #expect(problem?.contains("'modprobe nvidia' failed") == true)
            #expect(host.calls("modprobe") == ["gdrdrv", "nvidia"])
            #expect(
                host.calls("systemctl").filter { !$0.hasPrefix("cat") } == ["start nvidia-persistenced.service"]
            )
        }
    }

    @Test func bringsModulesBackWhereOneIsInUse() async throws {
        try await ScriptedHost.with { host in
            var journal = Journal()
            let modules = ["nvidia_uvm", "nvidia_modeset", "nvidia"]
            try host.order("busy-nvidia")
            let failure = await perform(step(.unloadModules(modules)), on: host, &journal)
            #expect(failure?.problem.observed.contains("'modprobe -r nvidia' failed") == true)
            #expect(failure?.problem.observed.contains("Module nvidia is in use") == true)
            #expect(
                host.calls("modprobe") == [
                    "-r nvidia_uvm", "-r nvidia_modeset", "-r nvidia", "nvidia_modeset", "nvidia_uvm",
                ]
            )
            try host.withdraw("busy-nvidia")
            #expect(await perform(step(.unloadModules(modules)), on: host, &journal) == nil)
            #expect(host.calls("modprobe").suffix(3) == ["-r nvidia_uvm", "-r nvidia_modeset", "-r nvidia"])
        }
    }

    /// A module that the new driver does not have is no failure.
    @Test func loadsTheModulesThatWereLoadedBefore() async throws {
        try await ScriptedHost.with { host in
            var journal = Journal()
            let words = ProgressWords()
            journal.unloadedModules = UnloadedModules(["nvidia_drm", "nvidia_peermem"], bootID: "a")
            try host.order("broken-module")
            #expect(await perform(step(.loadModules(["nvidia_drm"])), on: host, &journal, words: words) == nil)
            let start = "noted: nvidia_drm was loaded before, and could not be loaded again: "
            #expect(words.all.count == 1 && words.all.first?.hasPrefix(start) == true, "\(words.all)")
            #expect(journal.unloadedModules == UnloadedModules(["nvidia_drm"], bootID: "a"))
            try host.withdraw("broken-module")
            #expect(await perform(step(.loadModules(["nvidia_drm"])), on: host, &journal, words: words) == nil)
            #expect(journal.unloadedModules == nil && words.all.count == 1)
        }
    }

    /// A node that worked has its services after an attempt that failed.
    @Test func startsServicesAgainWhereAModuleIsInUse() async throws {
        try await ScriptedHost.with { host in
            var journal = Journal()
            let effects: [Effect] = [.stopServices(["nvidia-persistenced.service"]), .unloadModules(["nvidia"])]
            try host.order("busy-nvidia")
            let failure = await perform(step(effects[0], effects[1]), on: host, &journal)
            #expect(failure?.problem.observed.contains("Module nvidia is in use") == true)
            #expect(
                host.calls("systemctl").filter { !$0.hasPrefix("cat") } == [
                    "stop nvidia-persistenced.service", "start nvidia-persistenced.service",
                ]
            )
            try host.order("broken-service")
            let both = await perform(step(effects[0], effects[1]), on: host, &journal)
            #expect(both?.problem.observed.contains("Job for nvidia-persistenced.service failed") == true)
            try host.withdraw("busy-nvidia")
            #expect(await perform(step(effects[0], effects[1]), on: host, &journal) == nil)
            #expect(host.calls("systemctl").last == "stop nvidia-persistenced.service")
            // The package of the former driver had the unit, and a takeover has removed it.
            try host.order("no-unit")
            try host.order("busy-nvidia")
            let gone = await perform(step(effects[0], effects[1]), on: host, &journal)
            #expect(gone?.problem.observed.contains("Module nvidia is in use") == true)
            #expect(host.calls("systemctl").suffix(2).allSatisfy { $0 == "cat nvidia-persistenced.service" })
        }
    }

    @Test func endsWithTheFirstCommandThatFails() async throws {
        try await ScriptedHost.with { host in
            var journal = Journal()
            let commands = [["touch", "/run/first"], ["sh", "-c", "echo no >&2; exit 3"], ["touch", "/run/third"]]
            let failure = await perform(step(.run(commands), .record(nil)), on: host, &journal)
            #expect(failure?.problem.observed.contains("exit status 3: no") == true)
            #expect(host.tree.exists("run/first") && !host.tree.exists("run/third"))
            let missing = await perform(step(.run([["no-such-program"]])), on: host, &journal)
            #expect(missing?.problem.expected == "a command that the agent can start on the host")
            let slow = await perform(step(.run([["sleep", "60"]]), deadlineSeconds: 1), on: host, &journal)
            #expect(slow?.problem.observed.contains("did not end within") == true)
        }
    }

    @Test func saysWhyAJobFailedInTheWordsOfItsStep() async throws {
        try await ScriptedHost.with { host in
            var journal = Journal()
            func job(_ script: String, log: String? = nil) -> PlannedStep {
                step(
                    .job(
                        Effect.Job(name: "polish-1", command: ["sh", "-c", script], environment: ["A": "b"], log: log)
                    )
                )
            }
            #expect(await perform(job("[ $A = b ]"), on: host, &journal) == nil)
            let spoken = await perform(job("echo one; echo two; echo three; exit 4"), on: host, &journal)
            #expect(spoken?.problem.observed == "the polishing exited with status 4: two: three")
            #expect(spoken?.problem.remedy.text == "Read /var/lib/gpu-agent/jobs/polish-1/log on the node.")
            let script = "echo 'ERROR: no  wax' >/var/log/polish.log; echo noise; exit 1"
            let logged = await perform(job(script, log: "/var/log/polish.log"), on: host, &journal)
            #expect(logged?.problem.observed == "the polishing exited with status 1: no wax")
            #expect(logged?.problem.remedy.text == "Read /var/log/polish.log on the node.")
            #expect(await perform(step(.forgetJobs(["polish-1", "polish-2"])), on: host, &journal) == nil)
            #expect(!host.tree.exists("\(HostLayout.jobs)/polish-1"))
        }
    }

    @Test func refusesWhatItDoesNotKnow() async throws {
        try await ScriptedHost.with { host in
            var journal = Journal()
            let failure = await perform(step(.unknown(kind: "transmute"), .record(nil)), on: host, &journal)
            #expect(
                failure?.problem.observed
                    == "This version of the agent does not know the effect 'transmute' of step polish."
            )
            #expect(failure?.problem.remedy.text.contains(HostLayout.journal) == true)
        }
    }

    @Test func takesTheWordOfTheCheck() async throws {
        try await ScriptedHost.with { host in
            var journal = Journal()
            #expect(await perform(step(.verify), on: host, &journal) == nil)
            let problem = Finding(.cudaFailed, observed: "no device", expected: "a device")
            #expect(await perform(step(.verify), on: host, &journal, problem: problem)?.problem == problem)
        }
    }

    /// What is on the host decides whether an installer succeeded, together with its exit status.
    @Test(
        arguments: [
            (0, DriverPresence.complete, nil), (0, .unknown, nil), (1, .complete, nil),
            (0, .incomplete("no module"), "the polishing exited with status 0, but no module"),
            (1, .incomplete("no module"), "the polishing exited with status 1: sorry"),
            (1, .unknown, "the polishing exited with status 1: sorry"),
        ] as [(Int, DriverPresence, String?)]
    )
    func theDriverOnTheHostCounts(_ status: Int, _ presence: DriverPresence, _ observed: String?) async throws {
        try await ScriptedHost.with { host in
            var journal = Journal()
            let words = ProgressWords()
            let script = "touch /var/lib/scratch/file; echo sorry; exit \(status)"
            let job = Effect.Job(
                name: "polish-1",
                command: ["sh", "-c", script],
                provides: "1",
                scratch: "/var/lib/scratch"
            )
            let step = step(.makeDirectories(["/var/lib/scratch"]), .job(job))
            let failure = await perform(step, on: host, &journal, presence: presence, words: words)
            #expect(failure?.problem.observed == observed)
            #expect(host.tree.exists("/var/lib/scratch") == (observed == nil))
            let isNoted = status == 1 && observed == nil
            #expect(
                words.all == (isNoted ? ["noted: the polishing exited with status 1, but the driver is complete"] : [])
            )
            #expect(host.calls("sync").count == (observed == nil || status == 0 ? 1 : 0))
        }
    }

    /// A full disk can cost what the agent does not look for, such as a unit.
    @Test func aDriverOnAFullDiskIsNotComplete() async throws {
        try await ScriptedHost.with { host in
            var journal = Journal()
            let script = "echo 'ERROR: cp: No space left on device'; exit 1"
            let job = Effect.Job(name: "polish-2", command: ["sh", "-c", script], provides: "1")
            let failure = await perform(step(.job(job)), on: host, &journal, presence: .complete)
            #expect(failure?.problem.code == .diskSpace)
        }
    }
}
