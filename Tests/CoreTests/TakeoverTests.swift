import CoreSupport
import NodeModel
import Planning
import Selection
import Support
import TestSupport
import Testing

/// A driver of another owner that does not fit, and the permission to remove it.
@Suite struct TakeoverTests {
    private static let allowed = Policy(takeover: true)

    /// An H100 with a GRID driver from NVIDIA's installer, which the agent did not run.
    private static let misfit = NodeFacts.h100.with { facts in
        facts.driver = .loaded("580.105.08", .open, kind: .grid)
        facts.claims.runfile = .present("580.105.08")
    }

    private static func packages(_ manager: DriverPackage.Manager, _ names: String...) -> Reading<[DriverPackage]> {
        .present(names.map { DriverPackage(manager: manager, name: $0, version: "580.105.08-1") })
    }

    private func decide(_ facts: NodeFacts, _ policy: Policy = allowed) throws -> Decision {
        Selection(catalog: try fourDriverCatalog(), policy: policy).decide(facts)
    }

    @Test func takesNothingOverWithoutLeave() throws {
        let decision = try decide(Self.misfit, Policy())
        #expect(SelectionCase.Expected(decision) == .foreign)
        let problem = try #require(decision.problems.first)
        #expect(problem.observed.contains("Its owner is someone who ran NVIDIA's installer."))
        #expect(
            problem.remedy.text.contains("nvidia-uninstall") && problem.remedy.text.contains("driver.takeover: true")
        )
    }

    @Test func takesOverWhatNobodyUses() throws {
        let decision = try decide(Self.misfit)
        #expect(SelectionCase.Expected(decision) == .install(Driver.datacenter595))
        #expect(decision.takesOver == .runfile)
        #expect(decision.evidence.contains { $0.source == "config" && $0.statement.hasSuffix("(driver.takeover).") })
        #expect(
            decision.evidence.contains { $0.statement.hasPrefix("There is no way back: when the new driver fails") }
        )
        let plan = Planner().plan(Self.misfit, decision, journal: nil)
        #expect(plan.steps.prefix(5).map(\.id) == [.begin, .download, .unload, .remove, .install])
        let remove = try #require(plan.steps.first { $0.id == .remove })
        guard case .job(let job) = remove.effects.last else { throw Unexpected() }
        #expect(remove.effects.count == 2 && job.name == "remove-595.71.05")
        #expect(job.environment == ["TMPDIR": "/var/lib/gpu-agent/work"])
        #expect(job.command.last?.contains("|| ! nvidia-uninstall --silent\n") == true)
        #expect(remove.failure.code == .driverRemovalFailed && remove.failure.subject == "nvidia-uninstall")
        #expect(remove.inverse.isEmpty && remove.leaves?.contains("NVIDIA's installer") == true)
        #expect(remove.disrupts)
        let begin = plan.steps[0].effects
        guard case .record(let record?) = begin.first(where: { $0.kind == "record" }) else { throw Unexpected() }
        #expect(record.takesOver == .runfile)
    }

    private struct Unexpected: Error {}

    @Test func takesNothingOverThatIsInUse() throws {
        let facts = Self.misfit.with {
            $0.claims.deviceUsers = .present([DeviceUser(pid: 4711, command: "dcgm", nodes: ["nvidia0"])])
        }
        let decision = try decide(facts)
        #expect(SelectionCase.Expected(decision) == .blocked(.driverInUse))
        #expect(decision.owner == .runfile)
        #expect(decision.problems.first?.observed.contains("dcgm (4711; nvidia0)") == true)
    }

    @Test(arguments: [.unreadable(.denied), .skipped("no process was looked at"), .absent] as [Reading<[DeviceUser]>])
    func takesNothingOverThatMayBeInUse(_ users: Reading<[DeviceUser]>) throws {
        let decision = try decide(Self.misfit.with { $0.claims.deviceUsers = users })
        #expect(SelectionCase.Expected(decision) == .blocked(.driverInUse))
    }

    @Test func takesNothingOverThatItCannotRemove() throws {
        for owner in [
            Self.misfit.with { $0.claims.runfile = .absent },
            Self.misfit.with {
                $0.claims.runfile = .absent
                $0.claims.dkms = .present([DKMSTree(name: "nvidia", version: "580.105.08", kernels: [])])
            },
            Self.misfit.with {
                $0.host.osRelease = .present(OSRelease(id: "bottlerocket", versionID: "1", prettyName: nil))
                $0.claims.packages = Self.packages(.rpm, "nvidia-linux-grid-580")
            },
        ] {
            #expect(SelectionCase.Expected(try decide(owner)) == .foreign)
        }
    }

    /// A node image with one driver, and a boot that installs another driver.
    @Test func twoDriversStandSideBySideWithTheirOwners() throws {
        let facts = NodeFacts.rtxProVGPU.with {
            $0.driver = .loaded("570.211.01", .proprietary, kind: .grid)
            let library = LibraryFile(path: "/usr/lib/libcuda.so.580.159.04", version: "580.159.04")
            ($0.driver.cudaLibrary, $0.driver.nvmlLibrary) = (.present(library), .present(library))
            $0.claims.runfile = .present("570.211.01")
            $0.claims.aksMarker = .present(AKSMarker(version: "580.159.04", kind: "cuda-lts", kernel: nil))
        }
        let decision = try decide(facts)
        #expect(SelectionCase.Expected(decision) == .split)
        #expect(
            decision.problems.first?.observed
                == "570.211.01 (loaded module, /proc/driver/nvidia, module file), 580.159.04 (libnvidia-ml, libcuda)"
        )
        let told = [
            "Driver 570.211.01 belongs to someone who ran NVIDIA's installer.",
            "Driver 580.159.04 belongs to the AKS node image.", "The AKS node image names driver 580.159.04.",
        ]
        #expect(Set(told).isSubset(of: decision.evidence.map(\.statement)))
        // The image's marker says that the other is no GRID driver.
        let old = facts.withGPU { gpu in
            gpu.id.device = 0x2236
            gpu.subsystem = .present(PCIID(vendor: 0x10de, device: 0x14bf))
            gpu.vgpuCapability = VGPUCapability.host("570.211.01")
        }
        let remedy = try decide(old).problems.first?.remedy
        #expect(remedy?.text.hasPrefix("Remove every driver except 570.211.01, then reboot the node.") == true)
        // An install that was begun and changed nothing has put no driver there.
        let begun = old.with {
            $0.driver.record = .present(
                InstallRecord(
                    state: .started,
                    kind: .grid,
                    version: "595.91.07",
                    kernelModuleType: .open,
                    kernelRelease: NodeFacts.kernel,
                    artifactHash: String(repeating: "ab", count: 32)
                )
            )
        }
        #expect(try decide(begun).problems.first?.remedy.text.contains("595.91.07") == false)
    }

    @Test func whatANewKernelMayBringBackIsSaidOfAnAdoptedDriver() throws {
        let facts = NodeFacts.h100.with {
            $0.driver = .loaded("580.126.09", .open, kind: .datacenter)
            $0.claims.runfile = .present("580.126.09")
            $0.claims.dkms = .present([
                DKMSTree(name: "nvidia", version: "580.126.09", kernels: []),
                DKMSTree(name: "nvidia", version: "570.211.01", kernels: []),
            ])
        }
        let decision = try decide(facts, Policy())
        #expect(decision.action == .adopt)
        #expect(
            decision.evidence.filter { $0.source == "dkms" }.map(\.statement) == [
                "A kernel update may bring back another driver version: nvidia/570.211.01."
            ]
        )
    }

    @Test func aFitDriverIsAdoptedAndNotTakenOver() throws {
        let facts = NodeFacts.h100.with { facts in
            facts.driver = .loaded("580.126.09", .open, kind: .datacenter)
            facts.claims.runfile = .present("580.126.09")
        }
        #expect(
            SelectionCase.Expected(try decide(facts))
                == .adopt("datacenter driver 580.126.09 with open kernel modules", .runfile)
        )
    }

    @Test func removesEveryPackageOfTheDriverAtOnce() throws {
        for (manager, subject, command) in [
            (DriverPackage.Manager.dpkg, "apt-get purge", ["apt-get", "purge", "-y"]), (.rpm, "rpm -e", ["rpm", "-e"]),
        ] {
            let facts = Self.misfit.with {
                $0.claims.runfile = .absent
                $0.claims.packages = Self.packages(
                    manager,
                    "libnvidia-compute-580",
                    "nvidia-vgpu-guest-driver",
                    "nvidia-driver-580",
                    "nvidia-driver-580"
                )
            }
            let decision = try decide(facts)
            #expect(decision.takesOver == .packageManager)
            let removal = try #require(facts.removal(of: .packageManager))
            #expect(removal.subject == subject && removal.commands.count == 1)
            #expect(Set(command + ["libnvidia-compute-580", "nvidia-driver-580"]).isSubset(of: removal.commands[0]))
            #expect(removal.commands[0].count { $0 == "nvidia-driver-580" } == 1)
        }
    }

    @Test func aWordOfACommandStaysOneWordInTheScript() throws {
        let facts = Self.misfit.with {
            $0.claims.aksMarker = .present(AKSMarker(version: "580.105.08", kind: nil, kernel: nil))
            $0.driver.otherLibraries = .present([
                LibraryFile(path: "/opt/a b'c/libcuda.so.580.105.08", version: "580.105.08")
            ])
        }
        let remove = Planner().plan(facts, try decide(facts), journal: nil).steps.first { $0.id == .remove }
        guard case .job(let job) = remove?.effects.last else { throw Unexpected() }
        #expect(job.command[2].contains("find '/opt/a b'\\''c' -maxdepth 1 -name '*.so.580.105.08' -delete\n"))
    }

    @Test func removesTheAKSImagesDriverWithItsMarkerAndCopies() throws {
        let facts = Self.misfit.with {
            $0.claims.aksMarker = .present(AKSMarker(version: "580.105.08", kind: "grid", kernel: nil))
            $0.driver.otherLibraries = .present([
                LibraryFile(path: "/usr/bin/lib64/libcuda.so.580.105.08", version: "580.105.08")
            ])
        }
        let decision = try decide(facts)
        #expect(decision.takesOver == .aksImage)
        #expect(
            facts.removal(of: .aksImage)?.commands == [
                ["nvidia-uninstall", "--silent"],
                ["find", "/usr/bin/lib64", "-maxdepth", "1", "-name", "*.so.580.105.08", "-delete"],
                ["find", "/usr/lib/x86_64-linux-gnu", "-maxdepth", "1", "-name", "*.so.580.105.08", "-delete"],
                ["rm", "-f", "/opt/azure/aks-gpu/dkms-marker"],
                ["ldconfig"],
            ]
        )
    }

    /// After the removal has started, the agent is responsible for the driver.
    ///
    /// It continues even without the permission.
    @Test func goesOnAfterARemovalThatWasCutOff() throws {
        let record = InstallRecord(
            state: .changing,
            kind: .datacenter,
            version: "595.71.05",
            kernelModuleType: .open,
            takesOver: .runfile,
            kernelRelease: NodeFacts.kernel,
            artifactHash: String(repeating: "ab", count: 32)
        )
        let half = Self.misfit.with {
            $0.driver = $0.driver.unloaded
            $0.driver.moduleFile = .absent
            $0.driver.record = .present(record)
        }
        let gone = half.with {
            $0.driver = .none
            $0.claims.runfile = .absent
            $0.driver.record = .present(record)
        }
        for policy in [Policy(), Self.allowed] {
            for (facts, removes) in [(half, true), (gone, false)] {
                let decision = try decide(facts, policy)
                #expect(decision.action == .install)
                let steps = Planner().plan(facts, decision, journal: nil).steps
                #expect(steps.contains { $0.id == .remove } == removes)
            }
        }
    }

    @Test func theHostIsBeingChangedFromTheRemovalsStartOn() throws {
        let plan = Planner().plan(Self.misfit, try decide(Self.misfit), journal: nil)
        let begin = plan.steps[0].effects
        guard case .record(let record?) = begin.first(where: { $0.kind == "record" }) else { throw Unexpected() }
        var journal = Journal(record: record)
        for (id, state) in [(StepID.unload, InstallRecord.State.started), (.remove, .changing)] {
            journal.begin(try #require(plan.steps.first { $0.id == id }), at: Timestamp(1))
            #expect(journal.record?.state == state)
        }
    }
}
