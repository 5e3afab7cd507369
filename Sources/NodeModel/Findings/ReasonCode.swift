/// The stable names of all problems that the agent can find.
///
/// A code is never renamed or reused, because metric labels, events, tests and runbooks contain it.
package enum ReasonCode: String, Codable, Sendable, CaseIterable {
    // Hardware and driver selection
    case pciUnreadable = "pci-unreadable"
    case gpuLost = "gpu-lost"
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
    case immutableSystem = "immutable-system"
    case hostUnreadable = "host-unreadable"

    // The driver on the host
    case driverMissing = "driver-missing"
    case driverUnreadable = "driver-unreadable"
    case foreignDriver = "foreign-driver"
    case driverChangePending = "driver-change-pending"
    case driverInUse = "driver-in-use"
    case driverVersionSplit = "driver-version-split"
    case driverNotLoaded = "driver-not-loaded"
    case driverKindMismatch = "driver-kind-mismatch"
    case kernelModuleTypeMismatch = "kernel-module-type-mismatch"
    case deviceNodesMissing = "device-nodes-missing"

    // Preflight
    case compilerMissing = "compiler-missing"
    case compilerMismatch = "compiler-mismatch"
    case makeMissing = "make-missing"
    case kernelHeadersMissing = "kernel-headers-missing"
    case secureBoot = "secure-boot"
    case diskSpace = "disk-space"
    case nouveauLoaded = "nouveau-loaded"
    case otherGPUDriver = "other-gpu-driver"

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

    // NVIDIA's libraries
    case nvmlUnavailable = "nvml-unavailable"
    case nvmlHang = "nvml-hang"
    case gpuCount = "gpu-count"
    case gpuUnreadable = "gpu-unreadable"
    case migDevicesMissing = "mig-devices-missing"
    case migModePending = "mig-mode-pending"
    case migLayoutInvalid = "mig-layout-invalid"
    case guestMIGMismatch = "guest-mig-mismatch"
    case migStrategyNone = "mig-strategy-none-under-mig"
    case cudaFailed = "cuda-failed"
    case cudaHang = "cuda-hang"
    case licenseMissing = "license-missing"

    // The publication in the cluster
    case publicationFailed = "publication-failed"
    case fieldContested = "field-contested"
}

extension ReasonCode {
    /// Decodes a reason code, also by the name that an earlier version of the agent gave it.
    ///
    /// A journal on a host can be as old as the install that it records.
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
