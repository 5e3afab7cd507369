import NodeModel
import Planning
import Support
import TestSupport
import Testing

/// The step that installs the packages for the build, in the plan of an install.
@Suite struct BuildPackagesPlanTests {
    private static let bare = NodeFacts.rtxProVGPU.with {
        ($0.build.compiler, $0.build.make, $0.build.headersRelease) = (.absent, .absent, .absent)
        $0.build.packageTools = .present(["apt-get"])
    }

    private static func plan(_ facts: NodeFacts, journal: Journal? = nil, allowed: Bool = true) -> Plan {
        Planner(buildPackages: allowed).plan(facts, Installs.plan(facts).decision, journal: journal)
    }

    private static func job(_ id: StepID, in plan: Plan) throws -> Effect.Job {
        let step = try #require(plan.steps.first { $0.id == id })
        for case .job(let job) in step.effects { return job }
        throw NoJob(id: id)
    }

    private struct NoJob: Error {
        var id: StepID
    }

    @Test func thePackagesComeBeforeTheDownload() throws {
        let plan = Self.plan(Self.bare)
        #expect(plan.problems.isEmpty)
        #expect(plan.steps.map(\.id) == [.begin, .buildPackages, .download, .install, .load, .verify, .finish])
        let step = try #require(plan.steps.first { $0.id == .buildPackages })
        #expect(step.title == "install linux-headers-\(NodeFacts.kernel), gcc, make with apt-get")
        #expect(!step.disrupts && !step.changesDriver && step.leaves == nil)
        #expect(step.inverse.map(\.id) == [.removeBuildPackages])
        #expect(step.job == "build-packages-\(Installs.version)")
        let job = try Self.job(.buildPackages, in: plan)
        #expect(job.command.prefix(2) == ["sh", "-c"])
        #expect(
            job.command.dropFirst(3) == [
                "gpu-agent-packages", NodeFacts.kernel, "900", "/var/lib/gpu-agent/build-packages",
                "linux-headers-\(NodeFacts.kernel)", "linux-headers-\(NodeFacts.kernel)", "gcc", "make",
            ]
        )
        // The files of the job are removed with those of the installer.
        let forgotten = plan.steps.flatMap(\.effects).compactMap { effect in
            if case .forgetJobs(let names) = effect { names.contains(job.name) } else { nil }
        }
        #expect(forgotten == [true, true])
    }

    @Test func aConfigurationCanForbidIt() {
        let plan = Self.plan(Self.bare, allowed: false)
        #expect(!plan.steps.map(\.id).contains(.buildPackages))
        #expect(plan.problems.map(\.code) == [.compilerMissing, .makeMissing, .kernelHeadersMissing])
    }

    /// The package manager would make connections.
    @Test func aNodeWithoutANetworkKeepsItsFindings() {
        let planner = Planner(source: .directory("/mnt/drivers"))
        let plan = planner.plan(Self.bare, Installs.plan(Self.bare).decision, journal: nil)
        #expect(!plan.steps.map(\.id).contains(.buildPackages))
        #expect(plan.problems.map(\.code) == [.compilerMissing, .makeMissing, .kernelHeadersMissing])
    }

    // A directory with packages

    private static let bundle = PackageBundle(
        kernel: NodeFacts.kernel,
        system: "ubuntu 22.04",
        architecture: .x86_64,
        names: ["linux-headers-\(NodeFacts.kernel)", "gcc", "make"],
        directory: "kernel-\(NodeFacts.kernel)",
        files: ["gcc_1_amd64.deb", "make_1_amd64.deb"].map {
            PackageBundle.File(fileName: $0, digest: Checksum(.sha256, String(repeating: "ab", count: 32)), size: 7)
        }
    )

    private static func offline(_ facts: NodeFacts, allowed: Bool = true) -> Plan {
        Planner(source: .directory("/mnt/drivers"), buildPackages: allowed)
            .plan(facts, Installs.plan(facts).decision, journal: nil)
    }

    @Test func aDirectoryCanHaveThePackages() throws {
        let plan = Self.offline(Self.bare.with { $0.build.bundle = .present(Self.bundle) })
        #expect(plan.problems.isEmpty)
        #expect(plan.steps.map(\.id).prefix(3) == [.begin, .buildPackages, .copy])
        let step = try #require(plan.steps.first { $0.id == .buildPackages })
        let place = "/mnt/drivers/kernel-\(NodeFacts.kernel)"
        #expect(step.title == "install linux-headers-\(NodeFacts.kernel), gcc, make with apt-get from \(place)")
        let copies = step.effects.compactMap { effect in
            if case .copy(let copy) = effect { copy } else { nil }
        }
        #expect(copies.map(\.fileName) == Self.bundle.files.map(\.fileName))
        #expect(copies.allSatisfy { $0.source == place && $0.size == 7 })
        #expect(copies.allSatisfy { $0.directory == "\(HostLayout.work)/packages" })
        let job = try Self.job(.buildPackages, in: plan)
        #expect(job.environment["GPU_AGENT_BUNDLE"] == "\(HostLayout.work)/packages")
        // The copies of an interrupted run do not count, and those of this one do not stay.
        let removal = Effect.remove(["\(HostLayout.work)/packages"])
        #expect(step.effects.first == removal && step.effects.last == removal)
    }

    /// The finding names what the directory lacks, and how to fill it.
    @Test func aDirectoryMustHaveAllOfThem() {
        let hint = "'gpu-agent catalog mirror --kernel \(NodeFacts.kernel)'"
        var part = Self.bundle
        part.names.removeLast()
        for reading in [Reading.absent, .present(part), .unreadable(.denied)] {
            let plan = Self.offline(Self.bare.with { $0.build.bundle = reading })
            #expect(!plan.steps.map(\.id).contains(.buildPackages))
            #expect(plan.problems.map(\.code) == [.compilerMissing, .makeMissing, .kernelHeadersMissing])
            #expect(plan.problems.allSatisfy { $0.remedy.text.contains(hint) })
        }
        let forbidden = Self.offline(Self.bare.with { $0.build.bundle = .present(Self.bundle) }, allowed: false)
        #expect(!forbidden.steps.map(\.id).contains(.buildPackages))
        #expect(forbidden.problems.allSatisfy { !$0.remedy.text.contains("mirror") })
        let red = Self.bare.with {
            $0.host.osRelease = .present(OSRelease(id: "rhel", versionID: "9.4", prettyName: nil))
            $0.build.packageTools = .present(["dnf"])
            $0.build.bundle = .present(Self.bundle)
        }
        #expect(Self.offline(red).problems.allSatisfy { $0.remedy.text.contains(hint) })
        let unknown = red.with {
            $0.host.osRelease = .present(OSRelease(id: "alpine", versionID: "3", prettyName: nil))
        }
        #expect(Self.offline(unknown).problems.allSatisfy { !$0.remedy.text.contains("mirror") })
    }

    /// A directory of dnf has the metadata of its repository, too.
    @Test func aDirectoryCanHaveRPMPackages() throws {
        let kernel = "5.14.0-427.el9.x86_64"
        let bundle = PackageBundle(
            kernel: kernel,
            system: "rhel 9.4",
            architecture: .x86_64,
            names: ["kernel-devel-\(kernel)", "gcc", "make", "python3-dnf-plugin-versionlock"],
            directory: "kernel-\(kernel)",
            files: ["gcc-11-1.x86_64.rpm", "repomd.xml", "primary.xml.gz"].map {
                PackageBundle.File(fileName: $0, digest: Checksum(.sha256, String(repeating: "ab", count: 32)), size: 7)
            }
        )
        let plan = Self.offline(
            Self.bare.with {
                $0.host.osRelease = .present(OSRelease(id: "rhel", versionID: "9.4", prettyName: nil))
                $0.host.kernelRelease = .present(kernel)
                $0.build.packageTools = .present(["dnf"])
                $0.build.bundle = .present(bundle)
            }
        )
        let step = try #require(plan.steps.first { $0.id == .buildPackages })
        #expect(step.title.hasSuffix("gcc, make with dnf from /mnt/drivers/kernel-\(kernel)"))
        let copies = step.effects.compactMap { effect in
            if case .copy(let copy) = effect { copy.fileName } else { nil }
        }
        #expect(copies == bundle.files.map(\.fileName))
        #expect(try Self.job(.buildPackages, in: plan).environment["GPU_AGENT_BUNDLE"] == "\(HostLayout.work)/packages")
    }

    @Test func aHostWithoutAKnownPackageManagerKeepsItsFindings() {
        let facts = Self.bare.with { $0.build.packageTools = .absent }
        let plan = Self.plan(facts)
        #expect(!plan.steps.map(\.id).contains(.buildPackages))
        #expect(plan.problems.map(\.code) == [.compilerMissing, .makeMissing, .kernelHeadersMissing])
    }

    @Test func otherObstaclesStay() {
        let plan = Self.plan(Self.bare.with { $0.host.secureBoot = .present(true) })
        #expect(plan.problems.map(\.code) == [.secureBoot])
    }

    @Test func aHostThatHasEverythingGetsNothing() {
        let facts = NodeFacts.rtxProVGPU.with { $0.build.packageTools = .present(["apt-get"]) }
        #expect(!Self.plan(facts).steps.map(\.id).contains(.buildPackages))
    }

    @Test func theModulesAreBuiltWithTheCompilerOfTheKernel() throws {
        let old = NodeFacts.rtxProVGPU.with {
            $0.build.compilerVersion = .present(Compiler(kind: .gcc, version: "11.4.0"))
            $0.build.kernelCompiler = .present(Compiler(kind: .gcc, version: "12.3.0"))
            $0.build.packageTools = .present(["apt-get"])
        }
        let plan = Self.plan(old)
        #expect(plan.problems.isEmpty)
        #expect(try Self.job(.buildPackages, in: plan).command.suffix(1) == ["gcc-12"])
        #expect(try Self.job(.install, in: plan).environment["CC"] == "gcc-12")

        // A host that has it already needs no package, and no permission to install one.
        let both = old.with { $0.build.namedCompiler = .present("/usr/bin/gcc-12") }
        for allowed in [true, false] {
            let plan = Self.plan(both, allowed: allowed)
            #expect(plan.problems.isEmpty && !plan.steps.map(\.id).contains(.buildPackages))
            #expect(try Self.job(.install, in: plan).environment["CC"] == "/usr/bin/gcc-12")
        }
        #expect(Self.plan(old, allowed: false).problems.map(\.code) == [.compilerMismatch])
        #expect(try Self.job(.install, in: Self.plan(NodeFacts.rtxProVGPU)).environment["CC"] == nil)
    }

    /// The journal forgets the steps of an earlier install, but the packages of that install must be undone some time.
    @Test func anUpgradeOfTheDriverKeepsThePackagesInTheJournal() throws {
        let first = Self.plan(Self.bare)
        var journal = Installs.journal(first, steps: first.steps.count)
        journal.record?.state = .installed
        journal.record?.version = "580.105.08"
        let equipped = Installs.own.with { $0.build.packageTools = .present(["apt-get"]) }
        let plan = Self.plan(equipped, journal: journal)
        #expect(plan.steps.map(\.id).prefix(3) == [.begin, .buildPackages, .download])
        let step = try #require(plan.steps.first { $0.id == .buildPackages })
        #expect(step.title == "keep the packages for the build of the kernel modules")
        #expect(step.inverse.map(\.id) == [.removeBuildPackages])
        #expect(try Self.job(.buildPackages, in: plan).command.last == "")
        // Also when the configuration forbids to install more.
        #expect(Self.plan(equipped, journal: journal, allowed: false).steps == plan.steps)
    }

    /// The packages are there, but the job may not have held them yet.
    @Test func anInterruptedStepIsCompleted() {
        let first = Self.plan(Self.bare)
        let equipped = NodeFacts.rtxProVGPU.with { $0.build.packageTools = .present(["apt-get"]) }
        let cutOff = Installs.journal(first, steps: 2, cutOff: true)
        #expect(Self.plan(equipped, journal: cutOff).steps.map(\.id).prefix(2) == [.buildPackages, .download])
        let done = Installs.journal(first, steps: 2)
        #expect(Self.plan(equipped, journal: done).steps.map(\.id).prefix(1) == [.download])
    }

    @Test func theStepAndItsInverseAreKnownAndSurviveAJournal() throws {
        let step = try #require(Self.plan(Self.bare).steps.first { $0.id == .buildPackages })
        #expect(StepID.known.isSuperset(of: [.buildPackages, .removeBuildPackages]))
        let codes = step.failure.exits?.map(\.code)
        #expect(
            codes == [
                .buildPackagesFailed, .packageManagerBusy, .buildPackageMissing, .packageFileMissing,
                .dkmsBuildFailed, .buildPackagesFailed, .kernelHeadersMissing,
            ]
        )
        #expect(Set(step.failure.exits?.map(\.status) ?? []).count == 7)
    }
}
