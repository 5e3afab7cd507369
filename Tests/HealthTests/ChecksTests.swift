import CoreSupport
import Health
import NodeModel
import Planning
import TestSupport
import Testing

/// Every check in each of its states.
@Suite struct ChecksTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var name: String
        var code: ReasonCode
        var state: Finding.State?
        var observed: String?
        var facts: NodeFacts
        var plan: Plan
        var testDescription: String { "\(code.rawValue): \(name)" }

        init(
            _ code: ReasonCode,
            _ name: String,
            _ state: Finding.State?,
            _ facts: NodeFacts = .h100Ready,
            _ plan: Plan = .adoptedH100,
            observed: String? = nil
        ) {
            (self.code, self.name, self.state, self.facts, self.plan) = (code, name, state, facts, plan)
            self.observed = observed
        }
    }

    static func driver(_ change: (inout DriverFacts) -> Void) -> NodeFacts {
        NodeFacts.h100Ready.with { change(&$0.driver) }
    }

    static func gpu(_ change: (inout GPUFacts) -> Void) -> NodeFacts {
        NodeFacts.rtxProReady.withNVML { change(&$0.gpus[0]) }
    }

    /// A node whose second GPU is bound to this kernel driver, and so unknown to NVIDIA's.
    static func held(by driver: String) -> NodeFacts {
        NodeFacts.h100Ready.with { facts in
            var second = PCIFunction.h100.at(bus: 7)
            second.kernelDriver = .present(driver)
            facts.pci = .present([.h100, second])
        }
    }

    static func vendor(_ change: (inout VendorFacts) -> Void) -> NodeFacts {
        NodeFacts.h100Ready.with { facts in
            guard var vendor = facts.vendor.value else { return }
            change(&vendor)
            facts.vendor = .present(vendor)
        }
    }

    /// A node whose GPU computed something.
    static func cuda(_ computation: Reading<CUDAComputation>) -> NodeFacts {
        vendor {
            $0.cuda = .present([
                CUDAFacts(
                    visibleDevices: "GPU-1",
                    result: 0,
                    errorName: nil,
                    deviceCount: 1,
                    computation: computation
                )
            ])
        }
    }

    static let hangOnTheSecondGPU = NodeFacts.h100Ready.withNVML {
        var second = GPUFacts.lost(index: 1)
        second.name = .unreadable(hang)
        $0.gpus.append(second)
    }
    static let hang = ReadFailure(.hang, "no answer within 10 s")
    static let slow = ReadFailure(.slow, "no answer within 1.2 s")
    static let vendorError = ReadFailure(.vendor, "nvmlInit_v2: driver not loaded (9)")

    static let driverCases: [Case] = [
        Case(.driverMissing, "none", .failed, .h100),
        Case(.driverMissing, "there", nil),
        Case(
            .driverUnreadable,
            "not readable",
            .unknown,
            NodeFacts.h100.with { $0.driver.moduleFile = .unreadable(.denied) }
        ),
        Case(.driverVersionSplit, "one version", .pass, observed: "595.71.05"),
        Case(
            .driverVersionSplit,
            "two versions",
            .failed,
            driver { $0.cudaLibrary = .present(LibraryFile(path: "/usr/lib/libcuda.so.570.1", version: "570.1")) },
            observed: "595.71.05 (loaded module, /proc/driver/nvidia, module file, libnvidia-ml), 570.1 (libcuda)"
        ),
        Case(.driverNotLoaded, "loaded", .pass, observed: "595.71.05"),
        Case(.driverNotLoaded, "not loaded", .failed, driver { $0 = $0.unloaded }),
        Case(.driverNotLoaded, "not readable", .unknown, driver { $0.loadedVersion = .unreadable(.denied) }),
        Case(.driverNotLoaded, "skipped", .skipped, driver { $0.loadedVersion = .skipped("not asked") }),
        Case(.extraModulesMissing, "none", nil),
        Case(
            .extraModulesMissing,
            "modules of others",
            .notice,
            driver { $0.unloadedModules = ["nvidia_drm", "nvidia_peermem", "gdrdrv"] },
            observed: "The install unloaded these kernel modules, and they are not loaded now: nvidia_peermem, gdrdrv."
        ),
        Case(
            .extraModulesMissing,
            "only parts of the driver before",
            nil,
            driver { $0.unloadedModules = ["nvidia_modeset", "nvidia_drm", "nvidia_vgpu_vfio"] }
        ),
        Case(
            .extraModulesMissing,
            "no driver is loaded",
            nil,
            driver {
                $0 = $0.unloaded
                $0.unloadedModules = ["gdrdrv"]
            }
        ),
        Case(.driverKindMismatch, "as decided", .pass),
        Case(
            .driverKindMismatch,
            "the other",
            .failed,
            NodeFacts.h100Ready.with {
                $0.driver = .loaded("595.71.05", .open, kind: .grid)
                let name = "nvidia-vgpu-guest-driver"
                $0.claims.packages = .present([DriverPackage(manager: .dpkg, name: name, version: "595.71.05")])
            },
            observed: "grid"
        ),
        Case(
            .driverKindMismatch,
            "not readable",
            .unknown,
            NodeFacts.h100Ready.with {
                $0.driver.record = .absent
                $0.driver.gridDaemon = .unreadable(.denied)
                $0.vendor = .skipped("not asked")
            }
        ),
        Case(
            .driverKindMismatch,
            "only NVML could tell",
            nil,
            NodeFacts.h100Ready.with {
                $0.driver.record = .absent
                $0.host.osRelease = .present(OSRelease(id: "bottlerocket", versionID: "1.52.0", prettyName: nil))
                $0.driver.gridDaemon = .present("/usr/bin/nvidia-gridd")
                $0.vendor = .skipped("not asked")
            }
        ),
        Case(.driverKindMismatch, "nothing decided", nil, .h100Ready, .blocked([])),
        Case(.kernelModuleTypeMismatch, "as decided", .pass),
        Case(
            .kernelModuleTypeMismatch,
            "the other",
            .failed,
            driver { $0.runningModule = .present(RunningModule(version: "595.71.05", kernelModuleType: .proprietary)) }
        ),
        Case(
            .kernelModuleTypeMismatch,
            "not known",
            nil,
            driver {
                $0.runningModule = .absent
                $0.moduleFile = .absent
            }
        ),
        Case(.deviceNodesMissing, "there", .pass, observed: "4 device nodes"),
        Case(
            .deviceNodesMissing,
            "nvidia-uvm is not",
            .failed,
            driver { $0.deviceNodes = .present(["nvidiactl"]) },
            observed: "The host lacks /dev/nvidia-uvm."
        ),
        Case(
            .deviceNodesMissing,
            "another file is in the place of nvidia-uvm",
            .failed,
            driver {
                $0.deviceNodes = .present(["nvidiactl"])
                $0.unusableNodes = ["nvidia-uvm": "is not a device node", "nvidia7": "is not a device node"]
            },
            observed: "/dev/nvidia-uvm is not a device node."
        ),
        Case(.deviceNodesMissing, "no /dev", .failed, driver { $0.deviceNodes = .absent }),
        Case(.deviceNodesMissing, "not readable", .unknown, driver { $0.deviceNodes = .unreadable(.denied) }),
        Case(.deviceNodesMissing, "skipped", .skipped, driver { $0.deviceNodes = .skipped("not asked") }),
        Case(.deviceNodesMissing, "no module is loaded", nil, driver { $0 = $0.unloaded }),
    ]

    static let cases =
        driverCases + libraryCases + persistenceCases + conditionCases + kernelCases + migCases + peerCases

    @Test(arguments: cases)
    func finds(_ row: Case) throws {
        let node = CheckedNode(facts: row.facts, decision: row.plan.decision)
        let outcome = try #require(CheckRegistry.check(row.code)).outcome(on: node)
        #expect(outcome?.state == row.state)
        if let observed = row.observed { #expect(outcome?.observed == observed) }
    }

    /// The texts of every check on every node of the tables are complete sentences.
    @Test func areWordedForPeople() {
        for row in Self.cases {
            let node = CheckedNode(facts: row.facts, decision: row.plan.decision)
            for check in CheckRegistry.checks {
                guard let outcome = check.outcome(on: node) else { continue }
                let remedy = outcome.remedy.text
                #expect(!outcome.observed.isEmpty && !outcome.expected.isEmpty, "\(check.code) says nothing")
                switch outcome.state {
                case .pass, .notApplicable: #expect(remedy.isEmpty, "a remedy for \(check.code)")
                case .skipped where remedy.isEmpty: break
                case .failed, .warning, .notice, .unknown, .skipped:
                    #expect(remedy.first?.isUppercase == true && remedy.hasSuffix("."), "\(check.code): \(remedy)")
                }
            }
        }
    }

    @Test(arguments: kernelRemedies)
    func aPendingKernelNamesWhatIsMissing(_ facts: NodeFacts, _ remedy: String) throws {
        let node = CheckedNode(facts: facts, decision: Plan.adoptedH100.decision)
        let outcome = try #require(CheckRegistry.check(.kernelChangePending)).outcome(on: node)
        #expect(outcome?.remedy.text == remedy)
    }

    @Test func aBuildForThePendingKernelIsTheNextAction() throws {
        let check = try #require(CheckRegistry.check(.kernelChangePending))
        let facts = Self.pending(dkms: .absent)
        let decision = Plan.adoptedH100.decision
        let building = check.outcome(on: CheckedNode(facts: facts, decision: decision, preparesNextBoot: true))
        #expect(building?.remedy.text.contains("'gpu-agent install' does it now") == true)
        let failed = check.outcome(on: CheckedNode(facts: facts, decision: decision, aheadProblem: "cc: not found."))
        #expect(failed?.observed.hasSuffix(" The agent could not build it ahead of the reboot. cc: not found.") == true)
        #expect(failed?.remedy.text.hasPrefix("After the reboot, the agent builds what is missing") == true)
    }

    @Test func aPackageForThePendingKernelIsTheNextAction() throws {
        let check = try #require(CheckRegistry.check(.kernelChangePending))
        let facts = Self.pending().with { $0.driver.record = $0.driver.record.fromPackages }
        let package = "linux-modules-nvidia-595-server-open-6.1.0-60-amd64"
        let decision = Plan.adoptedH100.decision
        let installing = check.outcome(on: CheckedNode(facts: facts, decision: decision, preparesNextBoot: true))
        let wait = "wait until the agent has installed \(package). 'gpu-agent install' does it now."
        #expect(installing?.remedy.text == "Before the reboot, \(wait)")
        let failed = check.outcome(on: CheckedNode(facts: facts, decision: decision, aheadProblem: "No package."))
        #expect(failed?.observed.hasSuffix(" The agent could not install it ahead of the reboot. No package.") == true)
        #expect(failed?.remedy.text.hasPrefix("Before the reboot, install \(package) ") == true)
    }

    @Test func anImpossibleAnswerIsNotAQuestionOfRights() {
        for facts in [
            Self.vendor { $0.nvml = .unreadable(ReadFailure(.malformed, "nvmlDeviceGetCount_v2: 5000 GPUs")) },
            Self.vendor { $0.cuda = .unreadable(ReadFailure(.malformed, "cuDeviceGetCount: 5000 devices")) },
        ] {
            let report = Checks(facts: facts, plan: .adoptedH100).report()
            #expect(report.nextAction.contains("impossible value"))
            #expect(!report.nextAction.contains("as root") && !report.nextAction.contains("/tmp"))
        }
    }

    @Test func aReportTitlesItsFindingsAndSaysWhereToReadMore() throws {
        let report = Checks(facts: Self.driver { $0.deviceNodes = .absent }, plan: .adoptedH100).report()
        for finding in report.findings {
            #expect(finding.title == CheckRegistry.check(finding.code)?.title)
            let link = finding.state == .failed ? "docs/reason-codes.md#\(finding.code.rawValue)" : nil
            #expect(finding.remedy.link == link)
        }
        #expect(report.finding(.deviceNodesMissing)?.state == .failed)
    }
}

extension PCIFunction {
    /// An H100 that belongs to a virtual machine on this node.
    static func handedOut(bus: UInt8) -> PCIFunction {
        var function = PCIFunction.h100.at(bus: bus)
        function.kernelDriver = .present("vfio-pci")
        return function
    }
}
