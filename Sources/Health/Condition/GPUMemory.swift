package import NodeModel

extension ReasonCode {
    package static let gpuMemoryDamaged = ReasonCode("gpu-memory-damaged")
    package static let gpuMemoryRepairPending = ReasonCode("gpu-memory-repair-pending")
    package static let gpuMemoryErrors = ReasonCode("gpu-memory-errors")
}

/// The checks of the memory of the GPUs.
///
/// NVIDIA's rules for row remapping (since Ampere), page retirement (before Ampere) and SRAM errors decide what a GPU
/// needs: https://docs.nvidia.com/deploy/a100-gpu-mem-error-mgmt/.
extension Check {
    static let gpuMemoryDamaged = Check(
        .gpuMemoryDamaged,
        title: "no memory of a GPU is damaged for good",
        group: .errors,
        phase: .use,
        dependsOn: [.nvmlUnavailable, .gpuUnreadable],
        meaning:
            "A row of the memory is broken and the GPU has no spare row for it, or the SRAM had more errors than "
            + "NVIDIA allows. Neither a reset nor a reboot helps. If other GPUs of the node are intact, the finding "
            + "is a warning.",
        advice: "Stop using the GPU, and replace it. NVIDIA accepts both as a reason for a return (RMA)."
    ) { node in
        GPUSigns(of: node) { gpu in
            // Without the rows, the agent cannot call the memory intact. NVML may not tell them beside MIG devices.
            gpu.damages.isEmpty && gpu.isOn(.remappedRowsFailed) == nil ? nil : gpu.damages
        }.severe(
            on: node,
            expected: "no failed row remapping, and few errors of the SRAM",
            remedy: "Stop using this GPU, and replace it. Neither a reset nor a reboot repairs it."
        )
    }

    static let gpuMemoryRepairPending = Check(
        .gpuMemoryRepairPending,
        title: "no repair of a GPU waits for a reset",
        group: .errors,
        phase: .use,
        dependsOn: [.nvmlUnavailable, .gpuUnreadable],
        meaning:
            "The GPU will repair itself during its next reset: it remaps a row, retires a page, or replaces a "
            + "memory channel or a texture processing cluster (TPC). Programs can use the GPU until then.",
        advice:
            "At the next opportunity, drain the node and reboot it, or stop the programs that use the GPU and run "
            + "`nvidia-smi --gpu-reset -i ADDRESS`."
    ) { node in
        GPUSigns(of: node) { $0.texts(of: pendingRepairs) }.outcome(
            expected: "no pending repair",
            remedy: """
                Drain the node and reboot it when you can. Or stop the programs that use the GPU, and run \
                'nvidia-smi --gpu-reset -i ADDRESS'.
                """
        )
    }

    static let gpuMemoryErrors = Check(
        .gpuMemoryErrors,
        title: "the memory of the GPUs had no uncorrected error",
        group: .errors,
        phase: .use,
        dependsOn: [.nvmlUnavailable, .gpuUnreadable],
        meaning:
            "ECC found an error in the memory of a GPU that it could not correct, since the driver was loaded. A "
            + "program got wrong data or ended. The finding is a notice, because the GPU works: it has no open Xid, and "
            + "neither damage nor a pending repair. The count starts anew with the next load of the driver.",
        advice:
            "Watch the GPU. If the errors return after a reboot, run NVIDIA's field diagnostics or replace the GPU."
    ) { node in
        let reported = node.faults.faults.map(\.address)
        return GPUSigns(of: node) { gpu in
            guard let count = gpu.number(.eccUncorrected) else { return nil }
            let isReported = gpu.pciAddress.value.map { reported.contains(where: $0.sameSlot) } ?? false
            let hasCause = isReported || !gpu.damages.isEmpty || !(gpu.texts(of: pendingRepairs) ?? []).isEmpty
            return count > 0 && !hasCause ? ["uncorrected ECC errors: \(count)"] : []
        }.outcome(
            .notice,
            expected: "no uncorrected ECC error since the load of the driver",
            remedy: """
                Watch this GPU. If the errors return after a reboot, run NVIDIA's field diagnostics or replace the \
                GPU.
                """
        )
    }

    private static let pendingRepairs: [(trait: GPUTrait, text: String)] = [
        (.remappedRowsPending, "a row is remapped with the next reset"),
        (.retiredPagesPending, "a page is retired with the next reset"),
        (.channelRepairPending, "a memory channel is repaired with the next reset"),
        (.tpcRepairPending, "a TPC is repaired with the next reset"),
    ]
}
