import NodeModel

/// Which findings only follow from another failure.
///
/// While the kernel module is not loaded, NVML, CUDA and the GPUs cannot answer either. That is one finding.
struct Consequences {
    /// The codes whose findings explain nothing new.
    let codes: Set<ReasonCode>

    init(among findings: [Finding]) {
        let states = Dictionary(grouping: findings, by: \.code).mapValues { $0.map(\.state) }
        var causes: Set<ReasonCode> = []
        var codes: Set<ReasonCode> = []
        // Every check comes after those that it depends on.
        for check in CheckRegistry.checks {
            let isExplained = check.dependencies.contains(where: causes.contains)
            guard let found = states[check.code] else {
                // A check that says nothing passes the cause on to those that depend on it.
                if isExplained { causes.insert(check.code) }
                continue
            }
            guard !found.allSatisfy({ [.pass, .notApplicable].contains($0) }) else { continue }
            if isExplained { codes.insert(check.code) }
            if isExplained || found.contains(.failed) { causes.insert(check.code) }
        }
        self.codes = codes
    }
}
