import NodeModel
import Support

extension FactsText {
    /// The PCI functions of vendor 10de, and those that could not be identified.
    var pci: [String] {
        let unidentified = facts.unidentified.map {
            ("\($0.address)", say(Reading<String>.unreadable($0.failure)) { $0 })
        }
        guard case .present(let functions) = facts.pci else {
            return section("PCI", [("bus", say(facts.pci) { _ in "" })] + unidentified)
        }
        let missing = (facts.missingGPUs ?? []).map { ("\($0)", style.yellow("missing: a GPU was here before")) }
        let rows = functions.map { ("\($0.address)", description(of: $0)) } + unidentified + missing
        return section("PCI", rows.isEmpty ? [("bus", "no function of vendor 10de")] : rows)
    }

    private func description(of function: PCIFunction) -> String {
        let role = function.isGPU ? "GPU" : "class \(hex(function.classCode, digits: 4))"
        let name = function.name.map { " \($0)" } ?? ""
        let parts =
            ["\(role) \(function.id)\(name)", "subsystem \(say(function.subsystem) { "\($0)" })"]
            + driver(of: function) + virtualization(of: function)
            + (function.isLost ? [style.yellow("does not answer")] : [])
        return parts.joined(separator: ", ")
    }

    /// The bound kernel driver, and whether it keeps the function from NVIDIA's driver.
    private func driver(of function: PCIFunction) -> [String] {
        guard let driver = function.kernelDriver.value else {
            if case .displayDriver(let driver) = function.holder {
                return ["console of the firmware by \(driver)", style.yellow("not available to NVIDIA's driver")]
            }
            return function.kernelDriver.failure.map { ["driver unreadable: \($0.detail)"] } ?? []
        }
        let displays = function.displayDevices.value ?? []
        let shown = displays.isEmpty ? "driver \(driver)" : "driver \(driver) (\(listed(displays)))"
        return switch function.holder {
        case .nobodyElse: [shown]
        case .virtualMachines: [shown, "kept for virtual machines"]
        case .otherSoftware: [shown, "kept for other software"]
        case .displayDriver: [shown, style.yellow("not available to NVIDIA's driver")]
        }
    }

    private func virtualization(of function: PCIFunction) -> [String] {
        [
            function.vgpuCapability.value.map { "vGPU with host driver \($0.hostDriverVersion ?? "?")" },
            // A lost function says so in words of its own.
            function.isLost
                ? nil : function.vgpuCapability.failure.map { "PCI capability VF unreadable: \($0.detail)" },
            function.physicalFunction.value.map { "virtual function of \($0)" },
            function.sriovTotalVFs.value.flatMap { total in
                let on = function.sriovVFs?.value ?? 0
                return total > 0 ? "up to \(total) virtual functions" + (on > 0 ? " (\(on) on)" : "") : nil
            },
            function.iommuGroup?.value.map { group in
                "IOMMU group \(group.number)" + (group.type.value.map { " (\($0))" } ?? "")
            },
            function.memoryRegions?.failure.map { "memory regions unreadable: \($0.detail)" },
            function.unassignedRegions.isEmpty
                ? nil
                : style.yellow("no addresses for \(listed(function.unassignedRegions.map(\.name)))"),
            function.memoryWindow.flatMap { window in
                window.largerSize.map { "\(window.name) can have \(MemoryRegion.text(ofSize: $0))" }
            },
        ].compactMap(\.self)
    }
}
