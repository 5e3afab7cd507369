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
            "On a machine with NVSwitch, every NVLink link of a GPU is connected, and one of them is down. Or the driver "
            + "asks programs to stop using the connections of a GPU to others (the recovery action `drain-p2p`). Programs "
            + "with several GPUs fail or are slow. The agent does not judge the links of a GPU in MIG mode, which can be "
            + "off. Without NVSwitch, it cannot tell a link that is down from one to which nothing is connected, so it "
            + "judges only the recovery action.",
        advice:
            "Drain the node, and reset the GPUs or reboot. If a link stays down, examine the baseboard and the "
            + "NVSwitches."
    ) { node in
        let hasSwitches = node.decision.fabricManager?.isNeeded == true
        return GPUSigns(of: node) { gpu in
            let peers: [String] =
                gpu.traits[.recoveryAction].value == .text("drain-p2p") ? ["the driver asks to stop peer access"] : []
            // On GPUs of the Ampere architecture, MIG turns the links off.
            guard hasSwitches, gpu.migMode.value?.current != true, let links = gpu.nvlink.value else {
                return peers.isEmpty ? nil : peers
            }
            let down = links.inactive.map { "\($0)" }.joined(separator: ", ")
            return peers + (down.isEmpty ? [] : ["NVLink links that are down: \(down)"])
        }.outcome(
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
        let signs = GPUSigns(of: node) { gpu in
            let domain: [String] =
                gpu.traits[.recoveryAction].value == .text("recover-imex-domain")
                ? ["the driver asks for a recovery of the IMEX domain"] : []
            guard let fabric = gpu.fabric.value else { return domain.isEmpty ? nil : domain }
            return domain + problems(of: fabric)
        }
        let isWaiting = signs.problems.allSatisfy { waiting.contains($0.text) }
        return signs.outcome(
            isWaiting && cudaFailed.outcome(on: node)?.state == .pass ? .notice : .warning,
            expected: "the fabric state completed, and a healthy fabric",
            remedy: "Read /var/log/fabricmanager.log and 'journalctl -u nvidia-fabricmanager' on the node."
        )
    }

    private static func problems(of fabric: FabricFacts) -> [String] {
        guard fabric.state == "completed" else { return [registration(fabric.state)] }
        guard fabric.status == "NVML_SUCCESS" else {
            return ["the registration in the fabric failed: \(fabric.status)"]
        }
        guard let health = fabric.health, health != "healthy" else { return [] }
        return ["the fabric is \(health)"]
    }

    private static func registration(_ state: String) -> String { "the registration in the fabric is \(state)" }

    /// The problems that CUDA disproves when it works.
    ///
    /// In a virtual machine with a part of a board, the registration may never begin.
    private static let waiting = ["not-started", "in-progress"].map(registration)

    static let pcieLinkReduced = Check(
        .pcieLinkReduced,
        title: "the PCIe links have their full width and speed",
        group: .errors,
        phase: .use,
        dependsOn: [.nvmlUnavailable, .gpuUnreadable],
        meaning:
            "The PCIe link of a GPU that works has fewer lanes or a lower generation than the GPU and its slot allow. "
            + "Copies between the host and the GPU are slow. An idle GPU lowers its link to save power, so the agent "
            + "judges a GPU only while it works, and the finding is a notice. It does not judge a GPU whose memory the "
            + "processor reaches without PCIe (such as in a GH200), nor the link of a virtual machine, which is that of "
            + "the hypervisor.",
        advice: "Examine the seat of the GPU, its riser and its cables, and the PCIe settings of the firmware (BIOS)."
    ) { node in
        guard !node.isVirtualMachine else { return nil }
        return GPUSigns(of: node, link).outcome(
            .notice,
            expected: "the best PCIe link that the GPU and its slot allow",
            remedy: """
                Examine the seat of the GPU, its riser and its cables, and the PCIe settings of the firmware (BIOS).
                """
        )
    }

    private static func link(of gpu: GPUFacts) -> [String]? {
        // Only the fastest performance state has the full link.
        guard gpu.isIdle == false, gpu.number(.performanceState) == 0, gpu.traits[.addressingMode].value != .text("ats")
        else { return nil }
        let lanes = reduced(gpu, .pcieWidth, .pcieMaxWidth).map { "\($0) of \($1) PCIe lanes" }
        let speed = reduced(gpu, .pcieGeneration, .pcieMaxGeneration).map { "PCIe generation \($0) instead of \($1)" }
        return [lanes, speed].compactMap(\.self)
    }

    /// The value and the best value of a trait that is lower than it could be.
    private static func reduced(_ gpu: GPUFacts, _ trait: GPUTrait, _ best: GPUTrait) -> (Int, Int)? {
        guard let now = gpu.number(trait), let most = gpu.number(best), now < most else { return nil }
        return (now, most)
    }
}
