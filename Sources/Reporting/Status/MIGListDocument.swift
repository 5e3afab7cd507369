import MIG
package import NodeModel

/// What `gpu-agent mig list` prints: the MIG devices of the GPUs, and what still fits on them.
package struct MIGListDocument: Encodable, Equatable {
    package struct Profile: Encodable, Equatable {
        package var name: String
        package var id: Int
        /// How many an empty GPU has room for.
        package var instances: Int
        /// The places that are free now.
        package var free: [MIGSpan]
    }

    package struct GPU: Encodable, Equatable {
        package var index: Int
        package var pciAddress: PCIAddress
        package var uuid: String
        package var name: String
        package var isVGPU: Bool
        package var mode: MIGMode?
        package var layout: String
        package var instances: [MIGGPUInstance]
        package var devices: [String]
        package var profiles: [Profile]
        /// Why the instances or the profiles are not known; nil when they are.
        package var why: String?
    }

    package var apiVersion = NodeFacts.currentAPIVersion
    package var kind = "MIGList"
    package var gpus: [GPU]
    /// The GPUs that do not answer.
    package var unreadable: [MIGInventory.UnreadableGPU]
    /// The names of the layouts that need no file; empty when no GPU can get one.
    package var standardLayouts: [String]

    package init(_ inventory: MIGInventory) {
        unreadable = inventory.unreadable
        let canChange = inventory.gpus.contains { !$0.mode.isAbsent && $0.virtualization.value != .vgpu }
        standardLayouts = canChange ? MIGConfigFile.standard(inventory).layouts.map(\.name) : []
        gpus = inventory.gpus.map { gpu in
            let (offers, instances) = (gpu.offers.value ?? [], gpu.instances.value ?? [])
            let known = gpu.mode.isAbsent || (gpu.offers.value != nil && gpu.instances.value != nil)
            return GPU(
                index: gpu.index,
                pciAddress: gpu.pciAddress,
                uuid: gpu.uuid,
                name: gpu.name,
                isVGPU: gpu.virtualization.value == .vgpu,
                mode: gpu.mode.value,
                layout: MIGLayoutText.text(gpu),
                instances: instances,
                devices: gpu.devices.value ?? [],
                profiles: offers.map { offer in
                    Profile(
                        name: offer.name,
                        id: offer.id,
                        instances: offer.instances,
                        free: MIGPlanner.free(offer, beside: instances)
                    )
                },
                why: known ? nil : gpu.offers.value == nil ? MIGPlanner.why(gpu.offers) : MIGPlanner.why(gpu.instances)
            )
        }
    }

    package func text(_ style: Style) -> String {
        var lines: [String] = []
        for gpu in gpus {
            lines.append(style.bold("GPU \(gpu.index) (\(gpu.pciAddress)) \(gpu.name)") + ": \(gpu.layout)")
            if gpu.isVGPU {
                let devices = gpu.devices.isEmpty ? "" : " It has \(gpu.devices.joined(separator: ", "))."
                lines.append("    This is a vGPU: only the vGPU host can change its MIG layout.\(devices)")
            } else if let why = gpu.why {
                lines.append("    The instances are not known: \(why).")
            }
            lines += gpu.instances.map { instance in
                let name = gpu.profiles.first { $0.id == instance.profileID }?.name ?? "profile \(instance.profileID)"
                let compute = instance.computeInstances.map { "\($0.slices)c" }.joined(separator: ", ")
                let list = compute.isEmpty ? "no compute instance" : compute
                return
                    "    \(padded("\(instance.id)", 4))\(padded(name, 16))at \(padded("\(instance.placement)", 6))\(list)"
            }
            guard gpu.mode?.current == true, !gpu.profiles.isEmpty, gpu.why == nil, !gpu.isVGPU else { continue }
            let free = gpu.profiles.filter { !$0.free.isEmpty }
            lines.append(free.isEmpty ? "    Nothing more fits." : "    What still fits, and where:")
            lines += free.map { profile in
                "      \(padded(profile.name, 16))\(profile.free.map(\.description).joined(separator: " "))"
            }
        }
        lines += unreadable.map { "\(style.red("×")) GPU \($0.index) does not answer: \($0.failure.detail)" }
        if !standardLayouts.isEmpty {
            lines.append("Layouts that need no file (gpu-agent mig plan --selected NAME):")
            lines.append("    \(standardLayouts.joined(separator: ", "))")
        }
        return (lines.isEmpty ? ["NVML reports no GPU."] : lines).map { $0 + "\n" }.joined()
    }
}
