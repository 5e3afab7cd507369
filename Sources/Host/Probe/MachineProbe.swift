import NodeModel
import SystemPackage

/// Reads the processor architecture, the firmware's description of the machine (DMI), and Secure Boot.
enum MachineProbe {
    /// The architecture that the kernel reports.
    ///
    /// In a copied tree, it comes from the ELF header of `/bin/sh`.
    static func architecture(_ root: HostRoot) -> Reading<Architecture> {
        let named = root.reading("/proc/sys/kernel/arch", parse: Architecture.init(rawValue:))
        if !named.isAbsent { return named }
        let header: Reading<[UInt8]> = reading { () throws(HostError) in
            guard let shell = try root.openFile("/bin/sh") else { return nil }
            do throws(Errno) { return try shell.read(at: 0, count: 20) } catch {
                throw .file(.read, "/bin/sh", cause: error)
            }
        }
        return header.flatMap { bytes in
            guard let architecture = parseELFHeader(bytes) else {
                return .unreadable(ReadFailure(.malformed, "/bin/sh is not a program for x86_64 or aarch64"))
            }
            return .present(architecture)
        }
    }

    /// The architecture in the machine field of an ELF header: 62 is x86_64, 183 is aarch64 (elf.h).
    static func parseELFHeader(_ bytes: [UInt8]) -> Architecture? {
        guard bytes.count >= 20, Array(bytes[..<4]) == [0x7f, 0x45, 0x4c, 0x46] else { return nil }
        return switch UInt16(bytes[18]) | UInt16(bytes[19]) << 8 {
        case 62: .x86_64
        case 183: .aarch64
        default: nil
        }
    }

    static func dmi(_ root: HostRoot) -> Reading<DMIFacts> {
        let directory: HostPath = "/sys/class/dmi/id"
        return reading { () throws(HostError) in
            guard try root.isDirectory(directory) else { return nil }
            func text(_ name: String) throws(HostError) -> String? {
                guard let text = try root.text(directory.appending(name))?.trimmed, !text.isEmpty else { return nil }
                return text
            }
            return DMIFacts(
                systemVendor: try text("sys_vendor"),
                productName: try text("product_name"),
                chassisAssetTag: try text("chassis_asset_tag")
            )
        }
    }

    /// Whether the first processor has the flag `hypervisor`, which x86 virtual machines have and physical ones do not.
    ///
    /// Absent when `/proc/cpuinfo` has no line `flags`, as on ARM processors.
    static func hypervisor(_ root: HostRoot) -> Reading<Bool> {
        let path: HostPath = "/proc/cpuinfo"
        let beginning: Reading<[UInt8]> = reading { () throws(HostError) in
            guard let file = try root.openFile(path) else { return nil }
            // The other processors have the same flags, and large machines have hundreds of them.
            do throws(Errno) { return try file.read(at: 0, count: 64 << 10) } catch {
                throw .file(.read, path, cause: error)
            }
        }
        return beginning.flatMap { bytes in
            parseFlags(String(decoding: bytes, as: UTF8.self)).map { .present($0.contains("hypervisor")) } ?? .absent
        }
    }

    /// The flags in the first line `flags : …`; nil without such a line.
    static func parseFlags(_ text: String) -> [Substring]? {
        for line in text.split(whereSeparator: \.isNewline) {
            guard let colon = line.firstIndex(of: ":"), line[..<colon].trimmed == "flags" else { continue }
            return line[line.index(after: colon)...].split(whereSeparator: \.isWhitespace)
        }
        return nil
    }

    /// Whether Secure Boot is on.
    ///
    /// The EFI variable has four bytes of attributes, followed by 1 or 0.
    ///
    /// Absent on a machine that does not boot with EFI, and when the firmware has no such variable.
    static func secureBoot(_ root: HostRoot) -> Reading<Bool> {
        let variables: HostPath = "/sys/firmware/efi/efivars"
        let variable = variables.appending("SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c")
        let bytes = reading { () throws(HostError) in try root.read(variable, limit: 64) }
        if bytes.isAbsent {
            // An empty directory means that the machine boots with EFI but efivarfs is not mounted.
            let names = reading { () throws(HostError) in try root.list(variables) }
            return names.flatMap { (names: [String]) in
                names.isEmpty ? .unreadable(ReadFailure(.io, "\(variables): efivarfs is not mounted")) : .absent
            }
        }
        return bytes.flatMap { (bytes: [UInt8]) in
            guard bytes.count == 5 else {
                return .unreadable(ReadFailure(.malformed, "\(variable) has \(bytes.count) bytes, expected 5"))
            }
            return .present(bytes[4] == 1)
        }
    }
}
