import CoreSupport
import Health
import NodeModel
import Planning
import Selection
import TestSupport

/// What NVML says about the condition of the GPUs: memory, links, heat and power.
extension ChecksTests {
    /// A machine with several GPUs, each with these traits.
    private static func gpus(
        _ traits: [GPUTrait: GPUTrait.Value]...,
        virtual: Bool = false,
        change: (inout GPUFacts) -> Void = { _ in }
    ) -> NodeFacts {
        NodeFacts.h100Ready.with {
            $0.host.hypervisor = .present(virtual)
            $0.pci = .present((0..<UInt8(traits.count)).map { PCIFunction.h100.at(bus: $0) })
        }.withNVML { nvml in
            nvml.gpus = traits.enumerated().map { index, traits in
                var gpu = GPUFacts.h100.at(index: index)
                for (trait, value) in traits { gpu.traits[trait] = .present(value) }
                change(&gpu)
                return gpu
            }
        }
    }

    /// The plan for a machine with NVSwitch.
    private static let withSwitches: Plan = {
        var plan = Plan.adoptedH100
        plan.decision.fabricManager = FabricManagerNeed(isNeeded: true, why: "There are switches.")
        return plan
    }()

    private static func state(_ state: String, _ status: String, _ health: String?) -> NodeFacts {
        gpus([:]) {
            $0.fabric = .present(
                FabricFacts(state: state, status: status, cluster: nil, clique: 0, health: health)
            )
        }
    }

    static let conditionCases = recoveryCases + memoryCases + connectionCases + slowdownCases

    private static let recoveryCases = [
        Case(.gpuRecoveryPending, "not known", nil),
        Case(.gpuRecoveryPending, "none", .pass, gpus([.recoveryAction: .text("none")])),
        Case(
            .gpuRecoveryPending,
            "a reset of one of two",
            .warning,
            gpus([.recoveryAction: .text("none")], [.recoveryAction: .text("drain-and-reset")]),
            observed: "GPU 1 (0001:01:00.0): needs a reset"
        ),
        Case(
            .gpuRecoveryPending,
            "a reset of all",
            .failed,
            gpus([.recoveryAction: .text("gpu-reset")], [.recoveryAction: .text("node-reboot")])
        ),
        Case(.gpuRecoveryPending, "peers", .pass, gpus([.recoveryAction: .text("drain-p2p")])),
        Case(
            .nvlinkDown,
            "peers",
            .warning,
            gpus([.recoveryAction: .text("drain-p2p")]),
            observed: "GPU 0 (0001:00:00.0): the driver asks to stop peer access"
        ),
        Case(
            .fabricIncomplete,
            "the IMEX domain",
            .warning,
            gpus([.recoveryAction: .text("recover-imex-domain")])
        ),
    ]

    private static let memoryCases = [
        Case(.gpuMemoryDamaged, "not known", nil),
        Case(.gpuMemoryDamaged, "intact", .pass, gpus([.remappedRowsFailed: .flag(false)])),
        Case(
            .gpuMemoryDamaged,
            "one of two",
            .warning,
            gpus([.remappedRowsFailed: .flag(true)], [.remappedRowsFailed: .flag(false)]),
            observed: "GPU 0 (0001:00:00.0): a row could not be remapped"
        ),
        Case(
            .gpuMemoryDamaged,
            "the only one",
            .failed,
            gpus([.remappedRowsFailed: .flag(false), .sramThresholdExceeded: .flag(true)]),
            observed: "GPU 0 (0001:00:00.0): the SRAM had more errors than allowed"
        ),
        Case(.gpuMemoryDamaged, "only the SRAM is known", nil, gpus([.sramThresholdExceeded: .flag(false)])),
        Case(
            .gpuMemoryDamaged,
            "each of two has a reason of its own",
            .failed,
            gpus([.remappedRowsFailed: .flag(true)], [.recoveryAction: .text("gpu-reset")])
        ),
        Case(.gpuMemoryRepairPending, "none", .pass, gpus([.retiredPagesPending: .flag(false)])),
        Case(
            .gpuMemoryRepairPending,
            "on two GPUs",
            .warning,
            gpus([.remappedRowsPending: .flag(true)], [.remappedRowsPending: .flag(true)]),
            observed: "GPU 0 (0001:00:00.0), GPU 1 (0001:01:00.0): a row is remapped with the next reset"
        ),
        Case(.gpuMemoryRepairPending, "a page", .warning, gpus([.retiredPagesPending: .flag(true)])),
        Case(.gpuMemoryRepairPending, "a channel", .warning, gpus([.channelRepairPending: .flag(true)])),
        Case(.gpuMemoryRepairPending, "a TPC", .warning, gpus([.tpcRepairPending: .flag(true)])),
        Case(.gpuMemoryErrors, "none", .pass, gpus([.eccUncorrected: .number(0), .eccCorrected: .number(7)])),
        Case(
            .gpuMemoryErrors,
            "some",
            .notice,
            gpus([.eccUncorrected: .number(3)]),
            observed: "GPU 0 (0001:00:00.0): uncorrected ECC errors: 3"
        ),
        Case(
            .gpuMemoryErrors,
            "another finding reports them",
            .pass,
            gpus([.eccUncorrected: .number(3), .remappedRowsPending: .flag(true)])
        ),
        // The errors of earlier drivers have their consequences already.
        Case(.gpuMemoryErrors, "in the life of the GPU", nil, gpus([.eccUncorrectedEver: .number(3)])),
    ]

