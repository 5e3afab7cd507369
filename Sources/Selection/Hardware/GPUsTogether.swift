import NodeModel

extension [IdentifiedGPU] {
    /// What all GPUs of a node together ask of a driver; nil when nothing suits them all.
    func commonRequirements(workstation: Bool) -> DriverRequirements? {
        let asked = compactMap { DriverRequirements($0.identity, workstation: workstation) }
        return asked.dropFirst().reduce(asked.first) { $0?.intersection($1) }
    }

    /// GPUs that no one driver runs, those alike told together, with what each takes.
    func mixedProblem(workstation: Bool) -> Finding {
        var groups: [(words: String, gpus: [IdentifiedGPU])] = []
        for gpu in self {
            let asked = DriverRequirements(gpu.identity, workstation: workstation)
            let words = asked?.words ?? "nothing that is known"
            if let index = groups.firstIndex(where: { $0.words == words && $0.gpus[0].key == gpu.key }) {
                groups[index].gpus.append(gpu)
            } else {
                groups.append((words, [gpu]))
            }
        }
        let list = groups.map { group in
            let more = group.gpus.count == 1 ? "" : " and \(group.gpus.count - 1) more like it"
            return "\(group.gpus[0].words)\(more) takes \(group.words)"
        }
        let fewest = groups.min { $0.gpus.count < $1.gpus.count }?.gpus[0].key ?? ""
        return Finding(
            .mixedGPUs,
            observed: list.joined(separator: "; "),
            expected: "GPUs that one driver can run",
            remedy: "move the GPUs to different nodes, or leave one kind out with a line such as '\(fewest): ignored' "
                + "below gpus in the configuration"
        )
    }
}
