package import NodeModel

extension ReasonCode {
    package static let containerdVersionMismatch = ReasonCode("containerd-version-mismatch")
}

extension Check {
    static let containerdVersionMismatch = Check(
        .containerdVersionMismatch,
        title: "containerd accepts the versions of its configuration files",
        group: .runtime,
        phase: .use,
        meaning:
            "A file that `/etc/containerd/config.toml` imports has a higher `version` than that file. containerd refuses "
            + "such a configuration. While it runs, the node works. At its next start, it ends with `drop-in config version` "
            + "`higher than root config version`, and the node becomes `NotReady`. Some versions of NVIDIA's container "
            + "toolkit write such files. The agent neither changes them nor restarts containerd.",
        advice:
            "Set `version` in the imported file to that of the main file, with the tables of that version, or remove the imported file. "
            + "Run `containerd config dump` before you restart containerd: it must end without an error."
    ) { node in
        let expected = "no imported file with a higher version than the main file"
        if let failure = node.facts.runtime?.containerd.failure {
            return .notice(
                "The agent cannot read the configuration of containerd: \(failure.detail)",
                expected: expected,
                remedy: Remedy(
                    "Run 'containerd config dump' on the node, which shows whether containerd can read it.",
                    command: "containerd config dump"
                )
            )
        }
        guard let containerd = node.facts.runtime?.containerd.value, let version = containerd.version,
            !containerd.imports.isEmpty
        else { return nil }
        let files = containerd.tooHigh.map { "\($0.path) has version \($0.version)" }
        guard !files.isEmpty else { return .passed("version \(version)", expected: expected) }
        return .warning(
            "containerd will not start again: \(files.joined(separator: ", ")), and \(containerd.path) has version \(version).",
            expected: expected,
            remedy: Remedy(
                "Correct the imported file until 'containerd config dump' succeeds, before containerd restarts.",
                command: "containerd config dump"
            )
        )
    }
}
