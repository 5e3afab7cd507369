package import NodeModel
import Selection

extension ReasonCode {
    package static let nvlinkDown = ReasonCode("nvlink-down")
    package static let fabricIncomplete = ReasonCode("fabric-incomplete")
    package static let pcieLinkReduced = ReasonCode("pcie-link-reduced")
}

/// The checks of what connects the GPUs with each other and with the processor.
extension Check {
    static let nvlinkDown = Check(
        .nvlinkDown,
        title: "the NVLink links are up",
        group: .errors,
        phase: .use,
        dependsOn: [
            .nvmlUnavailable, .gpuUnreadable, .fabricManagerMissing, .fabricManagerVersionMismatch,
            .fabricManagerNotRunning,
        ],
        settlesWithin: .seconds(120),
        meaning:
            "On a machine with NVSwitch, every NVLink link of a GPU is connected, and one of them is down. Or the "
            + "driver asks programs to stop using the connections of a GPU to others (the recovery action "
            + "`drain-p2p`). Programs with several GPUs fail or are slow. Without NVSwitch, the agent cannot tell a "
            + "link that is down from one to which nothing is connected, so it judges only the recovery action.",
        advice:
            "Drain the node, and reset the GPUs or reboot. If a link stays down, examine the baseboard and the "
            + "NVSwitches."
    ) { node in
        let hasSwitches = node.decision.fabricManager?.isNeeded == true
        return GPUSigns(of: node) { gpu in
            let peers: [String] =
                gpu.traits[.recoveryAction].value == .text("drain-p2p") ? ["the driver asks to stop peer access"] : []
            guard hasSwitches, let links = gpu.nvlink.value else { return peers.isEmpty ? nil : peers }
            let down = links.inactive.map { "\($0)" }.joined(separator: ", ")
            return peers + (down.isEmpty ? [] : ["NVLink links that are down: \(down)"])
        }.warning(
            expected: "every NVLink link is up",
            remedy: "Drain the node, and reset the GPUs or reboot. If a link stays down, examine the baseboard."
        )
    }

    static let fabricIncomplete = Check(
        .fabricIncomplete,
        title: "the GPUs belong to their NVLink fabric",
        group: .errors,
        phase: .use,
        dependsOn: [
            .nvmlUnavailable, .gpuUnreadable, .fabricManagerMissing, .fabricManagerVersionMismatch,
            .fabricManagerNotRunning,
        ],
        // The fabric manager registers the GPUs some time after the load of the driver.
        settlesWithin: .seconds(120),
        meaning:
            "NVML reports that a GPU is not registered in its NVLink fabric, or that the fabric is not healthy. "
            + "CUDA fails on this GPU, or the GPU cannot reach others.",
        advice:
            "Read `/var/log/fabricmanager.log` and `journalctl -u nvidia-fabricmanager` on the node. In a "
            + "multi-node NVLink domain, check the subnet manager and the switches of the rack, too."
    ) { node in
        GPUSigns(of: node) { gpu in
            let domain: [String] =
                gpu.traits[.recoveryAction].value == .text("recover-imex-domain")
                ? ["the driver asks for a recovery of the IMEX domain"] : []
            guard let fabric = gpu.fabric.value else { return domain.isEmpty ? nil : domain }
            return domain + problems(of: fabric)
        }.warning(
            expected: "the fabric state completed, and a healthy fabric",
            remedy: "Read /var/log/fabricmanager.log and 'journalctl -u nvidia-fabricmanager' on the node."
        )
    }

    private static func problems(of fabric: FabricFacts) -> [String] {
        guard fabric.state == "completed" else { return ["the registration in the fabric is \(fabric.state)"] }
        guard fabric.status == "NVML_SUCCESS" else {
            return ["the registration in the fabric failed: \(fabric.status)"]
        }
        guard let health = fabric.health, health != "healthy" else { return [] }
        return ["the fabric is \(health)"]
    }

    static let pcieLinkReduced = Check(
        .pcieLinkReduced,
        title: "the PCIe links have their full width and speed",
        group: .errors,
        phase: .use,
        dependsOn: [.nvmlUnavailable, .gpuUnreadable],
        settlesWithin: .seconds(120),
        meaning:
            "The PCIe link of a GPU has fewer lanes than the GPU and its slot allow, or a lower generation while "
            + "the GPU works. Copies between the host and the GPU are slow. An idle GPU lowers the generation to save "
            + "power, which is not a finding. In a virtual machine, the link is that of the hypervisor, and the agent "
            + "does not judge it.",
        advice: "Examine the seat of the GPU, its riser and its cables, and the PCIe settings of the firmware (BIOS)."
    ) { node in
        guard !node.isVirtualMachine else { return nil }
        return GPUSigns(of: node, link).warning(
            expected: "the best PCIe link that the GPU and its slot allow",
            remedy: """
                Examine the seat of the GPU, its riser and its cables, and the PCIe settings of the firmware \
                (BIOS).
                """
        )
    }

    private static func link(of gpu: GPUFacts) -> [String]? {
        guard let width = gpu.number(.pcieWidth), let most = gpu.number(.pcieMaxWidth) else { return nil }
        if width < most { return ["\(width) of \(most) PCIe lanes"] }
        // Only the fastest performance state has the full speed.
        guard gpu.number(.performanceState) == 0, !gpu.isIdle, let generation = gpu.number(.pcieGeneration),
            let best = gpu.number(.pcieMaxGeneration), generation < best
        else { return [] }
        return ["PCIe generation \(generation) instead of \(best)"]
    }
}
