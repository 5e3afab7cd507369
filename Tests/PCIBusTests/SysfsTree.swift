import FoundationEssentials
import Glibc
import Support
import Testing

/// A sysfs in a temporary directory, with the directories and links that the kernel creates for PCI functions.
final class SysfsTree {
    let path: String

    init() throws {
        var template = Array("/tmp/pci-bus-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw TreeError(operation: "mkdtemp", code: errno) }
        path = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        try makeDirectory("bus/pci/devices")
        try makeDirectory("bus/pci/drivers")
    }

    deinit { Self.remove(path) }

    /// Adds a function.
    ///
    /// The other arguments give most of its files, and `attributes` adds more.
    func add(_ function: FakeFunction) throws {
        let home = "devices/pci\(function.address.prefix { $0 != "." }.dropLast(3))/\(function.address)"
        try makeDirectory(home)
        try link("bus/pci/devices/\(function.address)", to: "../../../\(home)")
        for (name, value) in function.files { try write("\(home)/\(name)", Array("\(value)\n".utf8)) }
        if let config = function.config { try write("\(home)/config", config) }
        if let driver = function.driver {
            try makeDirectory("bus/pci/drivers/\(driver)")
            try link("\(home)/driver", to: "../../../bus/pci/drivers/\(driver)")
        }
        if let physical = function.physicalFunction { try link("\(home)/physfn", to: "../\(physical)") }
    }

    func file(_ address: String, _ name: String) -> String { "bus/pci/devices/\(address)/\(name)" }

    func write(_ name: String, _ bytes: [UInt8]) throws {
        let descriptor = open("\(path)/\(name)", O_WRONLY | O_CREAT | O_TRUNC, 0o644)
        guard descriptor >= 0 else { throw TreeError(operation: "open \(name)", code: errno) }
        defer { close(descriptor) }
        guard Glibc.write(descriptor, bytes, bytes.count) == bytes.count else {
            throw TreeError(operation: "write \(name)", code: errno)
        }
    }

    func remove(_ name: String) { Self.remove("\(path)/\(name)") }

    func makePipe(_ name: String) throws {
        guard mkfifo("\(path)/\(name)", 0o644) == 0 else { throw TreeError(operation: "mkfifo", code: errno) }
    }

    func link(_ name: String, to target: String) throws {
        guard symlink(target, "\(path)/\(name)") == 0 else { throw TreeError(operation: "link \(name)", code: errno) }
    }

    func makeDirectory(_ name: String) throws {
        var reached = path
        for part in name.split(separator: "/") {
            reached += "/\(part)"
            guard mkdir(reached, 0o755) == 0 || errno == EEXIST else {
                throw TreeError(operation: "mkdir \(reached)", code: errno)
            }
        }
    }

    private static func remove(_ path: String) {
        do {
            try FileManager.default.removeItem(atPath: path)
        } catch {
            Issue.record("cannot remove \(path): \(error)")
        }
    }
}

struct TreeError: Error {
    var operation: String
    var code: CInt
}

/// One function of a `SysfsTree`.
struct FakeFunction {
    var address: String
    var id: (vendor: Int, device: Int)
    var subsystem: (vendor: Int, device: Int)? = (0x10de, 0x1839)
    var classCode = 0x03_0200
    var numaNode: Int? = -1
    var driver: String?
    var physicalFunction: String?
    var totalVFs: Int?
    var resource: String?
    var config: [UInt8]? = [UInt8](repeating: 0, count: 256)

    var files: [(String, String)] {
        func hex(_ number: Int) -> String { "0x" + String(number + 0x1000_0000, radix: 16).suffix(4) }
        var files = [
            ("vendor", hex(id.vendor)), ("device", hex(id.device)), ("revision", "0xa1"),
            ("class", "0x" + String(classCode + 0x1000_0000, radix: 16).suffix(6)),
        ]
        if let subsystem {
            files += [("subsystem_vendor", hex(subsystem.vendor)), ("subsystem_device", hex(subsystem.device))]
        }
        if let numaNode { files.append(("numa_node", "\(numaNode)")) }
        if let resource { files.append(("resource", resource)) }
        if let totalVFs { files.append(("sriov_totalvfs", "\(totalVFs)")) }
        return files
    }
}

extension FakeFunction {
    /// An RTX PRO 6000 vGPU on Azure: it has the ID of the physical card, a subsystem of another vendor, and its own
    /// domain.
    static let rtxPro6000 = FakeFunction(
        address: "0001:00:00.0",
        id: (0x10de, 0x2bb5),
        subsystem: (0x1414, 0x2187),
        driver: "nvidia",
        config: ConfigurationSpace.vgpu(version: "595.58.03", branch: "r595_58")
    )
    static let h100NVL = FakeFunction(address: "0001:00:00.0", id: (0x10de, 0x2321))
    static let audio = FakeFunction(
        address: "0000:65:00.1",
        id: (0x10de, 0x1aef),
        subsystem: (0x10de, 0x1482),
        classCode: 0x04_0300,
        driver: "snd_hda_intel"
    )
    static let hyperVDisplay = FakeFunction(
        address: "0000:00:08.0",
        id: (0x1414, 0x5353),
        subsystem: nil,
        classCode: 0x03_0000,
        driver: "hyperv_fb"
    )

    /// A GPU or a switch of an HGX board.
    static func hgx(_ address: String, isSwitch: Bool) -> FakeFunction {
        FakeFunction(
            address: address,
            id: (0x10de, isSwitch ? 0x22a3 : 0x2330),
            subsystem: (0x10de, isSwitch ? 0x1796 : 0x16c1),
            classCode: isSwitch ? 0x06_8000 : 0x03_0200,
            numaNode: 1,
            driver: "nvidia",
            totalVFs: isSwitch ? nil : 32
        )
    }
}
