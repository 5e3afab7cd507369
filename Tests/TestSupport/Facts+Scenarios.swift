package import NodeModel

/// The four nodes of the demo without a driver, and the same nodes with a driver.
///
/// A test takes one of them and changes the facts that it tests: `NodeFacts.h100.with { $0.host.secureBoot =
/// .present(true) }`.
extension NodeFacts {
    /// An Azure node with one vGPU of an RTX PRO 6000, and no driver.
    package static let rtxProVGPU = azureNode([.rtxProVGPU])
    /// An Azure node with an H100 passed through, and no driver.
    package static let h100 = azureNode([.h100])
    /// An Azure node without a GPU.
    package static let noGPU = azureNode([])
    /// An Azure node with a GPU whose device ID no product has.
    package static let unknownGPU = azureNode([.unknownGPU])

    /// The vGPU node with the GRID driver that the agent installed, one MIG device and a license.
    package static let rtxProReady = rtxProVGPU.with { facts in
        facts.driver = .loaded("595.91.07", .open, kind: .grid, record: .installed)
        facts.vendor = .answering("595.91.07", gpus: [.rtxProVGPU])
    }
    /// The H100 node with the datacenter driver that the agent installed.
    package static let h100Ready = h100.with { facts in
        facts.driver = .loaded("595.71.05", .open, kind: .datacenter, record: .installed)
        facts.vendor = .answering("595.71.05", gpus: [.h100])
    }

    package static let kernel = "5.15.0-1089-azure"

    private static func azureNode(_ functions: [PCIFunction]) -> NodeFacts {
        NodeFacts(
            host: HostFacts(
                kernelRelease: .present(kernel),
                architecture: .present(.x86_64),
                osRelease: .present(OSRelease(id: "ubuntu", versionID: "22.04", prettyName: "Ubuntu 22.04.5 LTS")),
                dmi: .present(.azure),
                bootID: .present("7c1d0b52-90f1-4f0e-9d6b-0c2a55a0f4d1"),
                secureBoot: .present(false)
            ),
            pci: .present(functions),
            driver: .none,
            claims: .none,
            build: BuildFacts(
                compiler: .present("/usr/bin/gcc"),
                make: .present("/usr/bin/make"),
                dkms: .absent,
                headersRelease: .present(kernel),
                freeSpace: ["/", "/usr", "/var/lib", "/tmp"].map { FreeSpace(path: $0, mebibytes: .present(50_000)) }
            ),
            vendor: .absent
        )
    }

    /// Returns a changed copy of these facts.
    package func with(_ change: (inout NodeFacts) -> Void) -> NodeFacts {
        var facts = self
        change(&facts)
        return facts
    }

    /// Returns these facts with a changed first GPU on the bus.
    package func withGPU(_ change: (inout PCIFunction) -> Void) -> NodeFacts {
        with { facts in
            guard var functions = facts.pci.value, !functions.isEmpty else { return }
            change(&functions[0])
            facts.pci = .present(functions)
        }
    }

    /// Returns these facts with changed results of NVML.
    package func withNVML(_ change: (inout NVMLFacts) -> Void) -> NodeFacts {
        with { facts in
            guard var vendor = facts.vendor.value, var nvml = vendor.nvml.value else { return }
            change(&nvml)
            vendor.nvml = .present(nvml)
            facts.vendor = .present(vendor)
        }
    }
}

extension PCIFunction {
    package static let rtxProVGPU = PCIFunction(
        address: PCIAddress(domain: 1, bus: 0, device: 0, function: 0),
        id: PCIID(vendor: 0x10de, device: 0x2bb5),
        subsystem: .present(PCIID(vendor: 0x1414, device: 0x2187)),
        classCode: 0x0302,
        revision: 0xa1,
        vgpuCapability: .present(VGPUCapability(hostDriverVersion: "595.58.03", hostDriverBranch: "r595_58"))
    )
    package static let h100 = PCIFunction(
        address: PCIAddress(domain: 1, bus: 0, device: 0, function: 0),
        id: PCIID(vendor: 0x10de, device: 0x2321),
        subsystem: .present(PCIID(vendor: 0x10de, device: 0x1839)),
        classCode: 0x0302,
        revision: 0xa1
    )
    package static let unknownGPU = PCIFunction(
        address: PCIAddress(domain: 1, bus: 0, device: 0, function: 0),
        id: PCIID(vendor: 0x10de, device: 0xffff),
        subsystem: .present(PCIID(vendor: 0x10de, device: 0x0001)),
        classCode: 0x0302,
        revision: 0xa1
    )

