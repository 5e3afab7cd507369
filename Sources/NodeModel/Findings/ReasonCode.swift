/// The stable name of a problem that the agent can find, such as `driver-missing`.
///
/// A code is never renamed or reused, because metric labels, events, tests and runbooks contain it. The codes below are
/// those that the selection, the planner and the executor of an install raise. Every other code is declared in the file
/// of its check, and `CheckRegistry` lists them all.
package struct ReasonCode: Hashable, Sendable, RawRepresentable {
    package let rawValue: String

    /// Declares a code.
    package init(_ name: StaticString) { rawValue = "\(name)" }

    /// Reads a code from a document; nil when the text cannot be one.
    ///
    /// A document can come from a newer version of the agent, so the code may be one that this version does not know.
    package init?(rawValue: String) {
        let parts = rawValue.utf8.split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
        let isName = parts.allSatisfy { part in
            !part.isEmpty
                && part.allSatisfy {
                    UInt8(ascii: "a")...UInt8(ascii: "z") ~= $0 || UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0
                }
        }
        guard isName, rawValue.utf8.count <= Self.lengthLimit else { return nil }
        self.rawValue = rawValue
    }

    /// The place where the documentation explains the code, as a path in the repository with an anchor.
    package var documentation: String { "docs/reason-codes.md#\(rawValue)" }

    /// The most bytes of a code: a code is a label value in Kubernetes, which has at most 63.
    private static let lengthLimit = 63
}

extension ReasonCode {
    // Hardware and driver selection
    package static let pciUnreadable = ReasonCode("pci-unreadable")
    package static let gpuLost = ReasonCode("gpu-lost")
    package static let noGPU = ReasonCode("no-gpu")
    package static let unknownGPU = ReasonCode("unknown-gpu")
    package static let unknownVGPUType = ReasonCode("unknown-vgpu-type")
    package static let evidenceConflict = ReasonCode("evidence-conflict")
    package static let mixedGPUs = ReasonCode("mixed-gpus")
    package static let vgpuHost = ReasonCode("vgpu-host")
    package static let driverOwnedElsewhere = ReasonCode("driver-owned-elsewhere")
    package static let ownershipUnknown = ReasonCode("ownership-unknown")
    package static let poolUnknown = ReasonCode("pool-unknown")
    package static let poolConflict = ReasonCode("pool-conflict")
    package static let noDriverFits = ReasonCode("no-driver-fits")
    package static let artifactWithoutHash = ReasonCode("artifact-without-hash")
    package static let prebuiltModulesMissing = ReasonCode("prebuilt-modules-missing")
    package static let immutableSystem = ReasonCode("immutable-system")
    package static let hostUnreadable = ReasonCode("host-unreadable")

    // The driver on the host
    package static let driverUninstalled = ReasonCode("driver-uninstalled")
    package static let driverUnreadable = ReasonCode("driver-unreadable")
    package static let foreignDriver = ReasonCode("foreign-driver")
    package static let driverChangePending = ReasonCode("driver-change-pending")
    package static let driverSourceChange = ReasonCode("driver-source-change")
    package static let driverRolledBack = ReasonCode("driver-rolled-back")
    package static let driverInUse = ReasonCode("driver-in-use")
    package static let driverVersionSplit = ReasonCode("driver-version-split")
    package static let deviceFilesIncomplete = ReasonCode("device-files-incomplete")
    package static let driverNotLoaded = ReasonCode("driver-not-loaded")

    // Preflight
    package static let compilerMissing = ReasonCode("compiler-missing")
    package static let compilerMismatch = ReasonCode("compiler-mismatch")
    package static let makeMissing = ReasonCode("make-missing")
    package static let kernelHeadersMissing = ReasonCode("kernel-headers-missing")
    package static let secureBoot = ReasonCode("secure-boot")
    package static let diskSpace = ReasonCode("disk-space")
    package static let nouveauLoaded = ReasonCode("nouveau-loaded")
    package static let otherGPUDriver = ReasonCode("other-gpu-driver")
    package static let foreignFile = ReasonCode("foreign-file")

    package static let fabricManagerMissing = ReasonCode("fabric-manager-missing")
    package static let imexMissing = ReasonCode("imex-missing")
    package static let licenseTokenUnusable = ReasonCode("license-token-unusable")

    // Install
    package static let installFailed = ReasonCode("install-failed")
    package static let migApplyFailed = ReasonCode("mig-apply-failed")
    package static let hostLocked = ReasonCode("host-locked")
    package static let jobRunning = ReasonCode("job-running")
    package static let packageManagerBusy = ReasonCode("package-manager-busy")
    package static let packageIndexFailed = ReasonCode("package-index-failed")
    package static let buildPackageMissing = ReasonCode("build-package-missing")
    package static let dkmsBuildFailed = ReasonCode("dkms-build-failed")
    package static let packageFileMissing = ReasonCode("package-file-missing")
    package static let buildAheadFailed = ReasonCode("build-ahead-failed")
    package static let buildPackagesFailed = ReasonCode("build-packages-failed")
    package static let driverPackagesFailed = ReasonCode("driver-packages-failed")
    package static let fabricPackagesFailed = ReasonCode("fabric-packages-failed")
    package static let downloadFailed = ReasonCode("download-failed")
    package static let downloadHashMismatch = ReasonCode("download-hash-mismatch")
    package static let downloadForbidden = ReasonCode("download-forbidden")
    package static let downloadNotFound = ReasonCode("download-not-found")
    package static let downloadWebPage = ReasonCode("download-web-page")
    package static let sourceUnreadable = ReasonCode("source-unreadable")
    package static let sourcePackageMissing = ReasonCode("source-package-missing")
    package static let sourcePackageMismatch = ReasonCode("source-package-mismatch")
    package static let installerFailed = ReasonCode("installer-failed")
    package static let driverRemovalFailed = ReasonCode("driver-removal-failed")
    package static let moduleLoadFailed = ReasonCode("module-load-failed")
    package static let rebootRequired = ReasonCode("reboot-required")
    package static let driverServiceFailed = ReasonCode("driver-service-failed")
    package static let moduleUnloadFailed = ReasonCode("module-unload-failed")
    package static let licenseDaemonNotRunning = ReasonCode("license-daemon-not-running")
    package static let uninstallFailed = ReasonCode("uninstall-failed")
    package static let hostUnreachable = ReasonCode("host-unreachable")
}

extension ReasonCode: Codable {
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
