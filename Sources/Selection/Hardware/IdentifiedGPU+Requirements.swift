import NodeModel

extension [IdentifiedGPU] {
    /// The requirements of all GPUs of a node together; nil when no driver meets them all.
    func commonRequirements(workstation: Bool) -> DriverRequirements? {
        let asked = compactMap { DriverRequirements($0.identity, workstation: workstation) }
        return asked.dropFirst().reduce(asked.first) { $0?.intersection($1) }
    }

    /// The finding that no driver supports all GPUs.
    ///
    /// It groups the GPUs of one kind.
    func mixedProblem(workstation: Bool) -> Finding {
        var groups: [(requirements: String, gpus: [IdentifiedGPU])] = []
        for gpu in self {
            let asked = DriverRequirements(gpu.identity, workstation: workstation)
            let requirements = asked?.description ?? "driver that is not known"
            if let index = groups.firstIndex(where: { $0.requirements == requirements && $0.gpus[0].key == gpu.key }) {
                groups[index].gpus.append(gpu)
            } else {
                groups.append((requirements, [gpu]))
            }
        }
        let list = groups.map { group in
            let need = group.gpus.count == 1 ? "needs" : "and \(group.gpus.count - 1) more of this kind need"
            return "\(group.gpus[0]) \(need) a \(group.requirements)"
        }
        let fewest = groups.min { $0.gpus.count < $1.gpus.count }?.gpus[0].key ?? ""
        return Finding(
            .mixedGPUs,
            observed: "No driver supports all GPUs of this node: \(list.joined(separator: "; ")).",
            expected: "GPUs that one driver supports",
            remedy:
                "Move the GPUs to different nodes, or exclude one kind with a line such as '\(fewest): ignored' under "
                + "gpus in the configuration."
        )
    }
}
