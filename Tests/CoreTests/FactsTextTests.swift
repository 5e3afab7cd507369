import NodeModel
import Reporting
import Support
import TestSupport
import Testing

/// The facts as text: what a person needs to see of each state of a node.
@Suite struct FactsTextTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var facts: NodeFacts
        /// Lines that the text contains, without the space around them.
        var lines: [String]

        init(_ name: String, _ facts: NodeFacts, _ lines: String...) {
            (testDescription, self.facts, self.lines) = (name, facts, lines)
        }
    }

    private static func gpu(_ change: (inout PCIFunction) -> Void) -> NodeFacts { NodeFacts.h100.withGPU(change) }

    private static func nvml(_ change: (inout GPUFacts) -> Void) -> NodeFacts {
        NodeFacts.h100Ready.withNVML { change(&$0.gpus[0]) }
    }

    private static let h100 = "0001:00:00.0  GPU 10de:2321, subsystem 10de:1839"

    static let functions: [Case] = [
        Case("no driver", gpu { _ in }, h100),
        Case("NVIDIA's driver", gpu { $0.kernelDriver = .present("nvidia") }, "\(h100), driver nvidia"),
        Case(
            "a driver for virtual machines",
            gpu { $0.kernelDriver = .present("vfio-pci") },
            "\(h100), driver vfio-pci, kept for virtual machines"
        ),
        Case(
            "a driver of other software",
            gpu { $0.kernelDriver = .present("uio_pci_generic") },
            "\(h100), driver uio_pci_generic, kept for other software"
        ),
        Case(
            "a display driver",
            gpu {
                $0.kernelDriver = .present("nouveau")
                $0.displayDevices = .present(["card0", "renderD128"])
            },
            "\(h100), driver nouveau (card0, renderD128), not available to NVIDIA's driver"
        ),
        Case(
            "an unreadable driver",
            gpu { $0.kernelDriver = .unreadable(ReadFailure(.permission, "denied")) },
            "\(h100), driver unreadable: denied"
        ),
        Case(
            "a lost GPU",
            gpu { $0.vgpuCapability = .unreadable(PCIFunction.noAnswer) },
            "\(h100), does not answer"
        ),
        Case(
            "a capability that only root can read",
            gpu { $0.vgpuCapability = .unreadable(ReadFailure(.permission, "denied")) },
            "\(h100), PCI capability VF unreadable: denied"
        ),
        Case("SR-IOV", gpu { $0.sriovTotalVFs = .present(32) }, "\(h100), up to 32 virtual functions"),
        Case(
            "a virtual function",
            gpu { $0.physicalFunction = .present(PCIAddress(domain: 0, bus: 3, device: 0, function: 0)) },
            "\(h100), virtual function of 0000:03:00.0"
        ),
        Case(
            "a function without IDs",
            NodeFacts.noGPU.with {
                let failure = ReadFailure(.io, "vendor: Input/output error")
                $0.unidentified = [UnidentifiedFunction(address: PCIFunction.h100.address, failure: failure)]
            },
            "0001:00:00.0  unreadable (io): vendor: Input/output error"
        ),
    ]

    private static let gpuIsLost = ReadFailure(.vendor, "nvmlDeviceGetName: 15 NVML_ERROR_GPU_IS_LOST")

    static let answers: [Case] = [
        Case(
            "MIG that is on after a reset",
            nvml { $0.migMode = .present(MIGMode(current: false, pending: true)) },
            "compute capability 9.0, MIG off (on after the next GPU reset), passed through to this machine"
        ),
        Case(
            "MIG that is on",
            nvml { $0.migMode = .present(MIGMode(current: true, pending: true)) },
            "compute capability 9.0, MIG on, passed through to this machine"
        ),
        Case(
            "what describes a GPU",
            nvml { gpu in
                gpu.traits[.serial] = .present(.text("1652823054567"))
                gpu.traits[.numaNode] = .absentBecause("nvmlDeviceGetNumaNodeId: 3 NVML_ERROR_NOT_SUPPORTED")
                gpu.traits[.vbios] = .present(.text("96.00.A5.00.01"))
                gpu.traits[.ecc] = .present(.flag(true))
                gpu.traits[.remappedRowsPending] = .present(.flag(false))
                gpu.traits[.temperature] = .present(.number(34))
                gpu.traits[.clockEventReasons] = .present(.names(["gpu-idle", "hw-slowdown"]))
                gpu.traits[.power] = .present(.number(71000))
            },
            "serial number 1652823054567, VBIOS 96.00.A5.00.01",
            "ECC on",
            "row remapping pending off",
            "clock events gpu-idle, hw-slowdown, temperature 34 °C, power 71000 mW"
        ),
        Case(
            "what a GPU is connected to",
            nvml { gpu in
                gpu.nvlink = .present(NVLinkFacts(active: Array(1..<18), inactive: [0], version: 5))
                let cluster = "6f1cb2a4-3d0e-4b7a-9c55-8d1e2f7a4b60"
                gpu.fabric = .present(
                    FabricFacts(
                        state: "completed",
                        status: "NVML_SUCCESS",
                        cluster: cluster,
                        clique: 7,
                        health: "limited-capacity"
                    )
                )
                let process = GPUProcess(pid: 4711, kind: .compute, memoryMiB: 512)
                gpu.processes = .present(GPUProcesses(count: 3, list: [process]))
            },
            "NVLink: 17 of 18 links active",
            "fabric: completed, NVML_SUCCESS, cluster 6f1cb2a4-3d0e-4b7a-9c55-8d1e2f7a4b60, clique 7, limited-capacity",
            "processes: 4711, and 2 more"
        ),
        Case(
            "confidential computing",
            NodeFacts.h100Ready.withNVML {
                $0.driverBranch = .present("r595_00")
                $0.confidentialComputing = .present(
                    ConfidentialComputing(
                        environment: "production",
                        feature: "on",
                        developerTools: false,
                        multiGPU: "protected-pcie",
                        acceptsWork: false
                    )
                )
            },
            "confidential computing  on, environment production, multi-GPU mode protected-pcie, the GPUs do not accept work yet"
        ),
        Case(
            "a GPU that is gone",
            NodeFacts.h100.with {
                let gone = PCIFunction.h100.at(bus: 9).address
                let seen = [PCIFunction.h100.address, gone]
                $0.seenGPUs = .present(SeenGPUs(addresses: seen, machine: nil, since: Timestamp(0)))
            },
            "0001:09:00.0  missing: a GPU was here before"
        ),
        Case(
            "a vGPU without a license",
            nvml {
                $0.migMode = .absent
                $0.virtualization = .present(.vgpu)
                $0.license = .present(LicenseFacts(licensed: false, product: "NVIDIA RTX Virtual Workstation"))
            },
            "compute capability 9.0, vGPU, not licensed for NVIDIA RTX Virtual Workstation"
        ),
        Case(
            "a lost GPU",
            nvml { $0.name = .unreadable(gpuIsLost) },
            "vendor: nvmlDeviceGetName: 15 NVML_ERROR_GPU_IS_LOST"
        ),
        Case(
            "the versions",
            .h100Ready,
            "NVML   13.595.71.05, driver 595.71.05, CUDA up to 13.2, 1 GPU",
            "CUDA   1 device"
        ),
    ]

    private static func vulkan(_ answer: VulkanFacts) -> NodeFacts {
        NodeFacts.h100Ready.with { facts in
            facts.vendor = facts.vendor.map { vendor in
                var vendor = vendor
                vendor.vulkan = .present(answer)
                return vendor
            }
        }
    }

    static let vulkan: [Case] = [
        Case(
            "the devices of Vulkan",
            vulkan(
                VulkanFacts(
                    devices: [(PCIFunction.h100.address, 0), (nil, -3)].map { address, result in
                        VulkanDevice(
                            name: "NVIDIA H100 NVL",
                            vendorID: 0x10de,
                            uuid: "GPU-a",
                            pciAddress: address,
                            draws: true,
                            result: result
                        )
                    }
                )
            ),
            "Vulkan  NVIDIA H100 NVL (0001:00:00.0), "
                + "NVIDIA H100 NVL (GPU-a), vkCreateDevice: -3 VK_ERROR_INITIALIZATION_FAILED"
        ),
        Case(
            "a driver that Vulkan cannot load",
            vulkan(VulkanFacts(result: -9, failedCall: "vkCreateInstance", loadError: "libX11.so.6: not found")),
            "Vulkan  -9 VK_ERROR_INCOMPATIBLE_DRIVER: libX11.so.6: not found"
        ),
    ]

    private static func peers(_ peers: Reading<CUDAPeerFacts>) -> NodeFacts {
        NodeFacts.h100Ready.withNVML { $0.gpus = (0..<2).map { GPUFacts.h100.at(index: $0) } }.with { facts in
            facts.vendor = facts.vendor.map { vendor in
                var vendor = vendor
                vendor.peers = peers
                return vendor
            }
        }
    }

    static let peers: [Case] = [
        Case(
            "peer access of one pair of two",
            peers(
                .present(
                    CUDAPeerFacts(pairs: [
                        CUDAPeerPair(first: "GPU-a", second: "GPU-b"),
                        CUDAPeerPair(first: "GPU-a", second: "GPU-c", failures: [CUDAPeerFailure(from: "GPU-a")]),
                    ])
                )
            ),
            "peer access  works between 1 of 2 pairs, fails between GPU-a and GPU-c"
        ),
        Case("no peer access", peers(.skipped("in use")), "peer access  skipped: in use"),
    ]

    static let host: [Case] = [
        Case(
            "a regular file in the place of a device node",
            NodeFacts.h100Ready.with { $0.driver.unusableNodes = ["nvidiactl": "it is not a device node"] },
            "unusable node        nvidiactl: it is not a device node"
        ),
        Case(
            "the labels of a Node that cannot be read now",
            NodeFacts.h100.with {
                $0.claims.nodeLabels = .unreadable(ReadFailure(.io, "no answer"))
                $0.claims.lastNodeLabels = ["nvidia.com/gpu.deploy.driver": "true"]
            },
            "Node labels        unreadable (io): no answer",
            "last known labels  nvidia.com/gpu.deploy.driver=true"
        ),
        Case(
            "an immutable system on Xen",
            NodeFacts.h100.with {
                $0.host.usrIsReadOnly = .present(true)
                $0.host.dmi = .present(
                    DMIFacts(
                        systemVendor: "Xen",
                        productName: "HVM domU",
                        chassisAssetTag: nil,
                        productVersion: "4.11.amazon",
                        biosVersion: "4.11.amazon",
                        hypervisorVersion: "4.11.amazon"
                    )
                )
            },
            "machine           Xen, HVM domU, 4.11.amazon",
            "firmware          BIOS 4.11.amazon, Xen 4.11.amazon",
            "/usr              read-only"
        ),
    ]

    @Test(arguments: functions + answers + vulkan + peers + host)
    func showsIt(_ row: Case) {
        let text = FactsText(facts: row.facts, style: Style(color: false)).text
        let lines = text.split(separator: "\n").map { $0.trimming { $0 == " " } }
        for line in row.lines { #expect(lines.contains(line), "\(text)") }
    }
}

extension Substring {
    fileprivate func trimming(_ isSpace: (Character) -> Bool) -> String {
        String(String(drop(while: isSpace)).reversed().drop(while: isSpace).reversed())
    }
}
