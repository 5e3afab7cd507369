import NodeModel
import Planning
import Selection

/// The statements about the driver as the host's files show it.
struct DriverChecks {
    var facts: NodeFacts
    var decision: Decision

    var findings: [Finding] {
        guard !facts.driver.sources.isEmpty else { return [missing] }
        return [split, loaded, kind, kernelModuleType, deviceNodes].compactMap(\.self)
    }

    private var missing: Finding {
        let wanted = decision.driver.map { "\($0)" } ?? "a driver"
        guard case .unreadable(let why) = facts.driver.installed else {
            return Finding(
                .driverMissing,
                .failed,
                observed: "no NVIDIA driver on this host",
                expected: wanted,
                remedy: .install
            )
        }
        return Finding(
            .driverUnreadable,
            .unknown,
            observed: why.joined(separator: "; "),
            expected: wanted,
            remedy: "run as root with the host's root directory mounted"
        )
    }

    private var split: Finding {
        let sources = facts.driver.sources
        let versions = Set(sources.map(\.version))
        return Finding(
            .driverVersionSplit,
            versions.count == 1 ? .pass : .failed,
            observed: versions.count == 1
                ? versions.joined() : sources.map(\.description).joined(separator: ", "),
            expected: "the same version from every source",
            remedy: versions.count == 1
                ? ""
                : facts.driver.versionAfterBoot.map { "reboot the node: driver \($0) is whole on its disk" }
                    ?? "remove the driver that does not belong here, then reboot the node"
        )
    }

    private var loaded: Finding {
        let version = facts.driver.loadedVersion
        switch version {
        case .present(let version):
            return Finding(.driverNotLoaded, .pass, observed: version, expected: "loaded")
        case .absent:
            let remedy = Remedy.install
            return Finding(
                .driverNotLoaded,
                .failed,
                observed: "the module is not loaded",
                expected: "loaded",
                remedy: remedy
            )
        case .unreadable(let failure):
            return Finding(.driverNotLoaded, .unknown, observed: failure.detail, expected: "loaded")
        case .skipped(let why):
            return Finding(.driverNotLoaded, .skipped, observed: why, expected: "loaded")
        }
    }

    private var kind: Finding? {
        guard let wanted = decision.driver?.kind, let version = facts.driver.sources.first?.version else { return nil }
        guard let kind = facts.installedKind(ofVersion: version)?.kind else {
            return Finding(
                .driverKindMismatch,
                .unknown,
                observed: "cannot tell whether nvidia-gridd is installed",
                expected: wanted.rawValue,
                remedy: "run as root with the host's root directory mounted"
            )
        }
        return Finding(
            .driverKindMismatch,
            kind == wanted ? .pass : .failed,
            observed: kind.rawValue,
            expected: wanted.rawValue,
            remedy: kind == wanted ? "" : "remove the \(kind.rawValue) driver; then gpu-agent install"
        )
    }

    private var kernelModuleType: Finding? {
        guard let wanted = decision.driver?.kernelModuleType,
            let found = facts.driver.runningModule.value?.kernelModuleType
                ?? facts.driver.moduleFile.value?.kernelModuleType
        else { return nil }
        return Finding(
            .kernelModuleTypeMismatch,
            found == wanted ? .pass : .failed,
            observed: found.rawValue,
            expected: wanted.rawValue,
            remedy: found == wanted ? "" : "remove the driver; then gpu-agent install"
        )
    }

    private var deviceNodes: Finding? {
        guard facts.driver.isLoaded else { return nil }
        let needed = Planner.neededNodes
        let expected = needed.map { "/dev/\($0)" }.joined(separator: ", ")
        switch facts.driver.deviceNodes {
        case .present(let nodes):
            let lacking = needed.filter { !nodes.contains($0) }
            return Finding(
                .deviceNodesMissing,
                lacking.isEmpty ? .pass : .failed,
                observed: lacking.isEmpty ? "\(nodes.count) nodes" : "no \(lacking.joined(separator: ", no "))",
                expected: expected,
                remedy: lacking.isEmpty ? "" : "gpu-agent install"
            )
        case .absent:
            return Finding(
                .deviceNodesMissing,
                .failed,
                observed: "none",
                expected: expected,
                remedy: .install
            )
        case .unreadable(let failure):
            return Finding(.deviceNodesMissing, .unknown, observed: failure.detail, expected: expected)
        case .skipped(let why):
            return Finding(.deviceNodesMissing, .skipped, observed: why, expected: expected)
        }
    }
}
