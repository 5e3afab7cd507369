package import NodeModel

extension ReasonCode {
    /// The failures that neither the agent nor time ends: somebody must change the hardware, the firmware, the
    /// configuration or the catalog, or reboot the node.
    ///
    /// What a script of a new node can still change is not here, such as a compiler that is missing or a full disk. Nor is
    /// a download that failed, which the daemon repeats.
    private static let lasting: Set<ReasonCode> = [
        .gpuMemoryRegions, .unknownGPU, .unknownVGPUType, .evidenceConflict, .vgpuHost, .mixedGPUs, .noDriverFits,
        .artifactWithoutHash, .immutableSystem, .foreignDriver, .driverUninstalled, .secureBoot,
        .poolConflict, .rebootRequired, .xidHardware, .xidReboot, .gpuMemoryDamaged, .licenseTokenExpired,
        .vulkanNoGraphics,
    ]

    /// Whether a failure with this code lasts until somebody acts, so that it is useless to wait.
    package var isLasting: Bool { Self.lasting.contains(self) }
}

extension NodeReport {
    /// The failure because of which it is useless to wait for this node; nil when the node can still get well.
    package var lastingFailure: Finding? {
        // An install changes what the findings say.
        guard verdict != .installing else { return nil }
        return findings.first { $0.state == .failed && $0.code.isLasting }
    }
}
