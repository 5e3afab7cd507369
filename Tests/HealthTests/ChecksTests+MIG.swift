import CoreSupport
import Health
import NodeModel
import Planning
import TestSupport

/// MIG and licenses.
extension ChecksTests {
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
            .failed,
            gpu { $0.license = .present(LicenseFacts(licensed: false, product: nil)) },
            .adoptedRTXPro,
            observed: "These vGPUs have no license: GPU 0."
        ),
        Case(
            .licenseMissing,
            "not there on a whole GPU",
            .warning,
            gpu {
                $0.license = .present(LicenseFacts(licensed: false, product: nil))
                $0.virtualization = .present(.passthrough)
            },
            .adoptedRTXPro,
            observed: "These GPUs have no license: GPU 0."
        ),
        Case(.licenseMissing, "none needed on a vGPU", .pass, gpu { $0.license = .absent }, .adoptedRTXPro),
    ]
}
