import CoreSupport
import Health
import NodeModel
import Planning
import TestSupport

/// What NVML and CUDA report.
extension ChecksTests {
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
        Case(.nvmlHang, "is slow", .unknown, vendor { $0.nvml = .unreadable(slow) }, observed: slow.detail),
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
            "an error after the initialization",
            .failed,
            vendor {
                $0.cuda = .present([
                    CUDAFacts(
                        visibleDevices: "GPU-1",
                        result: 719,
                        errorName: "CUDA_ERROR_LAUNCH_FAILED",
                        failedCall: "cuCtxSynchronize",
                        deviceCount: 1,
                        computation: .absent
                    )
                ])
            },
            observed: "719 CUDA_ERROR_LAUNCH_FAILED in cuCtxSynchronize on GPU-1"
        ),
        Case(
            .cudaFailed,
            "a kernel with wrong results",
            .failed,
            cuda(.present(CUDAComputation(wrongResults: 32))),
            observed: "a kernel computed 32 wrong values on GPU-1"
        ),
        Case(
            .cudaFailed,
            "memory that changes",
            .failed,
            cuda(.present(CUDAComputation(wrongCopies: 1))),
            observed: "1 value came back changed from the GPU's memory on GPU-1"
        ),
        Case(
            .cudaFailed,
            "a process that ends without an answer",
            .failed,
            vendor {
                $0.cuda = .present([
                    CUDAFacts(visibleDevices: "GPU-1", result: 0, errorName: nil, deviceCount: 1),
                    CUDAFacts(visibleDevices: "GPU-2", fault: ReadFailure(.crashed, "signal 11")),
                ])
            },
            observed: "signal 11 on GPU-2"
        ),
        Case(
            .cudaFailed,
            "a kernel with the right results",
            .pass,
            cuda(.present(CUDAComputation())),
            observed: "1 device, each of which computes the right results"
        ),
        Case(
            .cudaFailed,
            "no kernel, because the GPU is in use",
            .pass,
            cuda(.skipped("python3 (7) uses the GPUs")),
            observed: "1 device; no kernel ran: python3 (7) uses the GPUs"
        ),
        Case(
            .cudaHang,
            "no answer from one device of two",
            .failed,
            vendor {
                $0.cuda = .present([
                    CUDAFacts(visibleDevices: "GPU-1", result: 0, errorName: nil, deviceCount: 1),
                    CUDAFacts(visibleDevices: "GPU-2", fault: ReadFailure(.hang, "CUDA on GPU-2: no answer")),
                ])
            },
            observed: "CUDA on GPU-2: no answer"
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

    static func persistence(_ modes: Bool...) -> NodeFacts {
        NodeFacts.h100Ready.withNVML { nvml in
            nvml.gpus = modes.enumerated().map { index, isOn in
                var gpu = GPUFacts.h100.at(index: index)
                gpu.traits[.persistenceMode] = .present(.flag(isOn))
                return gpu
            }
        }
    }

    static let persistenceCases = [
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

    static func pending(
        module: Bool = false,
        version: String? = nil,
        headers: Bool = true,
        headersRelease: String? = nil,
        dkms: Reading<String> = .present("/usr/sbin/dkms"),
        tree: String = "595.71.05",
        ours: Bool = true
    ) -> NodeFacts {
        NodeFacts.h100Ready.with {
            $0.host.pendingKernel = .present(
                PendingKernel(
                    release: "6.1.0-60-amd64",
                    hasModule: module,
                    moduleVersion: version,
                    hasHeaders: headers,
                    headersRelease: headersRelease
                )
            )
            $0.build.dkms = dkms
            $0.claims.dkms = .present([DKMSTree(name: "nvidia", version: tree, kernels: [])])
            if !ours { $0.driver.record = .absent }
        }
    }

    static let kernelCases = [
        Case(.kernelChangePending, "the running kernel is the newest", nil),
        Case(.kernelChangePending, "with a module", .pass, pending(module: true), observed: "6.1.0-60-amd64"),
        Case(
            .kernelChangePending,
            "without a module",
            .notice,
            pending(),
            observed: "The installed kernel 6.1.0-60-amd64 is newer than the running one, and has no module of driver "
                + "595.71.05."
        ),
        Case(
            .kernelChangePending,
            "with the module of another version",
            .notice,
            pending(module: true, version: "580.105.08"),
            observed: "The installed kernel 6.1.0-60-amd64 is newer than the running one, and has the module of driver "
                + "580.105.08, and not that of driver 595.71.05."
        ),
        Case(
            .kernelChangePending,
            "without a driver",
            nil,
            pending().with { $0.driver.moduleFile = .absent }
        ),
    ]

    /// The driver of the agent, its headers, DKMS, and the remedy.
    static let kernelRemedies: [(NodeFacts, String)] = [
        (
            pending(),
            "Before the reboot, run 'dkms autoinstall -k 6.1.0-60-amd64'. After the reboot, the agent builds what is "
                + "missing, and the node is not ready until then."
        ),
        (
            pending(headers: false, ours: false),
            "Before the reboot, install the headers of 6.1.0-60-amd64, and run 'dkms autoinstall -k 6.1.0-60-amd64'. "
                + "Whoever installed the driver must build it for this kernel."
        ),
        (
            pending(headers: false, dkms: .absent),
            "Before the reboot, install the headers of 6.1.0-60-amd64. After the reboot, the agent builds what is missing, "
                + "and the node is not ready until then."
        ),
        (
            pending(headers: false, headersRelease: "6.1.0-56-amd64", dkms: .absent, ours: false),
            "Before the reboot, install the headers of 6.1.0-60-amd64 (/lib/modules/6.1.0-60-amd64/build has those of "
                + "6.1.0-56-amd64). Whoever installed the driver must build it for this kernel."
        ),
        // DKMS knows another driver, and not this one.
        (
            pending(tree: "580.105.08"),
            "After the reboot, the agent builds what is missing, and the node is not ready until then."
        ),
        (
            pending(dkms: .absent),
            "After the reboot, the agent builds what is missing, and the node is not ready until then."
        ),
        (
            pending().with { $0.driver.record = $0.driver.record.fromPackages },
            "Before the reboot, install linux-modules-nvidia-595-server-open-6.1.0-60-amd64 for driver 595.71.05. "
                + "Otherwise, the agent installs it after the reboot when a repository has it, and the node is not ready "
                + "until then."
        ),
    ]
}
