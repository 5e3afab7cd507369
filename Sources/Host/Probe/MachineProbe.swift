import NodeModel
import SystemPackage

/// Reads the processor architecture and the firmware's description of the machine (DMI).
enum MachineProbe {
    /// The architecture that the kernel reports.
    ///
    /// In a copied tree, it comes from the ELF header of `/bin/sh`, or else from a name: that of the kernel's release,
    /// the text of `/proc/version`, the architecture of dpkg, or the file of the dynamic loader.
    static func architecture(_ root: HostRoot) -> Reading<Architecture> {
        let named = root.reading("/proc/sys/kernel/arch", parse: Architecture.init(rawValue:))
        if !named.isAbsent { return named }
        let shell = architectureOfShell(root)
        if case .present = shell { return shell }
        // An unreadable shell is not a reason to ignore what the names tell.
        return namedArchitecture(root).map { .present($0) } ?? shell
    }

    /// The architecture according to names, of which the first one that tells it counts.
    private static func namedArchitecture(_ root: HostRoot) -> Architecture? {
        let texts: [(path: HostPath, parse: (String) -> Architecture?)] = [
            ("/proc/sys/kernel/osrelease", architecture(inName:)), ("/proc/version", architecture(inName:)),
            ("/var/lib/dpkg/status", architecture(ofDpkg:)),
        ]
        for text in texts {
            let found = try? root.text(text.path, limit: 32 << 20)
            if let architecture = found.flatMap(text.parse) { return architecture }
        }
        let loaders: [(path: HostPath, architecture: Architecture)] = [
            ("/lib64/ld-linux-x86-64.so.2", .x86_64), ("/usr/lib64/ld-linux-x86-64.so.2", .x86_64),
            ("/lib/ld-musl-x86_64.so.1", .x86_64), ("/lib/ld-linux-aarch64.so.1", .aarch64),
            ("/usr/lib/ld-linux-aarch64.so.1", .aarch64), ("/lib/ld-musl-aarch64.so.1", .aarch64),
        ]
        // A host that runs programs of another architecture in an emulator has both loaders.
        let found = Set(loaders.filter { (try? root.exists($0.path)) == true }.map(\.architecture))
        return found.count == 1 ? found.first : nil
    }

    /// The architecture that a name such as `6.1.0-56-cloud-amd64` or `6.1.141-155.222.amzn2023.x86_64` contains.
    static func architecture(inName text: String) -> Architecture? {
        let words = Set(text.split { !$0.isLetter && !$0.isNumber && $0 != "_" }.map(String.init))
        let found = Set(names.filter { words.contains($0.key) }.map(\.value))
        return found.count == 1 ? found.first : nil
    }

    /// The architecture of the package `dpkg` in the database of dpkg, which is that of the system.
    static func architecture(ofDpkg status: String) -> Architecture? {
        var isDpkg = false
        for line in status.split(separator: "\n") {
            if line.hasPrefix("Package: ") { isDpkg = line == "Package: dpkg" }
            if isDpkg, line.hasPrefix("Architecture: ") { return names[String(line.dropFirst("Architecture: ".count))] }
        }
        return nil
    }

    private static let names: [String: Architecture] = [
        "x86_64": .x86_64, "amd64": .x86_64, "aarch64": .aarch64, "arm64": .aarch64,
    ]

    private static func architectureOfShell(_ root: HostRoot) -> Reading<Architecture> {
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
                chassisAssetTag: try text("chassis_asset_tag"),
                productVersion: try text("product_version"),
                biosVersion: try text("bios_version"),
                // Only root can read it, and the other strings identify most platforms.
                productUUID: try? text("product_uuid"),
                hypervisorVersion: hypervisorVersion(root)
            )
        }
    }

    /// The version that Xen reports in `/sys/hypervisor`, such as `4.11.amazon`; nil when there is no such directory.
    private static func hypervisorVersion(_ root: HostRoot) -> String? {
        let directory: HostPath = "/sys/hypervisor/version"
        let parts = ["major", "minor"].map { try? root.text(directory.appending($0))?.trimmed }
        guard case .some(.some(let major)) = parts.first, case .some(.some(let minor)) = parts.last else { return nil }
        let extra = (try? root.text(directory.appending("extra")))?.trimmed ?? ""
        return "\(major).\(minor)\(extra)"
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
}
