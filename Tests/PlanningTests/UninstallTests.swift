import FoundationEssentials
import NodeModel
import Planning
import Support
import TestSupport
import Testing

/// Plans to uninstall the driver, from the journal and what the host shows.
@Suite struct UninstallTests {
    /// A node on which the agent's GRID driver 595.91.07 runs.
    private static let installed = NodeFacts.rtxProReady.with {
        $0.driver.loadedModules = .present(["nvidia", "nvidia_modeset", "nvidia_uvm"])
        $0.driver.deviceNodes = .present(["nvidia0", "nvidiactl"])
        $0.claims.deviceUsers = .present([])
        $0.claims.runfile = .present("595.91.07")
    }

    /// A node without a driver.
    private static let bare = NodeFacts.rtxProVGPU.with { $0.claims.deviceUsers = .present([]) }

    /// The journal of a whole install.
    private static func whole(_ facts: NodeFacts = .rtxProVGPU, takesOver: DriverOwner? = nil) -> Journal {
        let plan = Installs.plan(facts, takesOver: takesOver)
        return Installs.journal(plan, steps: plan.steps.count)
    }

    private func plan(_ journal: Reading<Journal>, _ facts: NodeFacts = installed) -> Uninstall {
        Uninstall(journal: journal, facts: facts)
    }

    private func texts(_ plan: Uninstall) -> [String] { plan.left.filter { $0.path == nil }.map(\.what) }

