import NodeModel
import Selection
import Support

extension Check {
    static let driverVersionSplit = Check(
        .driverVersionSplit,
        title: "the host has one driver version",
        group: .driver,
        phase: .load,
        dependsOn: [.driverMissing],
        meaning: "The loaded module, the module file and the libraries have different versions. The host has parts "
            + "of two drivers.",
        advice: "If only the loaded module differs, reboot the node. Otherwise, remove the driver that does not "
            + "belong on the node, and then reboot the node."
    ) { node in
        guard node.hasDriver else { return nil }
        let sources = node.facts.driver.sources
        let expected = "the same version from every source"
        let versions = Set(sources.map(\.version))
        guard versions.count > 1 else { return .passed(versions.joined(), expected: expected) }
        let wanted = node.decision.driver?.version.description
        let removals = grouped(
            versions.subtracting([wanted].compactMap(\.self)).sorted().map { version in
                let removal = node.facts.howToRemoveDriverOfOthers(version) ?? "Run 'gpu-agent uninstall'."
                return (subject: version, text: removal)
            }
        )
        let ways = removals.map { "Driver \(shortList($0.subjects)): \($0.text)" }.joined(separator: " ")
        let remedy =
            node.facts.driver.versionAfterBoot.map { "Reboot the node. Driver \($0) is fully installed on the disk." }
            ?? "Remove the driver that does not belong on this node, and then reboot the node. \(ways)"
        return .failed(
            sources.summary(within: 105),
            expected: expected,
            remedy: Remedy(remedy)
        )
    }
}
