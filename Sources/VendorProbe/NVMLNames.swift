/// The names that the agent gives to NVML's numbers.
///
/// They are those of NVIDIA's header of version 13.5. The header of 12.9 has the same numbers, but not all of them.
enum NVMLNames {
    /// `NVML_DEVICE_ARCH_*`.
    static let architectures: [UInt32: String] = [
        2: "kepler", 3: "maxwell", 4: "pascal", 5: "volta", 6: "turing", 7: "ampere", 8: "ada",
        9: "hopper",
        10: "blackwell", 13: "rubin", 0xffff_ffff: "unknown",
    ]

    /// `nvmlBrandType_t`.
    static let brands: [UInt32: String] = [
        0: "unknown", 1: "quadro", 2: "tesla", 3: "nvs", 4: "grid", 5: "geforce", 6: "titan",
        7: "nvidia-vapps",
        8: "nvidia-vpc", 9: "nvidia-vcs", 10: "nvidia-vws", 11: "nvidia-cloud-gaming", 12: "quadro-rtx",
        13: "nvidia-rtx", 14: "nvidia", 15: "geforce-rtx", 16: "titan-rtx", 17: "nvidia-dla",
        18: "nvidia-vgamedev",
        19: "nvidia-npu",
    ]

    /// `nvmlComputeMode_t`.
    static let computeModes: [UInt32: String] = [
        0: "default", 1: "exclusive-thread", 2: "prohibited", 3: "exclusive-process",
    ]

    /// `nvmlDeviceAddressingModeType_t`.
    static let addressingModes: [UInt32: String] = [0: "none", 1: "hmm", 2: "ats"]

    /// `nvmlClocksEventReason*`, by the number of the bit.
    static let clockEventReasons: [Int: String] = [
        0: "gpu-idle", 1: "application-clocks", 2: "sw-power-cap", 3: "hw-slowdown", 4: "sync-boost",
        5: "sw-thermal-slowdown", 6: "hw-thermal-slowdown", 7: "hw-power-brake", 8: "display-clock",
        9: "board-limit",
        10: "reliability",
    ]

    /// `nvmlDeviceGpuRecoveryAction_t`.
    static let recoveryActions: [UInt32: String] = [
        0: "none", 1: "gpu-reset", 2: "node-reboot", 3: "drain-p2p", 4: "drain-and-reset",
        5: "recover-imex-domain",
        6: "bus-reset", 7: "system-reboot",
    ]

    /// `nvmlGridLicenseFeatureCode_t`.
    static let licenseCodes: [Int32: String] = [
        0: "unknown", 1: "vgpu", 2: "nvidia-rtx", 3: "gaming", 4: "compute", 5: "vgame-dev",
    ]

    /// `NVML_GRID_LICENSE_EXPIRY_*`.
    static let expiryStates: [UInt8: String] = [
        0: "not-available", 1: "invalid", 2: "valid", 3: "not-applicable", 4: "permanent",
    ]

    /// `NVML_GPU_FABRIC_STATE_*` without "not supported".
    static let fabricStates: [UInt8: String] = [1: "not-started", 2: "in-progress", 3: "completed"]

    /// `NVML_GPU_FABRIC_HEALTH_SUMMARY_*` without "not supported".
    static let fabricHealth: [UInt8: String] = [1: "healthy", 2: "unhealthy", 3: "limited-capacity"]

    /// `NVML_CC_SYSTEM_ENVIRONMENT_*`.
    static let environments: [UInt32: String] = [0: "unavailable", 1: "non-production", 2: "production"]

    /// `NVML_CC_SYSTEM_FEATURE_*`.
    static let confidentialFeatures: [UInt32: String] = [0: "off", 1: "on", 2: "bare-metal"]

    /// `NVML_CC_SYSTEM_MULTIGPU_*`.
    static let multiGPUModes: [UInt32: String] = [0: "none", 1: "protected-pcie", 2: "nvle"]
}
