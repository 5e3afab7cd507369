import NodeModel
import Selection

extension Check {
    static let gpuLost = Check(
        .gpuLost,
        title: "every GPU answers on the PCI bus",
        group: .hardware,
        phase: .discover,
        meaning: "The configuration space of a GPU reads as all ones, so the GPU fell off the bus. If other GPUs "
            + "answer, the finding is a warning, and the agent manages the others.",
        advice: "Read the kernel log and look for Xid 79. Reboot the node or power it off and on. If the GPU is lost "
            + "again, check its power supply and that it is seated correctly, or replace it."
    ) { node in
        // When no GPU answers, that blocks the decision, which has its own finding.
        let gpus = node.facts.gpus
        let lost = gpus.filter(\.isLost)
        guard !lost.isEmpty, lost.count < gpus.count else { return nil }
        let list = lost.map(\.address.description).joined(separator: ", ")
        return .warning(
            "\(counted(lost.count, "GPU")) of \(gpus.count) \(lost.count == 1 ? "does" : "do") not answer: \(list)"
                + node.facts.kernelLogRemark(about: lost.map(\.address)),
            expected: "a configuration space that is not all ones",
            remedy: .lostGPU
        )
    }
}