    /// The same function at another bus number.
    package func at(bus: UInt8) -> PCIFunction {
        var copy = self
        copy.address.bus = bus
        return copy
    }
}

extension DMIFacts {
    package static let azure = DMIFacts(
        systemVendor: "Microsoft Corporation",
        productName: "Virtual Machine",
        chassisAssetTag: "7783-7084-3265-9085-8269-3286-77"
    )
}

extension ClaimFacts {
    /// A host without traces of a driver owner.
    package static let none = ClaimFacts(
        packages: .present([]),
        runfile: .absent,
        dkms: .present([]),
        aksMarker: .absent,
        driverContainer: .absent,
        gridUnit: .absent,
        deviceUsers: .present([]),
        nodeLabels: .present([:])
    )
}

extension DriverFacts {
    /// A host without a driver.
    package static let none = DriverFacts(
        loadedVersion: .absent,
        runningModule: .absent,
        moduleFile: .absent,
        nvmlLibrary: .absent,
        cudaLibrary: .absent,
        gridDaemon: .absent,
        loadedModules: .present([]),
        nouveauLoaded: .present(false),
        deviceNodes: .present([]),
        record: .absent
    )

    /// A driver that is installed and loaded, with its device nodes.
    ///
    /// `record` is the state of the agent's record. Without it, another owner installed the driver.
    package static func loaded(
        _ version: String,
        _ kernelModuleType: KernelModuleType,
        kind: DriverKind,
        record: InstallRecord.State? = nil
    ) -> DriverFacts {
        let libraries = "/usr/lib/x86_64-linux-gnu"
        return DriverFacts(
            loadedVersion: .present(version),
            runningModule: .present(RunningModule(version: version, kernelModuleType: kernelModuleType)),
            moduleFile: .present(
                ModuleFile(
                    path: "/usr/lib/modules/\(NodeFacts.kernel)/updates/nvidia.ko",
                    version: version,
                    kernelModuleType: kernelModuleType
                )
            ),
            nvmlLibrary: .present(LibraryFile(path: "\(libraries)/libnvidia-ml.so.\(version)", version: version)),
            cudaLibrary: .present(LibraryFile(path: "\(libraries)/libcuda.so.\(version)", version: version)),
            gridDaemon: kind == .grid ? .present("/usr/bin/nvidia-gridd") : .absent,
            loadedModules: .present(["nvidia", "nvidia_modeset", "nvidia_uvm"]),
            nouveauLoaded: .present(false),
            deviceNodes: .present(["nvidia-uvm", "nvidia-uvm-tools", "nvidia0", "nvidiactl"]),
            record: record.map { state in
                .present(
                    InstallRecord(
                        state: state,
                        kind: kind,
                        version: version,
                        kernelModuleType: kernelModuleType,
                        kernelRelease: NodeFacts.kernel,
                        artifactHash: String(repeating: "ab", count: 32)
                    )
                )
            } ?? .absent
        )
    }

    /// The same driver after a boot: installed, but not loaded.
    package var unloaded: DriverFacts {
        var copy = self
        copy.loadedVersion = .absent
        copy.loadedModules = .present([])
        copy.runningModule = .absent
        copy.deviceNodes = .present([])
        return copy
    }
}

