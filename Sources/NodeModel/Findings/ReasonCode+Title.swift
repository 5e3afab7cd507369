extension ReasonCode {
    /// The statement that a code is about, as it reads when all is well.
    package var title: String {
        switch self {
        case .pciUnreadable: "every PCI function can be told apart"
        case .noGPU: "NVIDIA GPU on the PCI bus"
        case .unknownGPU: "the catalog knows every GPU"
        case .unknownVGPUType: "the catalog knows every vGPU type"
        case .evidenceConflict: "the evidence about each GPU agrees"
        case .mixedGPUs: "one driver can run all GPUs"
        case .vgpuHost: "the driver of this node is the agent's business"
        case .driverOwnedElsewhere: "the driver of this node is the agent's business"
        case .ownershipUnknown: "it is known who owns the driver"
        case .noDriverFits: "the catalog has a driver for this node"
        case .artifactWithoutHash: "the driver package has a checksum"
        case .hostUnreadable: "the host can be read"
        case .driverMissing: "a driver on the host"
        case .driverUnreadable: "a driver on the host"
        case .foreignDriver: "the driver on the host fits"
        case .driverInUse: "nothing uses the driver that is to be replaced"
        case .driverVersionSplit: "one driver version on the host"
        case .driverNotLoaded: "the kernel module nvidia is loaded"
        case .driverKindMismatch: "the driver is of the right kind"
        case .kernelModuleTypeMismatch: "the kernel modules are of the right type"
        case .deviceNodesMissing: "the device nodes are there"
        case .compilerMissing: "the host has a C compiler"
        case .makeMissing: "the host has make"
        case .kernelHeadersMissing: "the host has the headers of the running kernel"
        case .secureBoot: "the kernel accepts the modules"
        case .diskSpace: "the host has room for the driver"
        case .nouveauLoaded: "no other kernel driver holds the GPU"
        case .installFailed: "the install goes through"
        case .hostLocked: "nobody else changes the host"
        case .downloadFailed: "the driver package can be downloaded"
        case .downloadHashMismatch: "the driver package is the one of the catalog"
        case .installerFailed: "NVIDIA's installer succeeds"
        case .driverRemovalFailed: "the driver that is replaced can be removed"
        case .moduleLoadFailed: "the kernel modules can be loaded"
        case .moduleUnloadFailed: "the kernel modules can be unloaded"
        case .hostUnreachable: "the host can be reached"
        case .nvmlUnavailable: "NVML answers"
        case .nvmlHang: "NVML answers"
        case .gpuCount: "every GPU on the bus answers"
        case .gpuUnreadable: "every GPU can be read"
        case .migDevicesMissing: "MIG devices are there where MIG is on"
        case .guestMIGMismatch: "the host gave what the vGPU type says"
        case .migStrategyNone: "the device plugin hands out MIG devices"
        case .cudaFailed: "CUDA initializes and sees devices"
        case .cudaHang: "CUDA initializes and sees devices"
        case .licenseMissing: "the vGPU license is there"
        }
    }
}

extension ReasonCode {
    /// Reads the names of earlier versions too: a journal on a host is as old as the install it is about.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let name = try container.decode(String.self)
        guard let code = ReasonCode(rawValue: Self.earlierNames[name] ?? name) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "'\(name)' is not a reason code")
        }
        self = code
    }

    private static let earlierNames = [
        "licence-missing": "license-missing", "module-flavour-mismatch": "kernel-module-type-mismatch",
    ]
}
