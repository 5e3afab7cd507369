/// Whether the kernel of a node refuses kernel modules without a signature that it trusts.
///
/// The running kernel decides. It refuses unsigned modules when it is locked down, or when `module.sig_enforce` is on.
/// When both answers are there and both are no, it loads unsigned modules, whatever Secure Boot is: for example, the
/// validation can be off in the shim. Without both answers, Secure Boot counts, because most distributions lock the
/// kernel down when it is on.
package enum ModuleSignaturePolicy: Sendable, Equatable {
    /// The kernel refuses unsigned modules, for these reasons.
    case required([Reason])
    /// The kernel loads unsigned modules.
    case notRequired
    /// It is not known, because this could not be read.
    case unknown(Unread)

    /// Why the kernel refuses unsigned modules.
    package enum Reason: Sendable, Equatable {
        case secureBoot
        case lockdown(KernelLockdown)
        case enforcement

        /// The reason as a clause.
        package var text: String {
            switch self {
            case .secureBoot: "Secure Boot is on"
            case .lockdown(let mode): "the kernel is in the lockdown mode '\(mode.rawValue)'"
            case .enforcement: "the kernel parameter module.sig_enforce is on"
            }
        }
    }

    /// A fact that could not be read.
    package struct Unread: Sendable, Equatable {
        /// What could not be read, as the beginning of a clause: "the state of Secure Boot".
        package var what: String
        /// Why; nil when the agent did not try.
        package var failure: ReadFailure?
        /// Why, as a clause.
        package var why: String
    }

    package init(_ host: HostFacts) {
        var reasons: [Reason] = host.secureBoot.value == true ? [.secureBoot] : []
        let kernel: [Reason] =
            (host.lockdown.value.map { $0 == .none ? [] : [.lockdown($0)] } ?? [])
            + (host.signatureEnforcement.value == true ? [.enforcement] : [])
        reasons += kernel
        let kernelHasAnswered = host.lockdown.value != nil && host.signatureEnforcement.value != nil
        if !kernel.isEmpty {
            self = .required(reasons)
        } else if kernelHasAnswered {
            self = .notRequired
        } else if !reasons.isEmpty {
            self = .required(reasons)
        } else if let unread = Self.unread(host) {
            self = .unknown(unread)
        } else {
            self = .notRequired
        }
    }

    /// The key that must sign the modules of this node; nil when they need no signature, or when no key can be used.
    package static func key(_ host: HostFacts) -> ModuleSigning? {
        ModuleSignaturePolicy(host) == .notRequired ? nil : trustedKey(host)
    }

    /// The key of the configuration, if the kernels of this machine trust it.
    ///
    /// Linux trusts machine owner keys only while Secure Boot is on (`load_uefi_certs`).
    package static func trustedKey(_ host: HostFacts) -> ModuleSigning? {
        let isSecureBootOff = host.secureBoot.isAbsent || host.secureBoot.value == false
        guard !isSecureBootOff, let key = host.signingKey.value, key.isEnrolled else { return nil }
        return key.files
    }

    /// The first fact without which it is not known whether the kernel loads unsigned modules.
    ///
    /// Lockdown without Secure Boot is rare: somebody must have added it to the kernel's command line. So only a failed
    /// read of it counts, and not a host without securityfs.
    private static func unread(_ host: HostFacts) -> Unread? {
        if let why = host.secureBoot.whyUnknown {
            return Unread(what: "the state of Secure Boot", failure: host.secureBoot.failure, why: why)
        }
        if let failure = host.lockdown.failure {
            return Unread(what: "the lockdown mode of the kernel", failure: failure, why: failure.detail)
        }
        return host.signatureEnforcement.failure.map {
            Unread(what: "the kernel parameter module.sig_enforce", failure: $0, why: $0.detail)
        }
    }
}
