import NodeModel

/// Nodes with 16 GPUs for which the selection takes longest.
enum Nodes {
    static let all: [(name: String, facts: NodeFacts)] = [
        ("vGPUs", azure.with(16, vgpu)),
        ("passed through", azure.with(16, h100)),
        ("bare metal", bareMetal.with(16, h100)),
        ("a driver is there", azure.with(16, h100, driver: "595.71.05")),
        ("mixed", azure.with(8, h100, and: vgpu)),
        ("unknown", azure.with(16, nvidia(0xffff, subsystem: PCIID(vendor: 0x10de, device: 1)))),
    ]

    /// Each vGPU reports the driver version of its host, which the agent compares with every driver of the catalog.
    private static let vgpu = nvidia(
        0x2bb5,
        subsystem: PCIID(vendor: 0x1414, device: 0x2187),
        capability: .present(VGPUCapability(hostDriverVersion: "595.58.03", hostDriverBranch: "r595_58"))
    )
    private static let h100 = nvidia(0x2330, subsystem: PCIID(vendor: 0x10de, device: 0x16c1))

    private static func nvidia(
        _ device: UInt16,
        subsystem: PCIID,
        capability: Reading<VGPUCapability> = .absent
    ) -> PCIFunction {
        PCIFunction(
            address: PCIAddress(domain: 0, bus: 0, device: 0, function: 0),
            id: PCIID(vendor: PCIFunction.nvidiaVendor, device: device),
            subsystem: .present(subsystem),
            classCode: 0x0302,
            vgpuCapability: capability
        )
    }

    private static let azure = node(vendor: "Microsoft Corporation", tag: "7783-7084-3265-9085-8269-3286-77")
    private static let bareMetal = node(vendor: "Supermicro", tag: nil)

    private static func node(vendor: String, tag: String?) -> NodeFacts {
        NodeFacts(
            host: HostFacts(
                kernelRelease: .present("5.15.0-1089-azure"),
                architecture: .present(.x86_64),
                osRelease: .present(OSRelease(id: "ubuntu", versionID: "22.04", prettyName: "Ubuntu 22.04.5 LTS")),
                dmi: .present(DMIFacts(systemVendor: vendor, productName: nil, chassisAssetTag: tag)),
                bootID: .present("7c1d0b52-90f1-4f0e-9d6b-0c2a55a0f4d1"),
                secureBoot: .present(false)
            ),
            pci: .present([]),
            driver: driver(nil),
            claims: .skipped("a benchmark"),
            build: BuildFacts(
                compiler: .present("/usr/bin/gcc"),
                make: .present("/usr/bin/make"),
                dkms: .absent,
                headersRelease: .present("5.15.0-1089-azure"),
                freeSpace: []
            ),
            vendor: .absent
        )
    }

    /// A driver that is installed and loaded; nil for no driver.
    fileprivate static func driver(_ version: String?) -> DriverFacts {
        func reading<Value>(_ value: (String) -> Value) -> Reading<Value> {
            version.map { .present(value($0)) } ?? .absent
        }
        return DriverFacts(
            loadedVersion: reading { $0 },
            runningModule: reading { RunningModule(version: $0, kernelModuleType: .open) },
            moduleFile: reading {
                ModuleFile(path: "/usr/lib/modules/nvidia.ko", version: $0, kernelModuleType: .open)
            },
            nvmlLibrary: reading { LibraryFile(path: "/usr/lib/libnvidia-ml.so.\($0)", version: $0) },
            cudaLibrary: reading { LibraryFile(path: "/usr/lib/libcuda.so.\($0)", version: $0) },
            gridDaemon: .absent,
            loadedModules: .present(version == nil ? [] : ["nvidia", "nvidia_uvm"]),
            nouveauLoaded: .present(false),
            deviceNodes: .present([]),
            record: .absent
        )
    }
}

extension NodeFacts {
    /// This node with this number of GPUs, or with this number of each of two kinds.
    fileprivate func with(
        _ count: Int,
        _ gpu: PCIFunction,
        and other: PCIFunction? = nil,
        driver version: String? = nil
    ) -> NodeFacts {
        var facts = self
        let gpus = (0..<count).flatMap { _ in [gpu, other].compactMap(\.self) }
        facts.pci = .present(
            gpus.enumerated().map { bus, gpu in
                var gpu = gpu
                gpu.address.bus = UInt8(bus)
                return gpu
            }
        )
        if let version { facts.driver = Nodes.driver(version) }
        return facts
    }
}
