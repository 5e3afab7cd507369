import NodeModel

/// Reads what decides whether the kernel loads unsigned modules: Secure Boot, lockdown, and `module.sig_enforce`.
enum ModuleSignatureProbe {
    /// Whether Secure Boot is on.
    ///
    /// The EFI variable has four bytes of attributes, followed by 1 or 0.
    ///
    /// Absent on a machine that does not boot with EFI, and when the firmware has no such variable.
    static func secureBoot(_ root: HostRoot) -> Reading<Bool> {
        let firmware: HostPath = "/sys/firmware/efi"
        let variables = firmware.appending("efivars")
        let variable = variables.appending("SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c")
        let bytes = reading { () throws(HostError) in try root.read(variable, limit: 64) }
        if bytes.isAbsent {
            let names = reading { () throws(HostError) in try root.list(variables) }
            switch names {
            case .present(let names) where !names.isEmpty: return .absent
            // An empty directory means that the machine boots with EFI but efivarfs is not mounted.
            case .present: return .unreadable(ReadFailure(.io, "\(variables): efivarfs is not mounted"))
            case .unreadable(let failure): return .unreadable(failure)
            case .skipped(let why): return .skipped(why)
            case .absent, .absentBecause: break
            }
            let isEFI = reading { () throws(HostError) in try root.isDirectory(firmware) ? true : nil }
            // The kernel has no efivarfs, or it runs with `efi=noruntime`.
            return isEFI.flatMap { _ in .unreadable(ReadFailure(.io, "\(variables): the kernel has no EFI variables")) }
        }
        return bytes.flatMap { (bytes: [UInt8]) in
            guard bytes.count == 5 else {
                return .unreadable(ReadFailure(.malformed, "\(variable) has \(bytes.count) bytes, expected 5"))
            }
            return .present(bytes[4] == 1)
        }
    }

    /// The lockdown mode of the kernel.
    static func lockdown(_ root: HostRoot) -> Reading<KernelLockdown> {
        let directory: HostPath = "/sys/kernel/security"
        let mode = root.reading(directory.appending("lockdown"), parse: parseLockdown)
        guard mode.isAbsent else { return mode }
        let names = reading { () throws(HostError) in try root.list(directory) }
        return names.flatMap { $0.isEmpty ? .skipped("\(directory): securityfs is not mounted") : .absent }
    }

    /// The word in brackets of `none [integrity] confidentiality`; nil in any other text.
    static func parseLockdown(_ text: String) -> KernelLockdown? {
        let chosen = text.split(whereSeparator: \.isWhitespace).filter { $0.hasPrefix("[") && $0.hasSuffix("]") }
        guard chosen.count == 1, let word = chosen.first, word.count > 2 else { return nil }
        return KernelLockdown(rawValue: String(word.dropFirst().dropLast()))
    }

    /// Whether the kernel loads only signed modules.
    static func enforcement(_ root: HostRoot) -> Reading<Bool> {
        root.reading("/sys/module/module/parameters/sig_enforce") { ["Y": true, "N": false][$0] }
    }
}
