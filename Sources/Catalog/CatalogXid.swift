/// What an Xid means for its GPU, the least severe first.
///
/// An Xid is an error that NVIDIA's driver writes to the kernel log, with a number for its kind.
package enum XidClass: String, Codable, Sendable, CaseIterable, Comparable {
    /// The driver corrected the error, or only informs.
    case ignore
    /// A program failed. The GPU works for the next program.
    case application
    /// The GPU deserves attention, but no action is known to help.
    case watch
    /// The GPU needs a reset.
    case gpuReset = "gpu-reset"
    /// The node needs a reboot.
    case reboot
    /// A person must look at the machine.
    case hardware

    package static func < (left: XidClass, right: XidClass) -> Bool { left.weight < right.weight }

    private var weight: Int { Self.allCases.firstIndex(of: self) ?? 0 }
}

/// An Xid in the catalog.
package struct CatalogXid: Sendable, Equatable {
    /// The number of the Xid.
    package var code: Int
    /// NVIDIA's name of the error, such as `ROBUST_CHANNEL_GPU_HAS_FALLEN_OFF_THE_BUS`.
    package var mnemonic: String?
    /// NVIDIA's immediate action, such as `RESTART_APP` or `RESET_GPU`; nil when NVIDIA gives none.
    package var immediate: String?
    /// NVIDIA's action to find the cause, such as `CONTACT_SUPPORT`; nil when NVIDIA gives none.
    package var investigatory: String?
    package var xidClass: XidClass
    /// Why the Xid has this class, as sentences; nil when the class follows from NVIDIA's immediate action.
    package var reason: String?

    package init(
        code: Int,
        mnemonic: String? = nil,
        immediate: String? = nil,
        investigatory: String? = nil,
        xidClass: XidClass,
        reason: String? = nil
    ) {
        self.code = code
        self.mnemonic = mnemonic
        self.immediate = immediate
        self.investigatory = investigatory
        self.xidClass = xidClass
        self.reason = reason
    }
}

/// What an Xid means, with NVIDIA's actions and the reason.
package struct XidVerdict: Sendable, Equatable {
    package var xidClass: XidClass
    /// The entry of the catalog; nil for an unknown Xid.
    package var entry: CatalogXid?
    /// Why the Xid has this class, as a sentence.
    package var why: String
}

extension [Int: CatalogXid] {
    /// What the Xid with this number means.
    ///
    /// An unknown Xid has the class `watch`: a new error of the driver can be harmless or severe.
    package func verdict(onXid code: Int) -> XidVerdict {
        guard let entry = self[code] else {
            return XidVerdict(xidClass: .watch, entry: nil, why: "The catalog does not know Xid \(code).")
        }
        let usual = entry.immediate.map { "NVIDIA's immediate action is \($0)." } ?? "The catalog gives no reason."
        return XidVerdict(xidClass: entry.xidClass, entry: entry, why: entry.reason ?? usual)
    }
}
