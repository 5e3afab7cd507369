import NodeModel
import Support

extension Check {
    static let deviceFilesIncomplete = Check(
        .deviceFilesIncomplete,
        title: "every device of the driver has its node and its link",
        group: .driver,
        phase: .load,
        dependsOn: [.driverNotLoaded, .moduleLoadFailed, .deviceNodesMissing],
        // nvidia-modprobe creates nodes when the first program asks for a GPU.
        settlesWithin: .seconds(30),
        meaning:
            "A device of a driver that the agent installed has no node in `/dev`, or a node has no link in `/dev/char`. "
            + "Without the link, containers that run lose the GPU at the next `systemctl daemon-reload`: NVML then says "
            + "`Unknown Error`. CUDA works on the host, so the finding is a notice, and a warning when the agent could "
            + "not create the files.",
        advice:
            "Run `gpu-agent install`, which creates the nodes and the links. The daemon does it by itself in the mode "
            + "`manage`. Containers that lost the GPU before need a restart. The agent restarts no pod."
    ) { node in
        guard node.facts.driver.isLoaded, let found = node.facts.driver.surroundings else { return nil }
        let missing = node.facts.driver.nodesToCreate
        let unlinked = node.facts.driver.nodesToLink
        let expected = "a node for each device, and a link in /dev/char for each node"
        guard !missing.isEmpty || !unlinked.isEmpty else {
            guard !node.facts.driver.isOfThisAgent || !found.isForeign(OwnFile.deviceRule) else {
                return .notice(
                    "The agent did not write \(OwnFile.deviceRule), so it does not change this file. After a boot, the "
                        + "device nodes and their links are missing until the agent creates them.",
                    expected: expected,
                    remedy: Remedy("Remove \(OwnFile.deviceRule) on the node, and run 'gpu-agent install'.")
                )
            }
            return found.links.map { .passed(counted($0.count, "link"), expected: expected) }
        }
        var parts: [String] = []
        if !missing.isEmpty { parts.append("The host lacks \(shortList(missing.map { "/dev/\($0)" })).") }
        if !unlinked.isEmpty {
            parts.append("These device nodes have no link in /dev/char: \(shortList(unlinked)).")
        }
        return .notice(parts.joined(separator: " "), expected: expected, remedy: .install)
    }
}
