/// How severe an error of an NVSwitch is in NVIDIA's documents.
package enum SXidSeverity: String, Codable, Sendable, CaseIterable {
    /// The NVSwitch works on.
    case nonFatal = "non-fatal"
    /// The traffic of a link ends.
    case fatal
    /// The traffic of all links ends.
    case alwaysFatal = "always-fatal"
}

/// An SXid in the catalog: an error that the driver of an NVSwitch writes to the kernel log, with a number for its kind.
package struct CatalogSXid: Sendable, Equatable {
    /// The number of the SXid.
    package var code: Int
    /// NVIDIA's name of the error, such as `NVSWITCH_ERR_HW_DLPL_LTSSM_FAULT_UP`.
    package var mnemonic: String?
    /// Nil when NVIDIA's documents do not say it.
    package var severity: SXidSeverity?
    /// NVIDIA's action, such as `RESET_FABRIC`; nil when NVIDIA gives none.
    package var action: String?
    package var sxidClass: XidClass
    /// Why the SXid has this class, as sentences; nil when the class follows from the severity or the action.
    package var reason: String?

    package init(
        code: Int,
        mnemonic: String? = nil,
        severity: SXidSeverity? = nil,
        action: String? = nil,
        sxidClass: XidClass,
        reason: String? = nil
    ) {
        self.code = code
        self.mnemonic = mnemonic
        self.severity = severity
        self.action = action
        self.sxidClass = sxidClass
        self.reason = reason
    }

    /// Why the SXid has its class, as sentences.
    fileprivate var why: String {
        if let reason { return reason }
        if let severity { return "NVIDIA calls SXid \(code) \(severity.rawValue)." }
        return action.map { "NVIDIA's action is \($0)." } ?? "The catalog gives no reason."
    }
}

extension [Int: CatalogSXid] {
    /// What an SXid with this number means.
    ///
    /// An unknown SXid has the class `watch`, unless its line says that it is fatal. The line also wins over the severity
    /// of the catalog, because the driver knows what happened. Only an error that is always fatal stays so.
    ///
    /// - Parameters:
    ///   - code: The number.
    ///   - isFatal: What the line of the kernel log says; nil when it does not say it.
    /// - Returns: The class, and why the SXid has it, as sentences.
    package func verdict(onSXid code: Int, isFatal: Bool?) -> (sxidClass: XidClass, why: String) {
        guard let entry = self[code] else {
            let unknown = "The catalog does not know SXid \(code)."
            guard isFatal == true else { return (.watch, unknown) }
            return (.reboot, "\(unknown) The NVSwitch says that the error is fatal.")
        }
        switch (entry.severity, isFatal) {
        case (.nonFatal, true?):
            let why = "The catalog says that SXid \(code) is not fatal, but the NVSwitch says that it is."
            return (Swift.max(entry.sxidClass, .reboot), why)
        case (.fatal, false?):
            let why = "The catalog says that SXid \(code) is fatal, but the NVSwitch says that it is not."
            return (Swift.min(entry.sxidClass, .watch), why)
        case (.nonFatal, _), (.fatal, _), (.alwaysFatal, _), (nil, _): return (entry.sxidClass, entry.why)
        }
    }
}
