import NodeModel

/// The findings that are only consequences of another failure.
///
/// For example, NVML and CUDA cannot work while the kernel module is not loaded. The report then has one finding.
struct Consequences {
    /// The codes of the consequences.
    let codes: Set<ReasonCode>

    init(among findings: [Finding]) {
        let states = Dictionary(grouping: findings, by: \.code).mapValues { $0.map(\.state) }
        var causes: Set<ReasonCode> = []
        var codes: Set<ReasonCode> = []
        // Each check comes after the checks that it depends on.
        for check in CheckRegistry.checks {
            let isExplained = check.dependencies.contains(where: causes.contains)
            guard let found = states[check.code] else {
                // A check without a finding passes the cause on to the checks that depend on it.
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
