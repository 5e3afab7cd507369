import NodeModel

extension Check {
    static let driverNotLoaded = Check(
        .driverNotLoaded,
        title: "the kernel module nvidia is loaded",
        group: .driver,
        phase: .load,
        dependsOn: [.driverMissing, .moduleLoadFailed],
        meaning: "The driver is on the host, but the kernel module `nvidia` is not loaded.",
        advice: "Run `gpu-agent install`, which loads the module. If the kernel rejects it, the kernel log says why."
    ) { node in
        guard node.hasDriver else { return nil }
        let expected = "loaded"
        return switch node.facts.driver.loadedVersion {
        case .present(let version): .passed(version, expected: expected)
        case .absent, .absentBecause:
            .failed("The kernel module nvidia is not loaded.", expected: expected, remedy: .install)
        case .unreadable(let failure): .unknown(failure.detail, expected: expected, remedy: .reading(failure))
        case .skipped(let why): .skipped(why, expected: expected)
        }
    }
}
