package import NodeModel

/// All checks, in the order of reports and of the documentation.
///
/// Among findings with the same state, this is also the order of severity. The phases follow each other, and each check
/// comes after the checks that it depends on.
package enum CheckRegistry {
    package static let checks: [Check] = [
        // Phase: discover
        .pciUnreadable,
        .gpuLost,
        .gpuDisappeared,
        .gpuMemoryRegions,
        .gpuMemoryWindowSmall,
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
        .prebuiltModulesMissing,
        .immutableSystem,
        .foreignDriver,
        .driverInUse,
        .driverChangePending,
        .driverSourceChange,
        .driverRolledBack,
        .driverUninstalled,

        // Phase: prepare
        .secureBoot,
        .nouveauLoaded,
        .otherGPUDriver,
        .foreignFile,
        .compilerMissing,
        .compilerMismatch,
        .makeMissing,
        .kernelHeadersMissing,
        .diskSpace,
        .licenseTokenUnusable,

        // Phase: install
        .hostUnreachable,
        .hostLocked,
        .jobRunning,
        .packageManagerBusy,
        .packageIndexFailed,
        .buildPackageMissing,
        .packageFileMissing,
        .dkmsBuildFailed,
        .buildPackagesFailed,
        .driverPackagesFailed,
        .fabricPackagesFailed,
        .downloadFailed,
        .downloadForbidden,
        .downloadNotFound,
        .downloadWebPage,
        .downloadHashMismatch,
        .sourceUnreadable,
        .sourcePackageMissing,
        .sourcePackageMismatch,
        .driverRemovalFailed,
        .rebootRequired,
        .moduleUnloadFailed,
        .driverServiceFailed,
        .installerFailed,
        .moduleLoadFailed,
        .installFailed,
        .buildAheadFailed,
        .uninstallFailed,

        // Phase: load
        .driverUnreadable,
        .driverMissing,
        .driverVersionSplit,
        .kernelChangePending,
        .driverNotLoaded,
        .driverKindMismatch,
        .kernelModuleTypeMismatch,
        .deviceNodesMissing,
        .deviceFilesIncomplete,
        .moduleParametersPending,
        .extraModulesMissing,

        // Phase: use
        .nvmlHang,
        .nvmlUnavailable,
        .gpuNotInitialized,
        .gpuCount,
        .gpuUnreadable,
        .xidHardware,
        .xidReboot,
        .xidGPUReset,
        .gpuRecoveryPending,
        .gpuMemoryDamaged,
        .nvswitchError,
        .migModePending,
        .migLayoutLost,
        .migLayoutPending,
        .migDevicesMissing,
        .migGPUReplaced,
        .migLayoutInvalid,
        .licenseDaemonMissing,
        .licenseTokenUnreadable,
        .licenseTokenExpired,
        .licenseTokenMissing,
        .licenseClockSkew,
        .licenseNoneAvailable,
        .licenseServerFailed,
        .licenseExpired,
        .licenseMissing,
        .licenseDaemonNotRunning,
        .licenseRenewalFailing,
        .licenseGrace,
        .licenseConfigurationPending,
        .cudaHang,
        .fabricManagerMissing,
        .fabricManagerVersionMismatch,
        .nvlsmMissing,
        .fabricManagerNotRunning,
        .cudaFailed,
        .gpuNotOffered,
        .vulkanHang,
        .vulkanLoaderMissing,
        .vulkanDriverFileMissing,
        .vulkanLibraryMissing,
        .vulkanModesetMissing,
        .vulkanNoGraphics,
        .vulkanFailed,
        .guestMIGMismatch,
        .migStrategyNone,
        .devicePluginStrategy,
        .nvlinkDown,
        .fabricIncomplete,
        .cudaPeerFailed,
        .migApplyFailed,
        .xidWatch,
        .gpuMemoryRepairPending,
        .gpuMemoryErrors,
        .gpuThrottled,
        .pcieLinkReduced,
        .xidApplication,
        .kernelLogIncomplete,
        .imexMissing,
        .imexNotRunning,
        .imexChannelMissing,
        .persistenceModeOff,
        .cdiSpecificationStale,
        .driverMarkerStale,
        .containerdVersionMismatch,
        .devicePluginResources,
        .expectationNotMet,

        // Phase: publish
        .publicationFailed,
        .fieldContested,
        .labelsForeign,
    ]

    private static let positions = Dictionary(
        checks.enumerated().map { ($0.element.code, $0.offset) },
        uniquingKeysWith: { first, _ in first }
    )

    /// The position of a code in the list; for a code without a check, the position after the last one.
    static func position(of code: ReasonCode) -> Int { positions[code] ?? checks.count }

    /// The check with this code.
    ///
    /// A test ensures that every code has a check.
    package static func check(_ code: ReasonCode) -> Check? { positions[code].map { checks[$0] } }
}
