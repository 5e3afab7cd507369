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

    private static func driver(_ change: (inout DriverFacts) -> Void) -> NodeFacts {
        NodeFacts.h100Ready.with { change(&$0.driver) }
    }

    private static func gpu(_ change: (inout GPUFacts) -> Void) -> NodeFacts {
        NodeFacts.rtxProReady.withNVML { change(&$0.gpus[0]) }
    }

    /// A node whose second GPU is bound to this kernel driver, and so unknown to NVIDIA's.
    private static func held(by driver: String) -> NodeFacts {
        NodeFacts.h100Ready.with { facts in
            var second = PCIFunction.h100.at(bus: 7)
            second.kernelDriver = .present(driver)
            facts.pci = .present([.h100, second])
        }
    }

    private static func vendor(_ change: (inout VendorFacts) -> Void) -> NodeFacts {
        NodeFacts.h100Ready.with { facts in
            guard var vendor = facts.vendor.value else { return }
            change(&vendor)
            facts.vendor = .present(vendor)
        }
    }

    private static let hangOnTheSecondGPU = NodeFacts.h100Ready.withNVML {
        var second = GPUFacts.lost(index: 1)
        second.name = .unreadable(hang)
        $0.gpus.append(second)
    }
    private static let hang = ReadFailure(.hang, "no answer within 10 s")
    private static let vendorError = ReadFailure(.vendor, "nvmlInit_v2: driver not loaded (9)")

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

    static let libraryCases: [Case] = [
        Case(.nvmlUnavailable, "answers", .pass, observed: "driver 595.71.05, CUDA 13.2"),
        Case(.nvmlUnavailable, "no library", .failed, vendor { $0.nvml = .absent }),
        Case(
            .nvmlUnavailable,
            "nobody asked",
            .skipped,
            NodeFacts.h100Ready.with { $0.vendor = .skipped("not asked") }
        ),
        Case(
            .nvmlUnavailable,
            "an error",
            .failed,
            vendor { $0.nvml = .unreadable(vendorError) },
            observed: vendorError.detail
        ),
        Case(.nvmlUnavailable, "not allowed", .unknown, vendor { $0.nvml = .unreadable(.denied) }),
        Case(
            .nvmlUnavailable,
            "an impossible answer",
            .unknown,
            vendor { $0.nvml = .unreadable(ReadFailure(.malformed, "nvmlDeviceGetCount_v2: 5000 GPUs")) }
        ),
        Case(
            .nvmlUnavailable,
            "no module is loaded",
            nil,
            NodeFacts.h100Ready.with {
                $0.driver = $0.driver.unloaded
                $0.vendor = .absent
            }
        ),
        Case(.nvmlHang, "hangs", .failed, vendor { $0.nvml = .unreadable(hang) }, observed: hang.detail),
        Case(.nvmlHang, "hangs on the second GPU", .failed, hangOnTheSecondGPU, observed: hang.detail),
        Case(.nvmlUnavailable, "hangs on the second GPU, which another finding says", nil, hangOnTheSecondGPU),
        Case(.gpuCount, "all", .pass, observed: "1 of 1"),
        Case(.gpuCount, "one is kept for virtual machines", .pass, held(by: "pci-stub"), observed: "1 of 1"),
        Case(.gpuCount, "one is held by another driver", .pass, held(by: "nouveau"), observed: "1 of 1"),
        Case(.otherGPUDriver, "kept for virtual machines", nil, held(by: "pciback")),
        Case(
            .otherGPUDriver,
            "one of two",
            .warning,
            held(by: "nova_core"),
            observed: "The kernel driver nova_core holds the GPU 0001:07:00.0."
        ),
        Case(
            .otherGPUDriver,
            "the only one",
            .failed,
            NodeFacts.h100Ready.withGPU { $0.kernelDriver = .present("nvidiafb") },
            observed: "The kernel driver nvidiafb holds the GPU 0001:00:00.0."
        ),
        Case(
            .otherGPUDriver,
            "bound to NVIDIA's",
            nil,
            NodeFacts.h100Ready.withGPU { $0.kernelDriver = .present("nvidia") }
        ),
        Case(.gpuCount, "none", .failed, NodeFacts.h100Ready.withNVML { $0.gpus = [] }),
        Case(
            .gpuCount,
            "one of two",
            .warning,
            NodeFacts.h100Ready.with { $0.pci = .present([.h100, .h100.at(bus: 2)]) },
            observed: "1 of 2, missing: 0001:02:00.0"
        ),
        Case(
            .gpuCount,
            "the other is a virtual machine's",
            .pass,
            NodeFacts.h100Ready.with { $0.pci = .present([.h100, .handedOut(bus: 2)]) },
            observed: "1 of 1"
        ),
        Case(.gpuUnreadable, "all read", .pass),
        Case(
            .gpuUnreadable,
            "the only one is lost",
            .failed,
            NodeFacts.h100Ready.withNVML { $0.gpus = [.lost(index: 0)] }
        ),
        Case(
            .gpuUnreadable,
            "one of two is lost",
            .warning,
            NodeFacts.h100Ready.withNVML { $0.gpus.append(.lost(index: 1)) }
        ),
        Case(.cudaFailed, "sees devices", .pass, observed: "1 device"),
        Case(.cudaFailed, "no library", .failed, vendor { $0.cuda = .absent }),
        Case(.cudaFailed, "skipped", .skipped, vendor { $0.cuda = .skipped("not asked") }),
        Case(.cudaFailed, "not allowed", .unknown, vendor { $0.cuda = .unreadable(.denied) }),
        Case(.cudaFailed, "died", .failed, vendor { $0.cuda = .unreadable(ReadFailure(.crashed, "signal 11")) }),
        Case(
            .cudaFailed,
            "no answer at all",
            .failed,
            vendor { $0.cuda = .present([]) },
            observed: "The agent found no device to test with CUDA."
        ),
        Case(
            .cudaFailed,
            "an error on one MIG device of two",
            .failed,
            vendor {
                $0.cuda = .present([
                    CUDAFacts(visibleDevices: "MIG-1", result: 0, errorName: nil, deviceCount: 1),
                    CUDAFacts(visibleDevices: "MIG-2", result: 100, errorName: "CUDA_ERROR_NO_DEVICE", deviceCount: 0),
                ])
            },
            observed: "100 CUDA_ERROR_NO_DEVICE on MIG-2"
        ),
        Case(
            .cudaFailed,
            "success without a device",
            .failed,
            vendor { $0.cuda = .present([CUDAFacts(visibleDevices: nil, result: 0, errorName: nil, deviceCount: 0)]) },
            observed: "no device"
        ),
        Case(
            .cudaFailed,
            "sees one GPU of two",
            .warning,
            NodeFacts.h100Ready.with {
                $0.pci = .present([.h100.at(bus: 0), .h100.at(bus: 1)])
                $0.vendor = .answering("595.71.05", gpus: [.h100.at(index: 0)])
                $0 = $0.withNVML { $0.gpus.append(.h100.at(index: 1)) }
            },
            observed: "CUDA sees 1 of the 2 GPUs that NVML lists."
        ),
        Case(.cudaHang, "hangs", .failed, vendor { $0.cuda = .unreadable(hang) }),
    ]

    static let migCases: [Case] = [
        Case(.migDevicesMissing, "off", .notApplicable),
        Case(.migDevicesMissing, "there", .pass, .rtxProReady, .adoptedRTXPro, observed: "1 MIG device: 4g.96gb"),
        Case(
            .migDevicesMissing,
            "none",
            .failed,
            gpu { $0.migDevices = .present([]) },
            .adoptedRTXPro,
            observed: "These GPUs have no MIG device: GPU 0."
        ),
        Case(.migDevicesMissing, "certainly none", .failed, gpu { $0.migDevices = .absent }, .adoptedRTXPro),
        Case(
            .migDevicesMissing,
            "not readable, which another finding says",
            nil,
            gpu { $0.migDevices = .unreadable(.denied) },
            .adoptedRTXPro
        ),
        Case(
            .migDevicesMissing,
            "not readable on one of two",
            .pass,
            NodeFacts.rtxProReady.withNVML {
                var second = GPUFacts.rtxProVGPU.at(index: 1)
                second.migDevices = .unreadable(.denied)
                $0.gpus.append(second)
            },
            .adoptedRTXPro
        ),
        Case(
            .migDevicesMissing,
            "not readable on one, none on the other",
            .failed,
            NodeFacts.rtxProReady.withNVML {
                var second = GPUFacts.rtxProVGPU.at(index: 1)
                second.migDevices = .present([])
                $0.gpus[0].migDevices = .unreadable(.denied)
                $0.gpus.append(second)
            },
            .adoptedRTXPro,
            observed: "These GPUs have no MIG device: GPU 1."
        ),
        Case(.migModePending, "in force", nil, .rtxProReady, .adoptedRTXPro),
        Case(
            .migModePending,
            "on after a reset",
            .warning,
            NodeFacts.h100Ready.withNVML { $0.gpus[0].migMode = .present(MIGMode(current: false, pending: true)) },
            observed: "A MIG change is pending. MIG mode is off and turns on after a reset: GPU 0 (0001:00:00.0)"
        ),
        Case(
            .migModePending,
            "off after a reset, on the only one, without a MIG device",
            .failed,
            NodeFacts.h100Ready.withNVML {
                $0.gpus[0].migMode = .present(MIGMode(current: true, pending: false))
                $0.gpus[0].migDevices = .present([])
            },
            observed: "A MIG change is pending. MIG mode is on and turns off after a reset: GPU 0 (0001:00:00.0)"
        ),
        Case(
            .migModePending,
            "off after a reset, on one of two",
            .warning,
            NodeFacts.h100Ready.withNVML {
                $0.gpus.append(.h100.at(index: 1))
                $0.gpus[1].migMode = .present(MIGMode(current: true, pending: false))
            },
            observed: "A MIG change is pending. MIG mode is on and turns off after a reset: GPU 1 (0001:01:00.0)"
        ),
        Case(
            .migModePending,
            "a vGPU, whose host resets it",
            nil,
            gpu { $0.migMode = .present(MIGMode(current: true, pending: false)) },
            .adoptedRTXPro
        ),
        Case(.migModePending, "not readable", nil, gpu { $0.migMode = .unreadable(.denied) }, .adoptedRTXPro),
        Case(.licenseMissing, "needs none", .notApplicable),
        Case(.licenseMissing, "there", .pass, .rtxProReady, .adoptedRTXPro, observed: "NVIDIA RTX Virtual Workstation"),
        Case(
            .licenseMissing,
            "not there",
            .warning,
            gpu { $0.license = .present(LicenseFacts(licensed: false, product: nil)) },
            .adoptedRTXPro,
            observed: "These vGPUs have no license: GPU 0."
        ),
        Case(.licenseMissing, "none needed on a vGPU", .pass, gpu { $0.license = .absent }, .adoptedRTXPro),
    ]

    private static func persistence(_ modes: Bool...) -> NodeFacts {
        NodeFacts.h100Ready.withNVML { nvml in
            nvml.gpus = modes.enumerated().map { index, isOn in
                var gpu = GPUFacts.h100.at(index: index)
                gpu.traits[.persistenceMode] = .present(.flag(isOn))
                return gpu
            }
        }
    }

    private static let persistenceCases = [
        Case(.persistenceModeOff, "not known", nil),
        Case(.persistenceModeOff, "on", .pass, persistence(true, true)),
        Case(
            .persistenceModeOff,
            "off on one of two",
            .notice,
            persistence(true, false),
            observed: "Persistence mode is off: GPU 1 (0001:01:00.0)"
        ),
    ]

    @Test(arguments: driverCases + libraryCases + migCases + persistenceCases)
    func finds(_ row: Case) throws {
        let node = CheckedNode(facts: row.facts, decision: row.plan.decision)
        let outcome = try #require(CheckRegistry.check(row.code)).outcome(on: node)
        #expect(outcome?.state == row.state)
        if let observed = row.observed { #expect(outcome?.observed == observed) }
    }

    /// The texts of every check on every node of the tables are complete sentences.
    @Test func areWordedForPeople() {
        for row in Self.driverCases + Self.libraryCases + Self.migCases {
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
    fileprivate static func handedOut(bus: UInt8) -> PCIFunction {
        var function = PCIFunction.h100.at(bus: bus)
        function.kernelDriver = .present("vfio-pci")
        return function
    }
}
