import CLinux
import NodeModel
import Support

/// A single scan of the bus on the calling thread.
struct BusWalk {
    let sysfs: String
    let names: [PCINameSource]

    func run() -> PCIScanResult {
        let bus = "\(sysfs)/bus/pci"
        guard let scan = gpa_pci_open(bus) else {
            return PCIScanResult(functions: .unreadable(ReadFailure(.io, lastMessage(or: "cannot scan \(bus)"))))
        }
        defer { gpa_pci_close(scan) }
        var functions: [PCIFunction] = []
        var unidentified: [UnidentifiedFunction] = []
        var place = gpa_pci_place()
        while gpa_pci_next(scan, &place) == 1 {
            let address = PCIAddress(
                domain: place.domain,
                bus: place.bus,
                device: place.device,
                function: place.function
            )
            switch function(at: address, in: scan) {
            case .present(let function): functions.append(function)
            case .unreadable(let failure):
                unidentified.append(UnidentifiedFunction(address: address, failure: failure))
            case .absent, .absentBecause, .skipped: continue
            }
        }
        return PCIScanResult(
            functions: .present(withDisplays(named(functions)).sorted { $0.address < $1.address }),
            unidentified: unidentified.sorted { $0.address < $1.address }
        )
    }

    /// Adds the driver that shows the firmware's console to each GPU that has one.
    private func withDisplays(_ functions: [PCIFunction]) -> [PCIFunction] {
        let displays = FirmwareDisplays(sysfs: sysfs, functions: functions.filter(\.isGPU).map(\.address))
        return functions.map { function in
            var function = function
            function.firmwareDisplay = displays.driver(on: function.address)
            return function
        }
    }

    /// Adds the name of each function from the first list that has it.
    private func named(_ functions: [PCIFunction]) -> [PCIFunction] {
        var functions = functions
        for read in names where functions.contains(where: { $0.name == nil }) {
            guard let list = read() else { continue }
            for index in functions.indices where functions[index].name == nil {
                functions[index].name = list[functions[index].id]
            }
        }
        return functions
    }

    /// Reads the scan's current function; absent when another vendor made it.
    private func function(at address: PCIAddress, in scan: OpaquePointer) -> Reading<PCIFunction> {
        let directory = SysfsDirectory(path: "\(sysfs)/bus/pci/devices/\(address)")
        var identity = gpa_pci_identity()
        guard gpa_pci_identify(scan, &identity) == 0 else {
            return .unreadable(ReadFailure(.io, lastMessage(or: "cannot read \(directory.path)")))
        }
        // libpci returns 0 for text that is not a number. No vendor has the ID 0000 or ffff.
        guard identity.vendor != 0, identity.vendor != 0xffff else {
            let vendor = hex(identity.vendor, digits: 4)
            let detail = "\(directory.path)/vendor reads as \(vendor), which is not a vendor ID"
            return .unreadable(ReadFailure(.malformed, detail))
        }
        guard identity.vendor == PCIFunction.nvidiaVendor else { return .absent }
        guard gpa_pci_describe(scan, &identity) == 0 else {
            return .unreadable(ReadFailure(.io, lastMessage(or: "cannot read \(directory.path)")))
        }
        // libpci reads text that is not a number as 0, which would hide a GPU: 0000 is the class of other devices.
        for (name, bits) in [("device", 16), ("class", 24)] {
            if let failure = directory.hexadecimal(name, bits: bits).failure { return .unreadable(failure) }
        }
        let physicalFunction = self.physicalFunction(directory)
        let isDisplay = identity.class_code >> 8 == 0x03
        return .present(
            PCIFunction(
                address: address,
                id: PCIID(vendor: identity.vendor, device: identity.device),
                subsystem: subsystem(identity),
                classCode: identity.class_code,
                revision: identity.revision,
                numaNode: directory.integer("numa_node").flatMap { $0 < 0 ? .absent : .present($0) },
                kernelDriver: directory.linkName("driver"),
                displayDevices: directory.entries(of: ["drm", "graphics"]),
                vgpuCapability: capability(
                    in: scan,
                    directory: directory,
                    isVirtualFunction: physicalFunction.value != nil
                ),
                physicalFunction: physicalFunction,
                sriovTotalVFs: directory.integer("sriov_totalvfs"),
                // A virtual function has no BARs of its own, and only GPUs are checked.
                memoryRegions: physicalFunction.value == nil && isDisplay ? directory.memoryRegions() : nil,
                sriovVFs: directory.virtualFunctions(),
                iommuGroup: isDisplay ? directory.iommuGroup() : nil
            )
        )
    }

    /// Reads the subsystem ID.
    ///
    /// libpci returns two zeros both when there is none and when it cannot be read. Only the latter causes a warning.
    private func subsystem(_ identity: gpa_pci_identity) -> Reading<PCIID> {
        let id = PCIID(vendor: identity.subsystem_vendor, device: identity.subsystem_device)
        guard id.vendor == 0, id.device == 0 else { return .present(id) }
        let message = lastMessage(or: "")
        return message.isEmpty ? .absent : .unreadable(ReadFailure(.io, message))
    }

    private func capability(
        in scan: OpaquePointer,
        directory: SysfsDirectory,
        isVirtualFunction: Bool
    ) -> Reading<VGPUCapability> {
        var space = [UInt8](repeating: 0, count: VGPUCapabilityDecoder.spaceSize)
        let count = gpa_pci_read(scan, &space, CInt(space.count))
        guard count > 0 else {
            return .unreadable(ReadFailure(.io, lastMessage(or: "cannot read \(directory.path)/config")))
        }
        return VGPUCapabilityDecoder.decode(
            configurationSpace: Array(space.prefix(Int(count))),
            isVirtualFunction: isVirtualFunction
        )
    }

    private func physicalFunction(_ directory: SysfsDirectory) -> Reading<PCIAddress> {
        directory.linkName("physfn").flatMap { name in
            guard let address = PCIAddress(name) else {
                return .unreadable(ReadFailure(.malformed, "\(directory.path)/physfn points to '\(name)'"))
            }
            return .present(address)
        }
    }

    private func lastMessage(or otherwise: String) -> String {
        let message = String(cString: gpa_pci_message())
        return message.isEmpty ? otherwise : message
    }
}
