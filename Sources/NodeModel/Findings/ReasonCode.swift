/// The stable names of everything the agent can find wrong.
///
/// They are metric labels, event reasons and keys of tests and runbooks: a code is never renamed or used anew.
package enum ReasonCode: String, Codable, Sendable, CaseIterable {
    // Hardware and choice
    case pciUnreadable = "pci-unreadable"
    case noGPU = "no-gpu"
    case unknownGPU = "unknown-gpu"
    case unknownVGPUType = "unknown-vgpu-type"
    case evidenceConflict = "evidence-conflict"
    case mixedGPUs = "mixed-gpus"
    case vgpuHost = "vgpu-host"
    case driverOwnedElsewhere = "driver-owned-elsewhere"
    case ownershipUnknown = "ownership-unknown"
    case noDriverFits = "no-driver-fits"
    case artifactWithoutHash = "artifact-without-hash"
    case hostUnreadable = "host-unreadable"

    // The driver on the host
    case driverMissing = "driver-missing"
    case driverUnreadable = "driver-unreadable"
    case foreignDriver = "foreign-driver"
    case driverInUse = "driver-in-use"
    case driverVersionSplit = "driver-version-split"
    case driverNotLoaded = "driver-not-loaded"
    case driverKindMismatch = "driver-kind-mismatch"
    case kernelModuleTypeMismatch = "kernel-module-type-mismatch"
    case deviceNodesMissing = "device-nodes-missing"

    // Preflight
    case compilerMissing = "compiler-missing"
    case makeMissing = "make-missing"
    case kernelHeadersMissing = "kernel-headers-missing"
    case secureBoot = "secure-boot"
    case diskSpace = "disk-space"
    case nouveauLoaded = "nouveau-loaded"

    // Install
    case installFailed = "install-failed"
    case hostLocked = "host-locked"
    case downloadFailed = "download-failed"
    case downloadHashMismatch = "download-hash-mismatch"
    case installerFailed = "installer-failed"
    case driverRemovalFailed = "driver-removal-failed"
    case moduleLoadFailed = "module-load-failed"
    case moduleUnloadFailed = "module-unload-failed"
    case hostUnreachable = "host-unreachable"

    // The vendor's libraries
    case nvmlUnavailable = "nvml-unavailable"
    case nvmlHang = "nvml-hang"
    case gpuCount = "gpu-count"
    case gpuUnreadable = "gpu-unreadable"
    case migDevicesMissing = "mig-devices-missing"
    case migModePending = "mig-mode-pending"
    case guestMIGMismatch = "guest-mig-mismatch"
    case migStrategyNone = "mig-strategy-none-under-mig"
    case cudaFailed = "cuda-failed"
    case cudaHang = "cuda-hang"
    case licenseMissing = "license-missing"
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
