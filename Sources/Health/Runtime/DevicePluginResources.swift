import Catalog
package import NodeModel
import Selection

extension ReasonCode {
    package static let devicePluginResources = ReasonCode("device-plugin-resources")
}

extension Check {
    static let devicePluginResources = Check(
        .devicePluginResources,
        title: "the Node offers the devices that the GPUs have",
        group: .runtime,
        phase: .use,
        dependsOn: [
            .gpuLost, .driverNotLoaded, .nvmlHang, .nvmlUnavailable, .gpuCount, .gpuUnreadable, .migLayoutLost,
            .migDevicesMissing, .migLayoutInvalid, .gpuNotOffered,
        ],
        // The plugin reads the devices again after a restart, and the kubelet tells the API server some time later.
        settlesWithin: .seconds(120),
        meaning:
            "`status.allocatable` of the Node does not fit the GPUs and the MIG strategy of NVIDIA's device plugin. The "
            + "plugin reads the GPUs and MIG devices only when it starts, so it does not notice a new MIG layout. It also "
            + "takes back a device after some errors, until it starts again. Pods then wait for devices that the node "
            + "has, or get devices that are gone. The GPUs work, so the finding is a warning. More devices than the GPUs "
            + "have are no finding when each device can be offered as often as the others (time-slicing, MPS). The numbers "
            + "of a plugin that gets only some of the GPUs (`NVIDIA_VISIBLE_DEVICES`) are not judged.",
        advice:
            "Delete the pod of NVIDIA's device plugin on this node, so that it reads the devices again. When the numbers "
            + "still differ after that, its log says why."
    ) { node in
        guard let plugin = node.facts.devicePlugin, plugin.processes.value?.isEmpty == false,
            let offered = plugin.allocatable.value, let strategy = plugin.strategy, let nvml = node.nvml,
            // The plugin also offers the GPUs that this agent ignores, and takes back a GPU that does not work.
            (node.decision.ignored ?? []).isEmpty, node.facts.failingGPUs.isEmpty, node.hasNoFaultyGPU,
            let wanted = DevicePluginOffer(strategy: strategy, gpus: nvml.gpus), let isLimited = plugin.isLimited
        else { return nil }
        let expected = "what the GPUs have with the MIG strategy \(strategy.rawValue): \(wanted)"
        guard !isLimited else {
            return .notApplicable("the plugin gets only some of the GPUs (NVIDIA_VISIBLE_DEVICES)", expected: expected)
        }
        let differing = wanted.differences(from: offered, isSharing: plugin.isSharing)
        guard !differing.isEmpty else { return .passed("\(DevicePluginOffer(offered))", expected: expected) }
        let list = differing.map { "\($0.resource): \($0.offered) in place of \($0.wanted)" }
        return .warning(
            "The Node offers other devices than its GPUs have: \(list.joined(separator: ", ")).",
            expected: expected,
            remedy: """
                Delete the pod of NVIDIA's device plugin on this node, so that it reads the devices again. When the \
                numbers still differ after that, read its log.
                """
        )
    }
}

extension CheckedNode {
    /// Whether no GPU has an error for which the device plugin takes it back with good reason.
    fileprivate var hasNoFaultyGPU: Bool {
        !faults.faults.contains { [.gpuReset, .reboot, .hardware].contains($0.xidClass) }
    }
}
