import Catalog
package import NodeModel
import Selection

extension Preflight {
    /// The finding that the kernel refuses the modules of the driver package, or may refuse them.
    ///
    /// The modules have no signature.
    package var moduleSignatures: Finding? {
        guard ModuleSignaturePolicy.key(facts.host) == nil else { return nil }
        return switch ModuleSignaturePolicy(facts.host) {
        case .notRequired: nil
        case .required(let reasons): signatureRequired(reasons)
        case .unknown(let unread): signaturePolicyUnknown(unread)
        }
    }

    private func signatureRequired(_ reasons: [ModuleSignaturePolicy.Reason]) -> Finding {
        let text = reasons.map(\.text).joined(separator: " and ")
        return Finding(
            .secureBoot,
            observed: text.prefix(1).uppercased() + text.dropFirst() + ".",
            expected: "a kernel that loads unsigned modules, or modules that are signed with a key that it trusts",
            remedy: signingRemedy
                ?? Remedy(
                    "The kernel modules in the driver package are not signed, so the kernel rejects them. "
                        + "\(signedModules) \(unsignedModules(reasons)), a node image with a signed driver, "
                        + "or a key of your own (driver.signing)."
                )
        )
    }

    /// What to do so that the configured key can sign the modules; nil when no key is configured.
    private var signingRemedy: Remedy? {
        switch facts.host.signingKey {
        case .present(let key) where key.isEnrolled:
            return Remedy(
                "The certificate \(key.files.certificate) is enrolled, but the kernel trusts enrolled keys only with "
                    + "Secure Boot. Turn Secure Boot on."
            )
        case .present(let key):
            let certificate = shellLine([key.files.certificate])
            return Remedy(
                "The kernel does not trust the certificate \(key.files.certificate) of the signing key yet. Run "
                    + "'mokutil --import \(certificate)' on the node, reboot it, and confirm the key on its console "
                    + "(MokManager)."
            )
        case .unreadable(let failure):
            return Remedy(
                "The signing key cannot be used: \(failure.detail). Correct the files that driver.signing names. They "
                    + "must belong to root, and nobody else may read the key."
            )
        case .absent, .absentBecause, .skipped: return nil
        }
    }

    /// How to get signed modules on this system, with the beginning of the sentence about the other ways.
    ///
    /// Ubuntu and Red Hat sign the modules of datacenter drivers. No distribution has GRID drivers.
    private var signedModules: String {
        guard let system = facts.host.osRelease.value, let known = PrebuiltDistributions.known(on: system),
            let driver, driver.kind == .datacenter
        else { return "Use" }
        let type = driver.kernelModuleType
        let package = known.modulePackage(branch: nil, version: nil, type, kernel: kernel)
        switch system.id {
        case "ubuntu" where facts.build.prebuiltPackages.value != nil:
            return
                "The signed modules that the repositories of the node offer do not fit the GPUs or the configuration. "
                + "Change driver.version, driver.branch or driver.channel,"
        case "ubuntu" where facts.build.prebuiltPackages.isAbsent:
            return "No repository of the node offers Ubuntu's signed modules (\(package)). Use a kernel for which a "
                + "repository has them,"
        case "ubuntu":
            return
                "Set 'driver.source: packages', so that the agent installs Ubuntu's signed modules (\(package)). Or use"
        case "rhel" where type == .open:
            return "Enable the repository 'extensions' of RHEL on the node and run '\(known.refreshCommand)', so that "
                + "the agent installs the modules that Red Hat signed (\(package)). Or use"
        default: return "Use"
        }
    }

    /// The node on which the kernel would load unsigned modules.
    private func unsignedModules(_ reasons: [ModuleSignaturePolicy.Reason]) -> String {
        guard !reasons.contains(.secureBoot) else { return "a node pool without Secure Boot" }
        return reasons.contains(.enforcement)
            ? "a kernel that does not enforce signatures (without module.sig_enforce=1 on its command line)"
            : "a kernel without lockdown (without lockdown= on its command line)"
    }

    private func signaturePolicyUnknown(_ unread: ModuleSignaturePolicy.Unread) -> Finding {
        Finding(
            .secureBoot,
            observed: "It is not known whether the kernel loads unsigned modules, because the agent cannot read "
                + "\(unread.what): \(unread.why).",
            expected:
                "a readable state of Secure Boot, or a kernel whose lockdown is 'none' and whose module.sig_enforce "
                + "is N",
            remedy: "Mount efivarfs (mount -t efivarfs efivarfs /sys/firmware/efi/efivars) and securityfs (mount -t "
                + "securityfs securityfs /sys/kernel/security) on the host. If they are mounted: "
                + "\(Remedy.reading(unread.failure).text)"
        )
    }
}