    private static let busy: [GPUTrait: GPUTrait.Value] = [
        .pcieWidth: .number(16), .pcieMaxWidth: .number(16), .pcieGeneration: .number(5),
        .pcieMaxGeneration: .number(5), .performanceState: .number(0),
        .clockEventReasons: .names(["sw-power-cap"]),
    ]

    private static func busy(_ trait: GPUTrait, _ value: GPUTrait.Value) -> [GPUTrait: GPUTrait.Value] {
        busy.merging([trait: value]) { $1 }
    }

    private static let connectionCases = [
        Case(
            .nvlinkDown,
            "one of three",
            .warning,
            gpus([:]) { $0.nvlink = .present(NVLinkFacts(active: [0, 2], inactive: [1])) },
            withSwitches,
            observed: "GPU 0 (0001:00:00.0): NVLink links that are down: 1"
        ),
        Case(
            .nvlinkDown,
            "all up",
            .pass,
            gpus([:]) { $0.nvlink = .present(NVLinkFacts(active: [0, 1], inactive: [])) },
            withSwitches
        ),
        Case(
            .nvlinkDown,
            "MIG turns the links off",
            nil,
            gpus([:]) {
                $0.nvlink = .present(NVLinkFacts(active: [], inactive: [0, 1]))
                $0.migMode = .present(MIGMode(current: true, pending: true))
            },
            withSwitches
        ),
        Case(
            .nvlinkDown,
            "without NVSwitch, a link can be connected to nothing",
            nil,
            gpus([:]) { $0.nvlink = .present(NVLinkFacts(active: [0], inactive: [1])) }
        ),
        Case(.fabricIncomplete, "no fabric", nil),
        Case(.fabricIncomplete, "registered", .pass, state("completed", "NVML_SUCCESS", "healthy")),
        Case(.fabricIncomplete, "registered, an old driver", .pass, state("completed", "NVML_SUCCESS", nil)),
        Case(
            .fabricIncomplete,
            "in progress, and CUDA works",
            .notice,
            state("in-progress", "NVML_SUCCESS", nil),
            observed: "GPU 0 (0001:00:00.0): the registration in the fabric is in-progress"
        ),
        Case(
            .fabricIncomplete,
            "in progress, and CUDA does not work",
            .warning,
            state("in-progress", "NVML_SUCCESS", nil).with { facts in
                var vendor = facts.vendor.value
                vendor?.cuda = .absent
                if let vendor { facts.vendor = .present(vendor) }
            }
        ),
        Case(.fabricIncomplete, "failed", .warning, state("completed", "NVML_ERROR_TIMEOUT", nil)),
        Case(.fabricIncomplete, "unhealthy", .warning, state("completed", "NVML_SUCCESS", "limited-capacity")),
        Case(.pcieLinkReduced, "the best link", .pass, gpus(busy)),
        Case(
            .pcieLinkReduced,
            "fewer lanes",
            .notice,
            gpus(busy, busy(.pcieWidth, .number(8))),
            observed: "GPU 1 (0001:01:00.0): 8 of 16 PCIe lanes"
        ),
        Case(
            .pcieLinkReduced,
            "slow",
            .notice,
            gpus(busy(.pcieGeneration, .number(1))),
            observed: "GPU 0 (0001:00:00.0): PCIe generation 1 instead of 5"
        ),
        Case(
            .pcieLinkReduced,
            "an idle GPU",
            nil,
            gpus(busy(.pcieGeneration, .number(1)).merging([.clockEventReasons: .names(["gpu-idle"])]) { $1 })
        ),
        Case(
            .pcieLinkReduced,
            "memory that the processor reaches without PCIe",
            nil,
            gpus(busy(.pcieWidth, .number(1)).merging([.addressingMode: .text("ats")]) { $1 })
        ),
        Case(.pcieLinkReduced, "a virtual machine", nil, gpus(busy(.pcieWidth, .number(8)), virtual: true)),
    ]

    private static func clocks(_ reasons: String...) -> NodeFacts { gpus([.clockEventReasons: .names(reasons)]) }

    private static let slowdownCases = [
        Case(.gpuThrottled, "not known", nil),
        Case(.gpuThrottled, "the power limit", .pass, clocks("sw-power-cap", "application-clocks")),
        Case(.gpuThrottled, "idle", .pass, clocks("gpu-idle", "hw-slowdown")),
        Case(
            .gpuThrottled,
            "heat",
            .notice,
            clocks("hw-slowdown", "hw-thermal-slowdown", "sw-thermal-slowdown"),
            observed: "GPU 0 (0001:00:00.0): slowed down by its hardware because of heat, slowed down by the driver "
                + "because of heat"
        ),
        Case(.gpuThrottled, "the power brake", .notice, clocks("hw-slowdown", "hw-power-brake")),
        Case(
            .gpuThrottled,
            "another cause",
            .notice,
            clocks("hw-slowdown"),
            observed: "GPU 0 (0001:00:00.0): slowed down by its hardware"
        ),
    ]
}
