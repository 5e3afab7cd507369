import Catalog
import CoreSupport
import NodeModel
import Planning
import Selection
import Support
import TestSupport
import Testing

@Suite struct PlannerTests {
    private static let grid = DriverTarget(
        kind: .grid,
        version: version("595.91.07"),
        kernelModuleType: .open,
        artifact: .verified("https://example.com/x/NVIDIA-grid.run")
    )
    private static let artifactHash = String(repeating: "cd", count: 32)

    static func version(_ text: String) -> DriverVersion {
        guard let version = DriverVersion(text) else { preconditionFailure("\(text) is no version") }
        return version
    }

    private func install(_ target: DriverTarget = grid) -> Decision {
        Decision(action: .install, driver: target, summary: "install")
    }

    private func adopt(_ version: String, _ kind: DriverKind) -> Decision {
        let target = DriverTarget(kind: kind, version: Self.version(version), kernelModuleType: .open)
        return Decision(action: .adopt, driver: target, owner: .other, summary: "adopt")
    }

    private func record(_ change: (inout InstallRecord) -> Void = { _ in }) -> InstallRecord {
        var record = InstallRecord(
            state: .started,
            kind: .grid,
            version: "595.91.07",
            kernelModuleType: .open,
            kernelRelease: NodeFacts.kernel,
            bootID: "7c1d0b52-90f1-4f0e-9d6b-0c2a55a0f4d1",
            artifactHash: Self.artifactHash
        )
        change(&record)
        return record
    }

    private func journal(_ record: InstallRecord, _ states: [(StepID, StepRecord.State)]) -> Journal {
        Journal(record: record, steps: states.map { StepRecord(step: $0, state: $1, startedAt: Timestamp(1)) })
    }

    /// The command of the job that a step runs.
    private func command(of id: StepID, in plan: Plan) throws -> [String] {
        let step = try #require(plan.steps.first { $0.id == id })
        for case .job(let job) in step.effects { return job.command }
        throw NoJob(step: step)
    }

    private struct NoJob: Error {
        var step: PlannedStep
    }

    private func steps(_ facts: NodeFacts, _ decision: Decision, _ journal: Journal? = nil) -> [StepID] {
        Planner().plan(facts, decision, journal: journal).steps.map(\.id)
    }

    @Test func aFreshInstallHasAllStepsButUnload() {
        let plan = Planner().plan(.rtxProVGPU, install(), journal: nil)
        #expect(plan.steps.map(\.id) == Self.whole)
        #expect(plan.problems.isEmpty && plan.obstacles.isEmpty)
        #expect(plan.steps.allSatisfy { !$0.disrupts && $0.deadlineSeconds > 0 && !$0.changes.isEmpty })
        #expect(plan.steps.allSatisfy { !$0.inverse.isEmpty || $0.changes == "nothing" || $0.id == .finish })
    }

