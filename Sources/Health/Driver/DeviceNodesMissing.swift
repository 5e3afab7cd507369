package import NodeModel
import Planning

extension ReasonCode {
    package static let deviceNodesMissing = ReasonCode("device-nodes-missing")
}

extension Check {
    static let deviceNodesMissing = Check(
        .deviceNodesMissing,
        title: "the device nodes exist",
        group: .driver,
        phase: .load,
        dependsOn: [.driverNotLoaded, .moduleLoadFailed],
        // Observed: udev can take up to 15 seconds after the load of nvidia-uvm to create its device nodes.
        settlesWithin: .seconds(15),
        meaning: "The device node `/dev/nvidiactl` or `/dev/nvidia-uvm` is missing, or another file is in its place. "
            + "CUDA needs both, with the major numbers in `/proc/devices`.",
        advice: "Remove the file that the finding names. Then run `gpu-agent install`, which creates the device nodes."
    ) { node in
        guard node.facts.driver.isLoaded else { return nil }
        let needed = Planner.neededNodes
        let expected = needed.map { "/dev/\($0)" }.joined(separator: ", ")
        switch node.facts.driver.deviceNodes {
        case .present(let nodes):
            let lacking = needed.filter { !nodes.contains($0) }
            guard !lacking.isEmpty else { return .passed(counted(nodes.count, "device node"), expected: expected) }
            let unusable = lacking.compactMap { name in
                node.facts.driver.unusableNodes?[name].map { "/dev/\(name) \($0)." }
            }
            guard unusable.isEmpty else {
                let files = lacking.filter { node.facts.driver.unusableNodes?[$0] != nil }.map { "/dev/\($0)" }
                return .failed(
                    unusable.joined(separator: " "),
                    expected: expected,
                    remedy: .install(
                        after: "rm \(files.joined(separator: " "))",
                        "Remove \(files.joined(separator: " and "))"
                    )
                )
            }
            return .failed(
                "The host lacks /dev/\(lacking.joined(separator: ", /dev/")).",
                expected: expected,
                remedy: .install
            )
        case .absent, .absentBecause:
            return .failed("The host has no NVIDIA device nodes.", expected: expected, remedy: .install)
        case .unreadable(let failure):
            return .unknown(failure.detail, expected: expected, remedy: .reading(failure))
        case .skipped(let why):
            return .skipped(why, expected: expected)
        }
    }
}
