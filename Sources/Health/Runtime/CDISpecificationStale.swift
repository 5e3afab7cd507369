package import NodeModel
import Support

extension ReasonCode {
    package static let cdiSpecificationStale = ReasonCode("cdi-specification-stale")
}

extension Check {
    static let cdiSpecificationStale = Check(
        .cdiSpecificationStale,
        title: "the CDI specifications fit the driver",
        group: .runtime,
        phase: .use,
        dependsOn: [.driverMissing, .driverVersionSplit, .driverNotLoaded, .deviceNodesMissing],
        // The service of the toolkit writes a specification after each load of the driver.
        settlesWithin: .seconds(120),
        meaning:
            "A CDI specification in `/etc/cdi` or `/var/run/cdi` names files that the host does not have, or the libraries of "
            + "another driver. The driver or the MIG layout changed after a program wrote the specification. A "
            + "container that asks for a GPU by CDI does not start. The GPUs work on the host, so the finding is a warning. "
            + "The agent never writes a specification, because it does not know the options of the program that does.",
        advice:
            "Write the specification again with the program that wrote it: `nvidia-ctk cdi generate --output=FILE`, the unit "
            + "`nvidia-cdi-refresh` of the toolkit, or a restart of the pod of NVIDIA's device plugin or toolkit on this node."
    ) { node in
        let expected = "CDI specifications that name only files of this host and its driver"
        guard node.facts.driver.isLoaded, let found = node.facts.runtime?.specifications else { return nil }
        let specifications = found.value ?? []
        guard !specifications.isEmpty || found.failure != nil else { return nil }
        let version = node.facts.driver.loadedVersion.value
        let stale = specifications.filter { specification in
            guard let version, let driver = specification.driver else { return specification.missingCount > 0 }
            return specification.missingCount > 0 || driver != version
        }
        guard let first = stale.first else {
            if let problem = found.failure?.detail ?? specifications.compactMap(\.problem).first {
                return .notice(
                    "The agent cannot read a CDI specification: \(problem)",
                    expected: expected,
                    remedy: "Correct the file, or remove it: the container runtime may not be able to read it either."
                )
            }
            return .passed(counted(specifications.count, "specification"), expected: expected)
        }
        return .warning(
            stale.map { $0.complaint(loaded: version) }.joined(separator: " "),
            expected: expected,
            remedy: first.remedy
        )
    }
}

extension CDISpecification {
    fileprivate func complaint(loaded: String?) -> String {
        guard missingCount > 0 else {
            return "\(path) is for driver \(driver ?? "?"), and driver \(loaded ?? "?") runs."
        }
        let more = missingCount > missing.count ? ", and \(missingCount - missing.count) more" : ""
        return "\(path) names files that the host does not have: \(missing.joined(separator: ", "))\(more)."
    }

    /// What writes the specification again: the kind of its devices says which program wrote it.
    fileprivate var remedy: Remedy {
        switch kind.prefix(while: { $0 != "/" }) {
        case "k8s.device-plugin.nvidia.com":
            "Restart the pod of NVIDIA's device plugin on this node, which writes \(path) again."
        case "management.nvidia.com":
            "Restart the pod of NVIDIA's container toolkit on this node, which writes \(path) again."
        case "nvidia.com":
            Remedy(
                "Run 'nvidia-ctk cdi generate --output=\(path)' on the node, which writes the specification again.",
                command: "nvidia-ctk cdi generate --output=\(path)"
            )
        default: "Restart the program that wrote \(path). The kind of its devices is \(kind)."
        }
    }
}