    @Test func theJournalAndTheInstallerGetExactlyThis() throws {
        let steps = Planner().plan(.rtxProVGPU, install(), journal: nil).steps
        var complete = record()
        complete.state = .installed
        complete.keptPackage = "NVIDIA-grid.run"
        let (packages, work) = ("/var/lib/gpu-agent/packages", "/var/lib/gpu-agent/work")
        let other = "/usr/lib/gpu-agent-work"
        let jobs = ["blacklist-595.91.07", "remove-595.91.07", "install-595.91.07"]
        #expect(
            steps.map(\.effects) == [
                [
                    .forgetJobs(jobs), .record(record()), .forgetEarlierSteps, .remove([packages, work, other]),
                    .makeDirectories([packages, work, "/var/log/gpu-agent"]),
                ],
                [
                    .download(
                        Effect.Download(
                            urls: ["https://example.com/x/NVIDIA-grid.run"],
                            directory: packages,
                            fileName: "NVIDIA-grid.run",
                            digest: Checksum(.sha256, Self.artifactHash),
                            size: 400 << 20
                        )
                    ), .makeDirectories([work]),
                ],
                [
                    .makeDirectories([work]),
                    .job(
                        Effect.Job(
                            name: "install-595.91.07",
                            command: [
                                "sh", "\(packages)/NVIDIA-grid.run", "--silent", "-M", "open", "--no-drm",
                                "--log-file-name=/var/log/gpu-agent/nvidia-installer.log", "--tmpdir=\(work)",
                            ],
                            environment: ["TMPDIR": work],
                            log: "/var/log/gpu-agent/nvidia-installer.log",
                            provides: "595.91.07",
                            scratch: work
                        )
                    ),
                ],
                [
                    .run([
                        ["modprobe", "nvidia"], ["modprobe", "nvidia-uvm"], ["modprobe", "nvidia-modeset"],
                        ["nvidia-modprobe", "-u", "-c0"], CreateDeviceNodes.command,
                    ])
                ],
                [.verify],
                [
                    .keepOnly(["NVIDIA-grid.run"], directory: packages), .remove([work, other]), .forgetJobs(jobs),
                    .record(complete),
                ],
            ]
        )
        let codes: [ReasonCode] = [
            .installFailed, .downloadFailed, .installerFailed, .moduleLoadFailed, .installFailed, .installFailed,
        ]
        #expect(steps.map(\.failure.code) == codes)
    }

    /// Where no program can run in `/var/lib`, the installer unpacks itself below `/usr`.
    @Test(arguments: [
        (["/var/lib/gpu-agent", "/tmp"], "/usr/lib/gpu-agent-work"), (["/tmp"], "/var/lib/gpu-agent/work"),
        (["/", "/usr", "/var/lib/gpu-agent"], "/var/lib/gpu-agent/work"),
    ])
    func theInstallerRunsWhereProgramsMay(_ forbidden: [String], _ directory: String) throws {
        let facts = NodeFacts.rtxProVGPU.with { $0.build.noExec = .present(forbidden) }
        let plan = Planner().plan(facts, install(), journal: nil)
        #expect(try command(of: .install, in: plan).last == "--tmpdir=\(directory)")
        let step = try #require(plan.steps.first { $0.id == .install })
        #expect(step.effects.first == .makeDirectories([directory]))
    }

    @Test func dkmsAndTheKernelModuleTypeReachTheInstaller() throws {
        var target = Self.grid
        target.kernelModuleType = .proprietary
        let facts = NodeFacts.rtxProVGPU.with { $0.build.dkms = .present("/usr/sbin/dkms") }
        let command = try command(of: .install, in: Planner().plan(facts, install(target), journal: nil))
        #expect(command[3...4] == ["-M", "proprietary"])
        #expect(command.filter { $0 == "--dkms" }.count == 1)
        #expect(command.allSatisfy { !$0.contains(" ") })
    }

    @Test(arguments: [
        ("595.71.05", KernelModuleType.open, ["-M", "open"]), ("580.159.04", .proprietary, ["-M", "proprietary"]),
        ("560.28.03", .open, ["-M", "open"]), ("550.163.01", .open, ["-m=kernel-open"]),
        ("550.163.01", .proprietary, ["-m=kernel"]), ("515.43.04", .proprietary, ["-m=kernel"]),
        ("470.256.02", .proprietary, []),
    ])
    func saysTheKernelModuleTypeAsThePackageKnowsIt(
        _ version: String,
        _ kernelModuleType: KernelModuleType,
        _ words: [String]
    ) throws {
        var decision = install()
        let artifact = Artifact(urls: ["https://example.com/driver.run"], digest: Checksum(.sha256, "ab"))
        decision.driver = DriverTarget(
            kind: .datacenter,
            version: try #require(DriverVersion(version)),
            kernelModuleType: kernelModuleType,
            artifact: artifact
        )
        let command = try command(of: .install, in: Planner().plan(.h100, decision, journal: nil))
        #expect(Array(command.drop { $0 != "--silent" }.dropFirst().prefix { $0 != "--no-drm" }) == words)
    }

    @Test func aLoadedModuleIsUnloadedBeforeTheInstallerAndThatDisrupts() throws {
        let facts = NodeFacts.rtxProVGPU.with {
            $0.driver = .loaded("580.105.08", .open, kind: .grid, record: .installed)
        }
        let steps = Planner().plan(facts, install(), journal: nil).steps
        #expect(steps.map(\.id) == Self.whole.prefix(2) + [.unload] + Self.whole.dropFirst(2))
        #expect(steps.filter(\.disrupts).map(\.id) == [.unload])
        #expect(
            steps.first { $0.id == .unload }?.effects == [.unloadModules(["nvidia_uvm", "nvidia_modeset", "nvidia"])]
        )
        let more = facts.with {
            $0.driver.loadedModules = .present(["nouveau", "nvidia", "nvidia_drm", "nvidia_modeset", "nvidia_peermem"])
        }
        // Modules that use others come before them.
        let modules = ["nvidia_peermem", "nvidia_drm", "nvidia_modeset", "nvidia"]
        let again = Planner().plan(more, install(), journal: nil).steps
        #expect(again.first { $0.id == .unload }?.effects == [.unloadModules(modules)])
    }

    struct Resume: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var change: @Sendable (inout InstallRecord) -> Void = { _ in }
        var done: [(StepID, StepRecord.State)]
        var moduleFile = true
        var isDamaged = false
        var hasCUDA = true
        var expected: [StepID]
    }

    private static let whole: [StepID] = [.begin, .download, .install, .load, .verify, .finish]

    static let resumes: [Resume] = [
        Resume(testDescription: "begun", done: [(.begin, .done)], expected: Array(whole.dropFirst())),
        Resume(
            testDescription: "downloaded",
            done: [(.begin, .done), (.download, .done)],
            expected: Array(whole.dropFirst())
        ),
        Resume(
            testDescription: "cut off in the installer",
            done: [(.begin, .done), (.download, .done), (.install, .started)],
            expected: Array(whole.dropFirst())
        ),
        Resume(
            testDescription: "the installer failed",
            done: [(.begin, .done), (.install, .failed)],
            expected: Array(whole.dropFirst())
        ),
        Resume(
            testDescription: "installed",
            done: [(.begin, .done), (.install, .done)],
            expected: Array(whole.dropFirst(3))
        ),
        Resume(
            testDescription: "installed, without the library of CUDA",
            done: [(.begin, .done), (.install, .done)],
            hasCUDA: false,
            expected: Array(whole.dropFirst())
        ),
        Resume(
            testDescription: "loading failed",
            done: [(.install, .done), (.load, .failed)],
            expected: Array(whole.dropFirst(3))
        ),
        Resume(
            testDescription: "installed, and the host was made anew",
            done: [(.begin, .done), (.install, .done)],
            moduleFile: false,
            expected: Array(whole.dropFirst())
        ),
        Resume(
            testDescription: "installed, and the module file is damaged",
            done: [(.begin, .done), (.install, .done)],
            isDamaged: true,
            expected: Array(whole.dropFirst())
        ),
        Resume(
            testDescription: "another kernel",
            change: { $0.kernelRelease = "5.15.0-1090-azure" },
            done: [(.install, .done)],
            expected: whole
        ),
        Resume(
            testDescription: "another package",
            change: { $0.artifactHash = "00" },
            done: [(.install, .done)],
            expected: whole
        ),
        Resume(
            testDescription: "another version",
            change: { $0.version = "580.105.08" },
            done: [(.install, .done)],
            expected: whole
        ),
        Resume(
            testDescription: "another kernelModuleType",
            change: { $0.kernelModuleType = .proprietary },
            done: [(.install, .done)],
            expected: whole
        ),
        Resume(
            testDescription: "an install that was finished",
            change: { $0.state = .installed },
            done: [(.install, .done)],
            expected: whole
        ),
    ]

    @Test(arguments: resumes)
    func goesOnWhereTheJournalEnds(_ resume: Resume) {
        let facts = NodeFacts.rtxProVGPU.with { facts in
            guard resume.moduleFile else { return }
            facts.driver = DriverFacts.loaded("595.91.07", .open, kind: .grid).unloaded
            if !resume.hasCUDA { facts.driver.cudaLibrary = .absent }
            if resume.isDamaged { facts.driver.moduleFile = .unreadable(ReadFailure(.malformed, "no ELF file")) }
        }
        #expect(steps(facts, install(), journal(record(resume.change), resume.done)) == resume.expected)
    }

    @Test func aResumedInstallDoesNotUnloadWhatItLoaded() {
        let facts = NodeFacts.rtxProVGPU.with { $0.driver = .loaded("595.91.07", .open, kind: .grid, record: .started) }
        let resumed = journal(record(), [(.install, .done), (.load, .done)])
        #expect(steps(facts, install(), resumed) == Array(Self.whole.dropFirst(3)))
    }

    @Test func whatIsInstalledNeedsNoPreflight() {
        let facts = NodeFacts.rtxProVGPU.with {
            $0.driver = DriverFacts.loaded("595.91.07", .open, kind: .grid).unloaded
            $0.build.compiler = .absent
        }
        let resumed = Planner().plan(facts, install(), journal: journal(record(), [(.install, .done)]))
        #expect(resumed.problems.isEmpty && !resumed.steps.isEmpty)
        #expect(Planner().plan(facts, install(), journal: nil).problems.map(\.code) == [.compilerMissing])
    }

    @Test func anAdoptedDriverIsLoadedWhereSomethingOfItIsMissing() {
        let h100 = adopt("595.71.05", .datacenter)
        #expect(steps(.h100Ready, h100).isEmpty)
        let changes: [(String, (inout DriverFacts) -> Void, [StepID])] = [
            ("not loaded", { $0 = $0.unloaded }, [.load, .verify]),
            ("no nvidia-uvm", { $0.deviceNodes = .present(["nvidiactl", "nvidia0"]) }, [.load, .verify]),
            ("no nvidiactl", { $0.deviceNodes = .present(["nvidia-uvm", "nvidia0"]) }, [.load, .verify]),
            ("no /dev", { $0.deviceNodes = .absent }, [.load, .verify]),
            ("nodes not readable", { $0.deviceNodes = .unreadable(.denied) }, []),
            ("version not readable", { $0.loadedVersion = .unreadable(.denied) }, []),
        ]
        for (name, change, expected) in changes {
            let facts = NodeFacts.h100Ready.with { change(&$0.driver) }
            let plan = Planner().plan(facts, h100, journal: nil)
            #expect(plan.steps.map(\.id) == expected, "\(name)")
            #expect(plan.steps.allSatisfy { !$0.disrupts } && plan.problems.isEmpty)
        }
    }

    @Test func anAdoptedDriverIsNotLoadedWhereAnotherDriverHoldsItsGPUs() {
        var h100 = adopt("595.71.05", .datacenter)
        h100.gpus = [PCIFunction.h100.address]
        // The agent takes the GPUs only for a driver of its own.
        let unloaded = NodeFacts.h100Ready.with {
            $0.driver = $0.driver.unloaded
            $0.driver.record = .absent
        }
        for (driver, code) in [("nova_core", ReasonCode.otherGPUDriver), ("nouveau", .nouveauLoaded)] {
            let held = unloaded.withGPU { $0.kernelDriver = .present(driver) }
            #expect(Planner().plan(held, h100, journal: nil).problems.map(\.code) == [code])
        }
        let free = unloaded.withGPU { $0.kernelDriver = .present("nvidia") }
        #expect(Planner().plan(free, h100, journal: nil).problems.isEmpty)
        // The other GPU of the node can use the driver.
        h100.gpus.append(PCIFunction.h100.at(bus: 7).address)
        let half = unloaded.with { facts in
            var second = PCIFunction.h100.at(bus: 7)
            second.kernelDriver = .present("nova_core")
            facts.pci = .present([.h100, second])
        }
        #expect(Planner().plan(half, h100, journal: nil).problems.isEmpty)
    }

    @Test func doesNothingOnAGoodNode() throws {
        let catalog = try repositoryCatalog()
        for facts in [NodeFacts.rtxProReady, .h100Ready, .noGPU] {
            let decision = Selection(catalog: catalog, policy: Policy()).decide(facts)
            let finished = journal(record { $0.state = .installed }, [(.finish, .done)])
            for journal in [nil, finished] {
                let plan = Planner().plan(facts, decision, journal: journal)
                #expect(plan.steps.isEmpty && plan.obstacles.isEmpty)
            }
        }
    }

    @Test func neitherIdleNorBlockedHasSteps() {
        let problem = Finding(.unknownGPU, observed: "x", expected: "y", remedy: "z")
        let idle = Planner().plan(.noGPU, Decision(action: .idle, summary: "idle"), journal: nil)
        #expect(idle.steps.isEmpty && idle.obstacles.isEmpty)
        let decision = Decision(action: .blocked, driver: Self.grid, summary: "blocked", problems: [problem])
        let blocked = Planner().plan(.rtxProVGPU, decision, journal: nil)
        #expect(blocked.steps.isEmpty && blocked.obstacles == [problem] && blocked.problems.isEmpty)
    }

    @Test func noStepsWithoutTheKernelsRelease() {
        for reading in [Reading<String>.unreadable(.denied), .absent, .skipped("not asked")] {
            let facts = NodeFacts.rtxProVGPU.with { $0.host.kernelRelease = reading }
            let plan = Planner().plan(facts, install(), journal: nil)
            #expect(plan.steps.isEmpty)
            #expect(plan.problems.map(\.code) == [.hostUnreadable])
        }
    }

    @Test func aJournalOfANewerAgentIsAnObstacle() {
        let newer = ReadFailure(.newer, "a newer version of the agent wrote /j: its apiVersion is 'v2'")
        let plan = Planner().plan(.rtxProVGPU.with { $0.driver.record = .unreadable(newer) }, install(), journal: nil)
        #expect(plan.obstacles.map(\.code) == [.installFailed])
        #expect(plan.obstacles.first?.observed.contains("its apiVersion is 'v2'") == true)
        // A node that needs no step keeps its driver.
        let ready = NodeFacts.h100Ready.with { $0.driver.record = .unreadable(newer) }
        let decision = Decision(action: .adopt, driver: Self.grid, summary: "adopt")
        #expect(Planner().plan(ready, decision, journal: nil).obstacles.isEmpty)
        // What is no journal at all is put aside by the install.
        let malformed = NodeFacts.rtxProVGPU.with { $0.driver.record = .unreadable(ReadFailure(.malformed, "x")) }
        #expect(Planner().plan(malformed, install(), journal: nil).obstacles.isEmpty)
    }
}
