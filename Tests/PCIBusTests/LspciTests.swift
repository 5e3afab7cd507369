import FoundationEssentials
import Glibc
import NodeModel
import PCIBus
import Support
import Testing

/// Compares the scan with `lspci`, which reads the same trees with independent code.
@Suite(.enabled(if: access("/usr/bin/lspci", X_OK) == 0, "lspci is not installed"))
struct LspciTests {
    @Test func agreesOnEveryTree() async throws {
        let boards: [[FakeFunction]] = [
            [.rtxPro6000, .hyperVDisplay],
            [.h100NVL, .audio],
            [.hgx("0000:07:00.0", isSwitch: true), .hgx("0000:1b:00.0", isSwitch: false)],
            [.hgx("10000:e1:00.0", isSwitch: false), .hyperVDisplay],
            [.hyperVDisplay],
        ]
        for board in boards {
            let tree = try SysfsTree()
            for function in board { try tree.add(function) }
            let functions = try #require(await PCIScan(sysfs: tree.path).scan().functions.value)
            #expect(functions.map(asLspci) == (try lspci(tree.path)))
        }
    }

    @Test(.enabled(if: access("/sys/bus/pci/devices", R_OK) == 0, "this machine has no PCI bus"))
    func agreesOnThisMachine() async throws {
        let functions = try #require(await PCIScan().scan().functions.value)
        #expect(functions.map(asLspci) == (try lspci("/sys")))
    }

    @Test func agreesOnTheNamesOfDevices() async throws {
        let tree = try SysfsTree()
        for function in [.h100NVL, .audio, .hyperVDisplay] as [FakeFunction] { try tree.add(function) }
        // No device has this id, and of those above an old list may know none.
        try tree.add(FakeFunction(address: "0002:00:00.0", id: (0x10de, 0xffff)))
        try tree.add(FakeFunction(address: "0003:00:00.0", id: (0x10de, 0x1db1)))
        let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: "/usr/share/misc/pci.ids")))
        let scan = await PCIScan(sysfs: tree.path).scan(names: [{ PCINameList(bytes) }])
        let functions = try #require(scan.functions.value)
        let names = functions.map { $0.name ?? "Device \(hex($0.id.device, digits: 4))" }
        #expect(names == (try lspci(tree.path, numbers: false)).compactMap { $0["Device"] })
        #expect(functions.contains { $0.name?.contains("V100") == true })
        #expect(functions.contains { $0.name == nil })
    }

    private func asLspci(_ function: PCIFunction) -> [String: String] {
        func four(_ number: UInt16) -> String { hex(number, digits: 4) }
        var fields = [
            "Slot": function.address.description, "Class": four(function.classCode),
            "Vendor": four(function.id.vendor), "Device": four(function.id.device),
        ]
        if function.revision != 0 { fields["Rev"] = hex(function.revision, digits: 2) }
        if let subsystem = function.subsystem.value {
            fields["SVendor"] = four(subsystem.vendor)
            fields["SDevice"] = four(subsystem.device)
        }
        if let driver = function.kernelDriver.value { fields["Driver"] = driver }
        if let node = function.numaNode.value { fields["NUMANode"] = "\(node)" }
        return fields
    }

    /// NVIDIA's records in the machine-readable output of `lspci`.
    private func lspci(_ sysfs: String, numbers: Bool = true) throws -> [[String: String]] {
        let options =
            "-A linux-sysfs -O sysfs.path=\(sysfs)/bus/pci -O hwdb.disable=1 -D \(numbers ? "-n" : "") -k -vmm"
        let command = "/usr/bin/lspci \(options) -d 10de: 2>/dev/null"
        let stream = try #require(popen(command, "r"))
        var output: [UInt8] = []
        var character = fgetc(stream)
        while character != EOF {
            output.append(UInt8(truncatingIfNeeded: character))
            character = fgetc(stream)
        }
        #expect(pclose(stream) == 0)
        let known: Set = ["Slot", "Class", "Vendor", "Device", "SVendor", "SDevice", "Rev", "Driver", "NUMANode"]
        var records: [[String: String]] = []
        for paragraph in String(decoding: output, as: UTF8.self).split(separator: "\n\n") {
            let pairs = paragraph.split(separator: "\n").map {
                $0.split(separator: ":\t", maxSplits: 1).map(String.init)
            }
            records.append(
                Dictionary(uniqueKeysWithValues: pairs.map { ($0[0], $0[1]) }).filter { known.contains($0.key) }
            )
        }
        return records
    }
}
