import NodeModel
import Support

extension [IdentifiedGPU] {
    /// Why the agent cannot choose a driver for these GPUs.
    ///
    /// GPUs with equal problems share one finding, which describes the first GPU and names the others.
    var problems: [Finding] {
        var groups: [(gpu: IdentifiedGPU, key: Finding, finding: Finding, others: [PCIAddress])] = []
        for gpu in self {
            if let index = groups.firstIndex(where: { $0.gpu.isEqual(to: gpu) }) {
                groups[index].others.append(gpu.function.address)
                continue
            }
            guard let finding = gpu.problem else { continue }
            var key = finding
            key.observed = finding.observed.replacing("\(gpu.function.address)", with: "")
            if let index = groups.firstIndex(where: { $0.key == key }) {
                groups[index].others.append(gpu.function.address)
            } else {
                groups.append((gpu, key, finding, []))
            }
        }
        return groups.map { group in
            guard !group.others.isEmpty else { return group.finding }
            var finding = group.finding
            let noun = group.others.count == 1 ? "another GPU" : "\(group.others.count) other GPUs"
            finding.observed += " The same holds for \(noun): \(shortList(group.others.map(\.description)))."
            return finding
        }
    }
}

extension IdentifiedGPU {
    /// Whether the two are equal except for their addresses, so that their problems are equal too.
    fileprivate func isEqual(to other: IdentifiedGPU) -> Bool {
        var function = other.function
        function.address = self.function.address
        return function == self.function && identity == other.identity
    }
}
