/// The state of a vGPU's software license.
package struct LicenseFacts: Codable, Sendable, Equatable {
    package var licensed: Bool
    /// The licensed product, such as `NVIDIA RTX Virtual Workstation`; nil when NVML names none.
    package var product: String?
    /// What can be licensed, in NVML's order; nil in facts of an earlier version of the agent.
    package var features: [LicenseFeature]?

    package init(licensed: Bool, product: String?, features: [LicenseFeature]? = nil) {
        self.licensed = licensed
        self.product = product
        self.features = features
    }
}

/// A feature of a GPU that needs a license (`nvmlGridLicensableFeature_t`).
package struct LicenseFeature: Codable, Sendable, Equatable {
    /// The kind of the feature: `unknown`, `vgpu`, `nvidia-rtx`, `gaming`, `compute` or `vgame-dev`.
    package var code: String
    /// Whether the GPU has a license for it now.
    package var licensed: Bool
    /// Whether the feature is enabled.
    package var enabled: Bool
    /// The licensed product; nil when NVML names none.
    package var product: String?
    /// What NVML says about the end of the license: `not-available`, `invalid`, `valid`, `not-applicable` or `permanent`.
    package var expiryStatus: String
    /// The end of the license as `2027-01-31T23:59:59Z`; nil unless the status is `valid`.
    package var expires: String?

    package init(
        code: String,
        licensed: Bool,
        enabled: Bool,
        product: String?,
        expiryStatus: String,
        expires: String? = nil
    ) {
        self.code = code
        self.licensed = licensed
        self.enabled = enabled
        self.product = product
        self.expiryStatus = expiryStatus
        self.expires = expires
    }
}
