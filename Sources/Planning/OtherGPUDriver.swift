package import NodeModel

/// A kernel driver, other than NVIDIA's, that shows images on some of the node's GPUs.
package struct OtherGPUDriver: Sendable, Equatable {
    /// The name of the kernel driver, such as `nouveau`.
    package var name: String
    /// The addresses of the GPUs that it holds, sorted.
    package var gpus: [PCIAddress]

    /// Finds the drivers that hold some of these GPUs.
    ///
    /// - Parameters:
    ///   - gpus: The addresses of the GPUs that the agent manages; every GPU of the node when it is empty.
    ///   - facts: The facts of the node.
    /// - Returns: The drivers, sorted by name.
    package static func holding(_ gpus: [PCIAddress], in facts: NodeFacts) -> [OtherGPUDriver] {
        var held: [String: [PCIAddress]] = [:]
        for gpu in facts.gpus where gpus.isEmpty || gpus.contains(gpu.address) {
            guard case .displayDriver(let name) = gpu.holder else { continue }
            held[name, default: []].append(gpu.address)
        }
        return held.sorted { $0.key < $1.key }.map { OtherGPUDriver(name: $0.key, gpus: $0.value.sorted()) }
    }

    /// What the agent sees, as a sentence.
    package var statement: String {
        let list = gpus.map(\.description).joined(separator: ", ")
        return "The kernel driver \(name) holds the GPU\(gpus.count == 1 ? "" : "s") \(list)."
    }

    /// How an operator takes the GPUs from the driver.
    package var remedy: Remedy {
        guard !Self.firmwareConsoles.contains(where: name.lowercased().hasPrefix) else {
            return """
                This driver shows the firmware's console. Make another display adapter the primary one in the setup \
                of the firmware, or turn the driver off with a kernel parameter (\(parameter)). Then reboot the node.
                """
        }
        return """
            Add the line 'blacklist \(module)' to a file in /etc/modprobe.d, rebuild the initramfs, and reboot the node.
            """
    }

    /// The kernel parameter that turns a driver of the firmware's console off.
    private var parameter: String {
        name.hasPrefix("simple") ? "initcall_blacklist=simpledrm_platform_driver_init" : "for efifb: video=efifb:off"
    }

    /// The modules of other drivers that the agent unloads before an install, each before the modules that it uses.
    ///
    /// It is empty when one of these drivers holds a GPU that the agent does not manage: somebody else uses that GPU.
    ///
    /// - Parameters:
    ///   - gpus: The addresses of the GPUs that the agent manages; every GPU of the node when it is empty.
    ///   - facts: The facts of the node.
    /// - Returns: The names of the modules.
    package static func releasable(for gpus: [PCIAddress], in facts: NodeFacts) -> [String] {
        let held = holding([], in: facts).filter { releasable.contains($0.module) }
        let isOurs = held.allSatisfy { driver in gpus.isEmpty || driver.gpus.allSatisfy(gpus.contains) }
        guard isOurs else { return [] }
        let loaded = (facts.driver.loadedModules.value ?? []) + held.map(\.module)
        let nouveau = facts.driver.nouveauLoaded.value == true ? ["nouveau"] : []
        return releasable.filter((loaded + nouveau).contains)
    }

    /// The modules that the kernel's own developers wrote for NVIDIA's GPUs, each before the modules that it uses.
    static let releasable = ["nova_drm", "nova_core", "nouveau", "nvidiafb", "rivafb"]

    /// The finding that the agent cannot install or load a driver.
    var finding: Finding {
        Finding(
            name == "nouveau" ? .nouveauLoaded : .otherGPUDriver,
            observed: statement,
            expected: "no other kernel driver that uses the GPU",
            remedy: remedy
        )
    }

    /// The name of the kernel module: the kernel writes a driver's hyphen as an underscore.
    var module: String { name == "NovaCore" ? "nova_core" : name.replacing("-", with: "_") }

    private static let firmwareConsoles = ["simple", "efi", "vesa", "vga16", "boot", "platform"]
}
