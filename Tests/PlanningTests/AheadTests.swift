import NodeModel
import Planning
import Selection
import Support
import TestSupport
import Testing

/// When the agent builds its modules for the kernel of the next boot.
@Suite struct AheadTests {
    private static let release = "6.8.0-1099-azure"

    /// A node on which the agent can and should build for the pending kernel.
    private static let waiting = NodeFacts.rtxProVGPU.with {
        $0.driver = .loaded(Installs.version, .open, kind: .grid, record: .installed)
        $0.driver.record = $0.driver.record.map { record in
            var record = record
            record.version = Installs.version
            return record
        }
        $0.host.pendingKernel = kernel()
        $0.build.dkms = .absent
        $0.build.compiler = .present("/usr/bin/cc")
        $0.build.make = .present("/usr/bin/make")
    }

    private static func kernel(
        _ release: String = release,
        module: String? = nil,
        hasModule: Bool = false,
        headers: Bool = true
    ) -> Reading<PendingKernel> {
        let found = hasModule || module != nil
        return .present(
            PendingKernel(release: release, hasModule: found, moduleVersion: module, hasHeaders: headers)
        )
    }

    private static let adopted = Decision(
        action: .adopt,
        driver: DriverVersion(Installs.version).map {
            DriverTarget(kind: .grid, version: $0, kernelModuleType: .open)
        },
        summary: "adopt"
    )

    private func plan(_ facts: NodeFacts, _ decision: Decision = adopted, journal: Journal? = nil) -> Plan {
        Planner().plan(facts, decision, journal: journal)
    }

    private func ahead(_ plan: Plan) -> PlannedStep? { plan.steps.first { $0.id == .buildAhead } }

    @Test func buildsAfterTheDriverIsLoadedAndDisruptsNothing() throws {
        let step = try #require(ahead(plan(Self.waiting)))
        #expect(step == plan(Self.waiting).steps.last)
        #expect(!step.disrupts && !step.changesDriver)
        #expect(step.job == "build-ahead-595.91.07-6.8.0-1099-azure")
        #expect(step.inverse.map(\.id.rawValue) == ["remove-ahead"])
    }

    @Test func aModuleOfAnotherVersionIsReplaced() {
        let stale = Self.waiting.with {
            $0.host.pendingKernel = Self.kernel(module: "580.105.08")
        }
        #expect(ahead(plan(stale)) != nil)
    }

    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var facts: NodeFacts

