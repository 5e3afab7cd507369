package import NodeModel

/// The one list of everything that the agent can find wrong.
///
/// The order is the order of reports and documentation, and among findings of one state the order of severity: phase by
/// phase, and a check after everything it depends on.
package enum CheckRegistry {
    package static let checks: [Check] = [
        // Phase: discover
        .pciUnreadable,
        .hostUnreadable,
        .noGPU,
        .unknownGPU,
        .unknownVGPUType,
        .evidenceConflict,

        // Phase: select
        .vgpuHost,
        .driverOwnedElsewhere,
        .ownershipUnknown,
        .mixedGPUs,
        .noDriverFits,
        .artifactWithoutHash,
        .foreignDriver,
        .driverInUse,

        // Phase: prepare
        .secureBoot,
        .nouveauLoaded,
        .compilerMissing,
        .makeMissing,
        .kernelHeadersMissing,
        .diskSpace,

        // Phase: install
        .hostUnreachable,
        .hostLocked,
        .downloadFailed,
        .downloadHashMismatch,
        .driverRemovalFailed,
        .moduleUnloadFailed,
        .installerFailed,
        .moduleLoadFailed,
        .installFailed,

        // Phase: load
        .driverUnreadable,
        .driverMissing,
        .driverVersionSplit,
        .driverNotLoaded,
        .driverKindMismatch,
        .kernelModuleTypeMismatch,
        .deviceNodesMissing,

        // Phase: use
        .nvmlHang,
        .nvmlUnavailable,
        .gpuCount,
        .gpuUnreadable,
        .migDevicesMissing,
        .migModePending,
        .licenseMissing,
        .cudaHang,
        .cudaFailed,
        .guestMIGMismatch,
        .migStrategyNone,
    ]

    private static let positions = Dictionary(
        checks.enumerated().map { ($0.element.code, $0.offset) },
        uniquingKeysWith: { first, _ in first }
    )

    /// The place of a code in the list; the end of it for a code that has no check.
    static func position(of code: ReasonCode) -> Int { positions[code] ?? checks.count }

    /// The check of a code.
    ///
    /// A test holds that every code has one.
    package static func check(_ code: ReasonCode) -> Check? { positions[code].map { checks[$0] } }
}