extension GPUFacts {
    package static let rtxProVGPU = GPUFacts(
        index: 0,
        pciAddress: .present(PCIFunction.rtxProVGPU.address),
        uuid: .present("GPU-6f1cb2a4-3d0e-4b7a-9c55-8d1e2f7a4b60"),
        name: .present("NVIDIA RTX Pro 6000 Blackwell DC-4-96Q"),
        memoryMiB: .present(98304),
        computeCapability: .present(ComputeCapability(major: 12, minor: 0)),
        migMode: .present(MIGMode(current: true, pending: true)),
        migDevices: .present([.wholeRTXPro]),
        virtualization: .present(.vgpu),
        license: .present(LicenseFacts(licensed: true, product: "NVIDIA RTX Virtual Workstation"))
    )
    package static let h100 = GPUFacts(
        index: 0,
        pciAddress: .present(PCIFunction.h100.address),
        uuid: .present("GPU-2c4d9e70-5a1b-4f38-b6c2-0e9f7d3a8b14"),
        name: .present("NVIDIA H100 NVL"),
        memoryMiB: .present(95830),
        computeCapability: .present(ComputeCapability(major: 9, minor: 0)),
        migMode: .present(MIGMode(current: false, pending: false)),
        migDevices: .absent,
        virtualization: .present(.passthrough),
        license: .absent
    )

    /// A GPU that has fallen off the bus: NVML counts it, but cannot read it.
    package static func lost(index: Int) -> GPUFacts {
        let failure = ReadFailure(.vendor, "nvmlDeviceGetHandleByIndex_v2: 15 NVML_ERROR_GPU_IS_LOST")
        return GPUFacts(
            index: index,
            pciAddress: .unreadable(failure),
            uuid: .unreadable(failure),
            name: .unreadable(failure),
            memoryMiB: .unreadable(failure),
            computeCapability: .unreadable(failure),
            migMode: .unreadable(failure),
            migDevices: .unreadable(failure),
            virtualization: .unreadable(failure),
            license: .unreadable(failure)
        )
    }

    /// The same GPU with another index and bus number, and with its own UUID.
    package func at(index: Int) -> GPUFacts {
        var copy = self
        copy.index = index
        copy.pciAddress = pciAddress.map {
            PCIAddress(domain: $0.domain, bus: UInt8(index), device: $0.device, function: $0.function)
        }
        copy.uuid = uuid.map { "\($0.dropLast())\(index)" }
        return copy
    }
}

extension MIGDevice {
    /// The only MIG device of the vGPU node, which the vGPU host created.
    package static let wholeRTXPro = MIGDevice(
        uuid: "MIG-0b5e7c1d-92a6-5f43-8e0b-4c6d1a2f3e97",
        profile: "4g.96gb",
        memoryMiB: 95616,
        gpuInstanceID: 0,
        computeInstanceID: 0,
        attributes: .present(
            MIGAttributes(
                multiprocessors: 188,
                gpuInstanceSlices: 4,
                computeInstanceSlices: 4,
                copyEngines: 4,
                decoders: 4,
                encoders: 4,
                jpegEngines: 4,
                opticalFlowEngines: 1
            )
        )
    )
}

extension Reading<VendorFacts> {
    /// Working NVML and CUDA: CUDA reports once for each MIG device, or once for all GPUs.
    package static func answering(_ version: String, gpus: [GPUFacts]) -> Reading<VendorFacts> {
        let mig = gpus.flatMap { $0.migDevices.value ?? [] }
        let cuda = mig.map { CUDAFacts(visibleDevices: $0.uuid, result: 0, errorName: nil, deviceCount: 1) }
        let whole = CUDAFacts(visibleDevices: nil, result: 0, errorName: nil, deviceCount: gpus.count)
        return .present(
            VendorFacts(
                nvml: .present(
                    NVMLFacts(
                        driverVersion: version,
                        nvmlVersion: "13.\(version)",
                        cudaVersion: .present("13.2"),
                        gpus: gpus
                    )
                ),
                cuda: .present(cuda.isEmpty ? [whole] : cuda)
            )
        )
    }
}

extension ReadFailure {
    package static let denied = ReadFailure(.permission, "permission denied")
}

extension DeviceUser {
    /// NVIDIA's persistence daemon as a service of the host.
    package static let persistenced = DeviceUser(
        pid: 900,
        command: "nvidia-persiste",
        nodes: ["nvidia0", "nvidiactl"],
        unit: "nvidia-persistenced.service"
    )
}