        init(_ name: String, _ change: (inout NodeFacts) -> Void) {
            testDescription = name
            facts = waiting.with(change)
        }
    }

    static let cases = [
        Case("the running kernel is the newest") { $0.host.pendingKernel = .absent },
        Case("the kernels are not known") { $0.host.pendingKernel = .unreadable(.denied) },
        Case("the kernel has the module") { $0.host.pendingKernel = kernel(module: Installs.version) },
        Case("the kernel has a compressed module") { $0.host.pendingKernel = kernel(hasModule: true) },
        Case("no headers, and an unknown package manager") {
            $0.host.pendingKernel = kernel(headers: false)
            $0.build.packageTools = .absent
        },
        Case("a release that is not a name") { $0.host.pendingKernel = kernel("6.8.0-$(reboot)-azure") },
        Case("DKMS knows the driver") { withDKMS(&$0, version: Installs.version) },
        Case("what DKMS knows cannot be read") {
            withDKMS(&$0, version: Installs.version)
            $0.claims.dkms = .unreadable(.denied)
        },
        Case("no compiler") { $0.build.compiler = .absent },
        Case("no make") { $0.build.make = .absent },
        Case("Secure Boot") { $0.host.secureBoot = .present(true) },
        Case("Secure Boot is not known") { $0.host.secureBoot = .unreadable(.denied) },
        Case("Secure Boot that the running kernel does not enforce") {
            $0.host.secureBoot = .present(true)
            ($0.host.lockdown, $0.host.signatureEnforcement) = (.present(.none), .present(false))
        },
        Case("lockdown") { $0.host.lockdown = .present(.integrity) },
        Case("enforced signatures") { $0.host.signatureEnforcement = .present(true) },
        Case("the driver of another owner") { $0.driver.record = .absent },
        Case("an install that did not end") {
            $0.driver.record = $0.driver.record.map { record in
                var record = record
                record.state = .changing
                return record
            }
        },
        Case("another version is loaded") { $0.driver.loadedVersion = .present("580.105.08") },
        Case("no driver is loaded") { $0.driver.loadedVersion = .absent },
    ]

    private static func withDKMS(_ facts: inout NodeFacts, version: String) {
        facts.build.dkms = .present("/usr/sbin/dkms")
        facts.claims.dkms = .present([DKMSTree(name: "nvidia", version: version, kernels: [])])
    }

    private static let files = ModuleSigning(key: "/root/MOK.priv", certificate: "/root/MOK.der")

    /// What the kernel says about signatures, and whether it trusts the key of the configuration.
    static let signing: [(secureBoot: Reading<Bool>, lockdown: KernelLockdown, isEnrolled: Bool, title: String?)] = [
        (.present(true), .integrity, true, "build and sign the kernel modules"),
        // The next kernel can be stricter than the running one.
        (.present(true), .none, true, "build and sign the kernel modules"),
        (.unreadable(.denied), .integrity, true, "build and sign the kernel modules"),
        (.present(true), .integrity, false, nil), (.present(false), .integrity, true, nil),
        (.present(false), .none, true, "build the kernel modules"),
    ]

    @Test(arguments: signing)
    func signsWithAKeyThatTheKernelTrusts(
        _ secureBoot: Reading<Bool>,
        _ lockdown: KernelLockdown,
        _ isEnrolled: Bool,
        _ title: String?
    ) {
        let facts = Self.waiting.with {
            $0.host.secureBoot = secureBoot
            ($0.host.lockdown, $0.host.signatureEnforcement) = (.present(lockdown), .present(false))
            $0.host.signingKey = .present(SigningKey(files: Self.files, isEnrolled: isEnrolled))
        }
        let step = ahead(plan(facts))
        #expect(step?.title == title.map { "\($0) of driver 595.91.07 for the kernel \(Self.release)" })
        let last: [String]? = step?.effects.lazy.compactMap { effect in
            if case .job(let job) = effect { job.command.suffix(2) } else { nil }
        }.first
        #expect((last == [Self.files.key, Self.files.certificate]) == (title?.contains("sign") ?? false))
    }

    /// DKMS signs with a key of its own.
    @Test func dkmsBuildsNoModulesThatNeedTheKey() {
        let unsigned = Self.withoutHeaders.with { Self.withDKMS(&$0, version: Installs.version) }
        #expect(ahead(plan(unsigned)) != nil)
        let signed = unsigned.with {
            $0.host.secureBoot = .present(true)
            $0.host.signingKey = .present(SigningKey(files: Self.files, isEnrolled: true))
        }
        #expect(ahead(plan(signed)) == nil)
        #expect(plan(signed).aheadProblem?.contains("DKMS signs with a key of its own") == true)
    }

    /// DKMS came to the host after the driver, so it does not know this driver.
    @Test func buildsBesideADKMSThatDoesNotKnowTheDriver() {
        #expect(ahead(plan(Self.waiting.with { $0.build.dkms = .present("/usr/sbin/dkms") })) != nil)
        #expect(ahead(plan(Self.waiting.with { Self.withDKMS(&$0, version: "580.105.08") })) != nil)
    }

    @Test(arguments: cases)
    func buildsNothing(_ row: Case) {
        #expect(ahead(plan(row.facts)) == nil)
    }

    /// The pods of a node that works need its disk.
    @Test(arguments: [("/usr", 200), ("/var/lib", 300)])
    func aBuildThatWouldFillADiskIsNotBegun(_ path: String, _ free: Int) {
        let full = Self.waiting.with {
            $0.build.freeSpace = [FreeSpace(path: path, mebibytes: .present(free), fileSystem: "1")]
        }
        let plan = plan(full)
        #expect(ahead(plan) == nil)
        #expect(plan.aheadProblem == "There is no space for the kernel modules: \(path) has \(free) MiB of free space.")
        let room = Self.waiting.with {
            $0.build.freeSpace = [FreeSpace(path: path, mebibytes: .present(2 * free), fileSystem: "1")]
        }
        #expect(ahead(self.plan(room)) != nil)
    }

    @Test func aFailedBuildIsNotRepeatedForTheSameKernelAndDriver() throws {
        let step = try #require(ahead(plan(Self.waiting)))
        var journal = Journal(record: Self.waiting.driver.record.value)
        journal.begin(step, at: Timestamp(1))
        #expect(ahead(plan(Self.waiting, journal: journal)) != nil)
        let failure = Finding(.buildAheadFailed, observed: "cc: error.", expected: "", remedy: .none)
        journal.end(step.id, at: Timestamp(2), failure: failure)
        #expect(journal.failure == nil)
        let failed = plan(Self.waiting, journal: journal)
        #expect(ahead(failed) == nil && failed.aheadProblem == "cc: error.")
        let newer = Self.waiting.with { $0.host.pendingKernel = Self.kernel("6.8.0-1100-azure") }
        #expect(ahead(plan(newer, journal: journal)) != nil)
        #expect(plan(newer, journal: journal).aheadProblem == nil)
    }

    // The headers

    private static let withoutHeaders = waiting.with {
        $0.host.pendingKernel = kernel(headers: false)
        $0.host.osRelease = .present(OSRelease(id: "ubuntu", versionID: "22.04", prettyName: nil))
        $0.build.packageTools = .present(["apt-get"])
    }

    @Test func installsMissingHeadersBeforeTheBuild() throws {
        let steps = plan(Self.withoutHeaders).steps
        #expect(steps.suffix(2).map(\.id) == [.headersAhead, .buildAhead])
        let step = try #require(steps.first { $0.id == .headersAhead })
        #expect(step.title == "install linux-headers-6.8.0-1099-azure with apt-get for the next boot")
        #expect(!step.disrupts && !step.changesDriver)
        #expect(step.job == "headers-ahead-595.91.07-6.8.0-1099-azure")
        guard case .job(let job) = step.effects.first(where: { $0.kind == "job" }) else {
            Issue.record("no job")
            return
        }
        // The record is the one of the packages for the build, and the running kernel keeps its headers.
        #expect(job.command.suffix(2) == ["linux-headers-6.8.0-1099-azure", "linux-headers-6.8.0-1099-azure"])
        #expect(job.command.contains(HostLayout.buildPackages))
        #expect(job.environment["GPU_AGENT_AHEAD"] == "yes")
    }

    @Test func aConfigurationCanForbidTheHeaders() {
        for planner in [Planner(buildPackages: false), Planner(source: .directory("/mnt"))] {
            #expect(planner.plan(Self.withoutHeaders, Self.adopted, journal: nil).steps.isEmpty)
        }
        let full = Self.withoutHeaders.with {
            $0.build.freeSpace = [FreeSpace(path: "/usr", mebibytes: .present(100), fileSystem: "1")]
        }
        let plan = plan(full)
        #expect(plan.steps.isEmpty && plan.aheadProblem?.contains("/usr has 100 MiB") == true)
    }

    /// A node that takes the driver from a directory has no network for the package manager either.
    @Test func aDirectoryCanHaveTheHeaders() throws {
        var bundle = PackageBundle(
            kernel: Self.release,
            system: "ubuntu 22.04",
            architecture: .x86_64,
            names: ["linux-headers-\(Self.release)", "gcc", "make"],
            directory: "kernel-\(Self.release)",
            files: [
                PackageBundle.File(
                    fileName: "linux-headers-\(Self.release)_1_amd64.deb",
                    digest: Checksum(.sha256, String(repeating: "ab", count: 32)),
                    size: 7
                )
            ]
        )
        func plan(_ reading: Reading<PackageBundle>?) -> Plan {
            let facts = Self.withoutHeaders.with { $0.build.bundleAhead = reading }
            return Planner(source: .directory("/mnt/drivers")).plan(facts, Self.adopted, journal: nil)
        }
        let steps = plan(.present(bundle)).steps
        #expect(steps.suffix(2).map(\.id) == [.headersAhead, .buildAhead])
        let step = try #require(steps.first { $0.id == .headersAhead })
        let place = "/mnt/drivers/kernel-\(Self.release)"
        #expect(step.title == "install linux-headers-\(Self.release) with apt-get from \(place) for the next boot")
        let copies = step.effects.filter { if case .copy(let copy) = $0 { copy.source == place } else { false } }
        #expect(copies.count == 1)
        guard case .job(let job) = step.effects.first(where: { $0.kind == "job" }) else {
            Issue.record("no job")
            return
        }
        #expect(job.environment["GPU_AGENT_BUNDLE"] == "\(HostLayout.work)/packages")
        #expect(job.environment["GPU_AGENT_AHEAD"] == "yes")

        bundle.names = ["gcc", "make"]
        for reading in [nil, .absent, .unreadable(.denied), .present(bundle)] as [Reading<PackageBundle>?] {
            #expect(plan(reading).steps.isEmpty)
        }
    }

    /// The driver that runs works, whatever happens to these packages.
    @Test func headersThatAreMissingAreNotAskedForAgain() throws {
        let step = try #require(plan(Self.withoutHeaders).steps.first { $0.id == .headersAhead })
        #expect(step.failure.exits?.map(\.status) == [80, 81, 82, 83, 84, 85, 86])
        #expect(Set(step.failure.exits?.map(\.code) ?? []) == [.buildAheadFailed, .packageManagerBusy])
        func journal(_ code: ReasonCode) -> Journal {
            var journal = Journal(record: Self.waiting.driver.record.value)
            journal.begin(step, at: Timestamp(1))
            let failure = Finding(code, observed: "No repository has it.", expected: "", remedy: .none)
            journal.end(step.id, at: Timestamp(2), failure: failure)
            return journal
        }
        let failed = journal(.buildAheadFailed)
        #expect(failed.failure == nil)
        #expect(plan(Self.withoutHeaders, journal: failed).steps.isEmpty)
        #expect(plan(Self.withoutHeaders, journal: failed).aheadProblem == "No repository has it.")
        // Somebody installed them.
        #expect(ahead(plan(Self.waiting, journal: failed)) != nil)
        let busy = journal(.packageManagerBusy)
        #expect(plan(Self.withoutHeaders, journal: busy).steps.suffix(2).map(\.id) == [.headersAhead, .buildAhead])
    }

    /// The update of the kernel let DKMS build nothing, because it found no headers.
    @Test func letsDKMSBuildWhenTheHeadersWereMissing() throws {
        let facts = Self.withoutHeaders.with { Self.withDKMS(&$0, version: Installs.version) }
        let steps = plan(facts).steps.suffix(2)
        #expect(steps.map(\.id) == [.headersAhead, .buildAhead])
        let (headers, build) = (try #require(steps.first), try #require(steps.last))
        #expect(build.title == "build the kernel modules of driver 595.91.07 for the kernel 6.8.0-1099-azure with DKMS")
        #expect(build.job == "build-ahead-595.91.07-6.8.0-1099-azure")
        guard case .job(let job) = build.effects.first(where: { $0.kind == "job" }) else {
            Issue.record("no job")
            return
        }
        #expect(job.command.suffix(3) == ["595.91.07", "6.8.0-1099-azure", "nvidia"])
        #expect(build.inverse.map(\.id.rawValue) == ["remove-ahead"])

        // An agent that was killed after its headers goes on. A failed build is not repeated.
        let installed = Self.waiting.with { Self.withDKMS(&$0, version: Installs.version) }
        var journal = Journal(record: Self.waiting.driver.record.value)
        journal.begin(headers, at: Timestamp(1))
        #expect(ahead(plan(installed, journal: journal))?.title == build.title)
        journal.end(.headersAhead, at: Timestamp(2))
        #expect(ahead(plan(installed, journal: journal))?.title == build.title)
        let other = installed.with { $0.host.pendingKernel = Self.kernel("6.8.0-1100-azure") }
        #expect(ahead(plan(other, journal: journal)) == nil)
        journal.begin(build, at: Timestamp(3))
        let failure = Finding(.buildAheadFailed, observed: "cc: error.", expected: "", remedy: .none)
        journal.end(.buildAhead, at: Timestamp(4), failure: failure)
        #expect(plan(installed, journal: journal).steps.isEmpty)
        #expect(plan(installed, journal: journal).aheadProblem == "cc: error.")
    }

    /// DKMS stops at a tree without a source, so the headers cannot be configured.
    @Test func removesWhatStopsDKMSAndTriesAgain() throws {
        let knows = Self.withoutHeaders.with {
            Self.withDKMS(&$0, version: Installs.version)
            let own = DKMSTree(name: "nvidia", version: Installs.version, kernels: [])
            let stale = DKMSTree(name: "nvidia", version: "535.54.03", kernels: [], lacksSource: true)
            $0.claims.dkms = .present([own, stale])
        }
        let all: [StepID] = [.staleDKMSAhead, .headersAhead, .buildAhead]
        let first = plan(knows)
        #expect(first.steps.map(\.id) == all)
        #expect(first.steps[0].failure.code == .buildAheadFailed)

        // The headers are unpacked, and not configured.
        var journal = Journal(record: knows.driver.record.value)
        journal.begin(first.steps[1], at: Timestamp(1))
        let failure = Finding(.buildAheadFailed, observed: "dkms: error.", expected: "", remedy: .none)
        journal.end(.headersAhead, at: Timestamp(2), failure: failure)
        let unpacked = knows.with { $0.host.pendingKernel = Self.kernel() }
        #expect(plan(unpacked, journal: journal).steps.map(\.id) == all)
        // Without such a tree, the failure has another cause.
        let healed = unpacked.with { Self.withDKMS(&$0, version: Installs.version) }
        #expect(plan(healed, journal: journal).steps.isEmpty)
        // What cannot be removed is not tried again either.
        journal.begin(first.steps[0], at: Timestamp(3))
        journal.end(.staleDKMSAhead, at: Timestamp(4), failure: failure)
        #expect(plan(unpacked, journal: journal).steps.isEmpty && journal.failure == nil)
        #expect(plan(unpacked, journal: journal).aheadProblem == "dkms: error.")
        // Another tree can be removed.
        let further = unpacked.with {
            let stale = DKMSTree(name: "nvidia", version: "550.54.14", kernels: [], lacksSource: true)
            $0.claims.dkms = $0.claims.dkms.map { $0 + [stale] }
        }
        #expect(plan(further, journal: journal).steps.first?.id == .staleDKMSAhead)

        // DKMS does not know the driver and needs no headers: the agent builds without it.
        let beside = Self.waiting.with {
            $0.build.dkms = .present("/usr/sbin/dkms")
            let stale = DKMSTree(name: "nvidia", version: "535.54.03", kernels: [], lacksSource: true)
            $0.claims.dkms = .present([stale])
        }
        #expect(plan(beside).steps.map(\.id) == [.buildAhead])
    }

    @Test func installsNoHeadersWhenItIsNotKnownWhatDKMSKnows() {
        let unknown = Self.withoutHeaders.with {
            Self.withDKMS(&$0, version: Installs.version)
            $0.claims.dkms = .unreadable(.denied)
        }
        #expect(plan(unknown).steps.isEmpty)
    }

    @Test func anInstallForgetsNoModulesOfAnotherKernel() throws {
        let step = try #require(ahead(plan(Self.waiting)))
        var journal = Journal(record: Self.waiting.driver.record.value)
        journal.begin(step, at: Timestamp(1))
        journal.end(step.id, at: Timestamp(2))
        journal.forgetEarlierSteps(than: .begin)
        #expect(journal.steps.map(\.step) == [.buildAhead])
    }

    @Test func theModulesForAnEarlierKernelCanStillBeRemoved() throws {
        var journal = Journal(record: Self.waiting.driver.record.value)
        for kernel in ["6.8.0-1099-azure", "6.8.0-1100-azure", "6.8.0-1100-azure"] {
            let facts = Self.waiting.with { $0.host.pendingKernel = Self.kernel(kernel) }
            journal.begin(try #require(ahead(plan(facts))), at: Timestamp(1))
            journal.end(.buildAhead, at: Timestamp(2))
        }
        let removals = journal.steps.flatMap { $0.inverse ?? [] }.map(\.title)
        let title = "remove the kernel modules for the kernel 6.8.0"
        #expect(removals == ["\(title)-1100-azure", "\(title)-1099-azure"])
    }

    /// `modprobe -r` needs the files of the modules, which can be those of the running kernel by now.
    @Test func anUninstallUnloadsTheDriverBeforeItRemovesTheModules() throws {
        let step = try #require(ahead(plan(Self.waiting)))
        var journal = Journal(record: Self.waiting.driver.record.value)
        journal.begin(step, at: Timestamp(1))
        journal.end(step.id, at: Timestamp(2))
        let steps = Uninstall(journal: .present(journal), facts: Self.waiting).steps.map(\.id.rawValue)
        let unload = try #require(steps.firstIndex(of: "unload"))
        let remove = try #require(steps.firstIndex(of: "remove-ahead"))
        #expect(unload < remove, "\(steps)")
    }
}