    @Test func undoesAWholeInstall() {
        let plan = plan(.present(Self.whole()))
        #expect(plan.version == "595.91.07" && plan.problems.isEmpty && plan.nothing == nil)
        #expect(plan.steps.map(\.id.rawValue) == ["unload", "uninstall", "verify", "remove-package", "forget"])
        #expect(
            plan.entries.map { $0.undoes?.rawValue } == ["finish", "verify", "load", "install", "download", "begin"]
        )
        let unload: [Effect] = [
            .unloadModules(["nvidia_uvm", "nvidia_modeset", "nvidia"]),
            .remove(["/dev/nvidia0", "/dev/nvidiactl", "/dev/nvidia-caps"]),
        ]
        #expect(plan.steps.first?.effects == unload)
        let jobs = ["blacklist", "download-packages", "driver-packages", "install", "remove", "uninstall"]
            .map { "\($0)-595.91.07" }
        #expect(plan.steps.last?.effects.last == .forgetJobs(jobs))
        #expect(texts(plan) == [])
        #expect(
            plan.left.compactMap(\.path) == [
                HostLayout.journal, HostLayout.jobs, HostLayout.logs, HostLayout.run, "/var/log/nvidia-uninstall.log",
            ]
        )
    }

    /// A later install does not repeat these steps, so it must not forget how to undo them.
    @Test func undoesTheBlacklistOfAnEarlierInstall() {
        let first = Installs.plan(NodeFacts.rtxProVGPU.with { $0.driver.nouveauLoaded = .present(true) })
        #expect(first.steps.map(\.id).contains(.blacklist))
        var journal = Installs.journal(first, steps: first.steps.count)
        let second = Installs.plan(Installs.own)
        for step in second.steps {
            journal.begin(step, at: Timestamp(7))
            if step.effects.contains(.forgetEarlierSteps) { journal.forgetEarlierSteps(than: step.id) }
            journal.end(step.id, at: Timestamp(8))
        }
        #expect(journal.steps.map(\.step).prefix(3) == [.begin, .blacklist, .release])
        #expect(journal.steps.count { $0.step == .download } == 1)
        #expect(plan(.present(journal)).steps.map(\.id).contains(.removeBlacklist))
        // An adoption in between does not forget a step that was cut off either.
        var cut = Journal(record: Self.whole().record)
        cut.begin(first.steps[1], at: Timestamp(1))
        cut.settleCutOffSteps(missingIn: [.load, .verify])
        #expect(cut.steps.map(\.step) == [.blacklist])
    }

    @Test func namesEveryFileThatStays() {
        let found = DriverSurroundings(
            foreignFiles: [OwnFile.deviceRule, OwnFile.blacklist, ModuleParameters.path],
            stateFiles: [
                "build-packages", "gpu-events.json", "gpus.json", "jobs", "journal.json", "journal.json.bad",
                "license-token", "mig-layout.json", "packages", "work",
            ],
            hasUdevRules: true,
            license: LicenseFiles(foreign: [LicenseFiles.tokenPath, LicenseFiles.tokenDirectory + "/other.tok"])
        )
        var journal = Self.whole()
        for step in [WriteDeviceRule().step, WriteLicense(configuration: nil, token: nil, restarts: false).step] {
            journal.begin(step, at: Timestamp(50))
            journal.end(step.id, at: Timestamp(51))
        }
        let plan = plan(.present(journal), Self.installed.with { $0.driver.surroundings = found })
        let paths = plan.left.compactMap(\.path)
        // No step of this journal removes packages for the build, module parameters or a blacklist.
        #expect(
            paths == [
                HostLayout.journal, HostLayout.jobs, HostLayout.buildPackages, HostLayout.gpuEvents,
                HostLayout.seenGPUs, "\(HostLayout.journal).bad", HostLayout.migLayout, HostLayout.logs,
                HostLayout.run,
                "/var/log/nvidia-uninstall.log", OwnFile.deviceRule, LicenseFiles.tokenPath,
            ]
        )
        let layouts = plan.left.first { $0.path == HostLayout.migLayout }
        #expect(layouts?.what == "the MIG layouts of the GPUs, which the agent makes again with the next driver")
        #expect(plan.left.last?.what == "the agent did not write this file")
    }

    @Test func stopsTheServicesOfTheDriverAndSaysSo() throws {
        let facts = Self.installed.with { $0.claims.deviceUsers = .present([.persistenced]) }
        let plan = plan(.present(Self.whole()), facts)
        #expect(plan.problems.isEmpty)
        let unload = try #require(plan.steps.first)
        #expect(unload.effects.first == .stopServices(["nvidia-persistenced.service"]))
        #expect(unload.title.hasPrefix("stop nvidia-persistenced.service, unload the kernel modules"))
        #expect(texts(plan) == ["not started again, because the driver is gone: nvidia-persistenced.service"])
        // An install that takes the uninstall back starts the service.
        var journal = Self.whole()
        journal.uninstall = UninstallRecord(version: plan.version, startedAt: Timestamp(1))
        journal.beginUndo(unload, of: .install, at: Timestamp(2))
        journal.withdrawUninstall()
        #expect(journal.stoppedServices == ["nvidia-persistenced.service"])
        let adoption = Adoption(driver: Self.installed.driver, stoppedServices: journal.stoppedServices)
        #expect(adoption.operations.map(\.id) == [.load, .startServices, .verify])
    }

    /// An operator who wants the driver gone must not be told to install it.
    @Test func noRemedyAsksForAnInstall() {
        let withNouveau = NodeFacts.rtxProVGPU.with {
            $0.driver.nouveauLoaded = .present(true)
            ($0.build.make, $0.build.packageTools) = (.absent, .present(["apt-get"]))
        }
        let journal = Installs.journal(Installs.plan(withNouveau), steps: 20)
        let steps = plan(.present(journal)).steps
        #expect(Set(steps.map(\.id)).isSuperset(of: [.removeBlacklist, .uninstall, .forget]))
        #expect(steps.contains { $0.id.rawValue == "remove-build-packages" })
        for step in steps {
            let remedies = [step.failure.remedy] + (step.failure.exits ?? []).map(\.remedy)
            #expect(remedies.allSatisfy { !$0.contains("gpu-agent install") }, "\(step.id): \(remedies)")
        }
    }

    /// The journal can have lost the step that installed packages for the build.
    @Test func removesPackagesThatOnlyTheirFileLists() throws {
        let packages: (inout NodeFacts) -> Void = {
            $0.build.packageTools = .present(["apt-get"])
            $0.build.buildPackages = .present(["gcc", "make"])
        }
        let plan = plan(.present(Self.whole()), Self.installed.with(packages))
        let ids = ["unload", "uninstall", "verify", "remove-package", "remove-build-packages", "forget"]
        #expect(plan.steps.map(\.id.rawValue) == ids)
        #expect(texts(plan) == ["those packages for the build that other packages need by then: gcc, make"])
        let bare = self.plan(.absent, Self.bare.with(packages))
        #expect(bare.steps.map(\.id.rawValue) == ["remove-build-packages"] && bare.nothing == nil)
        var settled = bare
        settled.settlePackages("Removing gcc\nThese packages stay, because other packages need them: make\n")
        #expect(texts(settled) == ["packages for the build, because other packages need them: make"])
        settled.settlePackages("")
        #expect(texts(settled) == [])
        // A driver of another owner, or an unknown package manager, leaves nothing to do.
        #expect(self.plan(.absent, Installs.foreign.with(packages)).problems.map(\.code) == [.foreignDriver])
        let unknown = self.plan(.absent, Self.bare.with { $0.build.buildPackages = .present(["gcc"]) })
        #expect(unknown.nothing != nil)
    }

    /// The installer loads the modules before the step that loads them begins.
    @Test func unloadsWhatIsLoadedNow() {
        var journal = Self.whole()
        journal.steps.removeAll { [.load, .verify, .finish].contains($0.step) }
        let facts = Self.installed.with {
            $0.driver.loadedModules = .present(["nvidia", "nvidia_drm", "nvidia_modeset", "nvidia_peermem"])
        }
        let names = ["nvidia_peermem", "nvidia_drm", "nvidia_modeset", "nvidia"]
        #expect(plan(.present(journal), facts).steps.first?.effects.first == .unloadModules(names))
        let steps = plan(.present(Self.whole()), Self.bare).steps
        #expect(steps.map(\.id.rawValue) == ["uninstall", "verify", "remove-package", "forget"])
        let unknown = Self.installed.with { $0.driver.loadedModules = .unreadable(ReadFailure(.io, "broken")) }
        let usual: Effect = .unloadModules(["nvidia-modeset", "nvidia-uvm", "nvidia"])
        #expect(plan(.present(Self.whole()), unknown).steps.first?.effects.first == usual)
    }

    @Test func saysWhatAnUpgradeAndATakeoverLeft() {
        let upgraded = texts(plan(.present(Self.whole(Installs.own))))
        #expect(upgraded == ["the driver 580.105.08 is not restored"])
        let taken = texts(plan(.present(Self.whole(Installs.foreign, takesOver: .runfile))))
        #expect(taken == ["the driver of someone who ran NVIDIA's installer is not restored"])
    }

    /// An upgrade that has not changed the host yet is undone, and then the driver that it would have replaced.
    @Test func removesTheFormerDriverAfterAnInterruptedUpgrade() {
        let facts = Installs.own.with { $0.claims.deviceUsers = .present([]) }
        for count in 1...3 {
            let journal = Installs.journal(Installs.plan(Installs.own), steps: count, cutOff: true)
            #expect(journal.record?.state == .started)
            let plan = plan(.present(journal), facts)
            #expect(plan.version == "580.105.08")
            let ids = plan.steps.map(\.id.rawValue)
            #expect(ids.suffix(4) == ["unload", "uninstall", "verify", "forget"], "after \(count) steps")
            #expect(!ids.contains("load"))
            #expect(plan.entries.last?.undoes == nil)
            #expect(plan.steps.last?.effects.contains(.record(nil)) == true)
            #expect(plan.steps.compactMap(\.job) == ["uninstall-580.105.08"])
        }
    }

    /// An earlier version of the agent did not write how to undo its steps.
    @Test func removesADriverThatOnlyTheRecordNames() {
        var journal = Self.whole()
        for index in journal.steps.indices { (journal.steps[index].inverse, journal.steps[index].leaves) = (nil, nil) }
        journal.record?.state = .installed
        let plan = plan(.present(journal))
        #expect(plan.steps.map(\.id.rawValue) == ["unload", "uninstall", "verify", "forget"])
        #expect(texts(plan) == [])
        #expect(Set(plan.entries.compactMap(\.undoes)) == Set(journal.steps.map(\.step)))
    }

    /// An uninstaller removes whatever driver NVIDIA's installer put on the host.
    @Test func leavesADriverThatReplacedTheOwn() {
        let facts = Self.installed.with {
            $0.driver = .loaded("580.105.08", .open, kind: .grid)
            $0.claims.runfile = .present("580.105.08")
        }
        let plan = plan(.present(Self.whole()), facts)
        #expect(plan.steps.map(\.id.rawValue) == ["remove-package", "forget"])
        #expect(texts(plan) == ["driver 580.105.08 stays, because this agent did not install it"])
        #expect(plan.problems.isEmpty)
    }

    @Test func isBlockedWhileAProcessUsesTheDriver() {
        let user = DeviceUser(pid: 4711, command: "python3", nodes: ["nvidia0"])
        let used = Self.installed.with { $0.claims.deviceUsers = .present([user]) }
        let problem = plan(.present(Self.whole()), used).problems.first
        #expect(problem?.code == .driverInUse)
        #expect(problem?.observed.contains("These processes use the driver: python3 (4711; nvidia0).") == true)
        #expect(problem?.remedy.text.hasSuffix("Then run 'gpu-agent uninstall'.") == true)
        // A daemon reads the GPUs for some seconds, which is worth a wait.
        let agent = DeviceUser(pid: 4712, command: "gpu-agent", nodes: ["nvidiactl"])
        for (users, waits) in [
            ([user], false), ([user, agent], false), ([agent], true), ([agent, .persistenced], true),
        ] {
            let facts = Self.installed.with { $0.claims.deviceUsers = .present(users) }
            #expect(plan(.present(Self.whole()), facts).waitsForAgent == waits)
        }
        let hidden = Self.installed.with { $0.claims.deviceUsers = .unreadable(ReadFailure(.permission, "hidepid")) }
        #expect(plan(.present(Self.whole()), hidden).problems.map(\.code) == [.driverInUse])
        // Without a loaded driver, an open device node leads nowhere.
        let unloaded = Self.bare.with { $0.claims.deviceUsers = .present([user]) }
        #expect(plan(.present(Self.whole()), unloaded).problems.isEmpty)
    }

    struct Unusable: Sendable, CustomTestStringConvertible {
        var failure: ReadFailure
        var remedy: String
        var testDescription: String { "\(failure.reason)" }
    }

    @Test(arguments: [
        Unusable(failure: ReadFailure(.newer, "it has a step 'polish'"), remedy: "Use the version of the agent that"),
        Unusable(failure: ReadFailure(.permission, "denied"), remedy: "Run the command as root."),
        Unusable(failure: ReadFailure(.malformed, "not JSON"), remedy: "Examine /var/lib/gpu-agent/journal.json"),
    ])
    func refusesAJournalThatItCannotUse(_ row: Unusable) {
        let plan = plan(.unreadable(row.failure))
        #expect(plan.steps.isEmpty && plan.problems.map(\.code) == [.uninstallFailed])
        #expect(plan.problems.first?.observed.contains(row.failure.detail) == true)
        #expect(plan.problems.first?.remedy.text.hasPrefix(row.remedy) == true)
    }

    @Test func leavesTheDriverOfAnotherOwner() {
        let own = Journal(steps: [StepRecord(step: .load, state: .done, startedAt: Timestamp(1), inverse: [])])
        for journal in [Reading<Journal>.absent, .present(Journal()), .present(own)] {
            let plan = plan(journal, Installs.foreign)
            #expect(plan.steps.isEmpty && plan.problems.map(\.code) == [.foreignDriver])
            let remedy = "Run nvidia-uninstall on the host, or use a node image without a driver."
            #expect(plan.problems.first?.remedy.text == remedy)
        }
    }

    @Test func hasNothingToDoWithoutADriver() {
        let never = plan(.absent, Self.bare)
        #expect(never.nothing == "this agent has not installed a driver on this host")
        var journal = Self.whole()
        journal.uninstall = UninstallRecord(version: "595.91.07", startedAt: Timestamp(1))
        journal.endUninstall(at: Timestamp(2))
        let again = plan(.present(journal), Self.bare)
        #expect(again.nothing == "driver 595.91.07 was uninstalled at 1970-01-01T00:00:02.000Z")
        for plan in [never, again] { #expect(plan.steps.isEmpty && plan.problems.isEmpty && plan.left.isEmpty) }
    }

    /// Each step that is undone leaves the journal, and what remains of the plan is the plan of what remains.
    @Test func goesOnFromEveryStep() {
        for (facts, owner) in [
            (NodeFacts.rtxProVGPU, nil), (Installs.own, nil), (Installs.foreign, DriverOwner.runfile),
        ] {
            var journal = Self.whole(facts, takesOver: owner)
            journal.uninstall = UninstallRecord(version: "595.91.07", startedAt: Timestamp(1))
            let whole = plan(.present(journal), Self.bare)
            var done = 0
            for entry in whole.entries {
                for step in entry.steps {
                    journal.beginUndo(step, of: entry.undoes, at: Timestamp(2))
                    // A kill here repeats the steps of this entry.
                    let again = plan(.present(journal), Self.bare)
                    #expect(again.steps == Array(whole.steps.dropFirst(done)), "\(step.id)")
                    #expect(journal.unfinishedJobs.map(\.name) == [step.job].compactMap(\.self))
                }
                journal.endUndo(of: entry.undoes)
                done += entry.steps.count
                #expect(plan(.present(journal), Self.bare).version == "595.91.07")
            }
            journal.endUninstall(at: Timestamp(3))
            #expect(journal.record == nil && journal.steps.isEmpty && journal.uninstall?.state == .done)
        }
    }
}
