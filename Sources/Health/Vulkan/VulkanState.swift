import NodeModel
import Support

/// What does not work with Vulkan on a node, and why.
///
/// One cause explains it, so the report has one finding about it.
struct VulkanState {
    let problems: [VulkanProblem]
    let cause: VulkanCause

    static let expected = "a device that draws on every GPU"

    /// Nil when Vulkan works, when nobody asked for it, and when it did not answer.
    init?(_ node: CheckedNode) {
        guard let answer = node.vulkanReading?.value else { return nil }
        problems = VulkanProblem.all(in: answer, gpus: node.nvml?.gpus ?? [])
        guard !problems.isEmpty else { return nil }
        cause = VulkanCause.of(
            problems,
            VulkanCause.Evidence(
                gpus: node.nvml?.gpus ?? [],
                driverFile: answer.driverFile,
                loadError: answer.loadError,
                hasDevice: !answer.nvidiaDevices.isEmpty,
                worksSomewhere: answer.nvidiaDevices.contains { $0.result == 0 },
                modules: node.facts.driver.loadedModules.value,
                nodes: node.facts.driver.deviceNodes.value
            )
        )
    }

    /// A failure with the problems and what causes them.
    func failed(_ why: String, remedy: Remedy) -> Outcome {
        .failed("\(observed). \(why)", expected: Self.expected, remedy: remedy)
    }

    var observed: String {
        shortList(problems.map(\.text))
    }
}

extension CheckedNode {
    /// The response of Vulkan; nil when nobody asked for it, and when NVML did not respond.
    var vulkanReading: Reading<VulkanFacts>? {
        guard nvml != nil, let reading = facts.vendor.value?.vulkan else { return nil }
        let unasked: [Reading<VulkanFacts>] = [
            .skipped(VulkanFacts.notRequested), .skipped(Reading<VulkanFacts>.notRecorded),
        ]
        return unasked.contains(reading) ? nil : reading
    }
}
