package import NodeModel

/// Removes the driver that another owner installed.
package struct RemoveDriver: Operation {
    package var owner: DriverOwner
    package var removal: DriverRemoval
    /// The version of the driver that the agent installs instead.
    package var version: String
    /// The path of the driver package that the agent installs instead.
    package var package: String
    /// The directory in which a package unpacks itself (`BuildFacts.workDirectory`).
    package var work: String

    package init(
        owner: DriverOwner,
        removal: DriverRemoval,
        version: String,
        package: String,
        work: String = HostLayout.work
    ) {
        self.owner = owner
        self.removal = removal
        self.version = version
        self.package = package
        self.work = work
    }

    package static func jobName(_ version: String) -> String { StepID.remove.jobName(for: version) }

    package var id: StepID { .remove }
    package var title: String { "remove the driver of \(owner.displayName)" }
    package var changes: String { "the driver on the host, with its packages or files" }
    package var disrupts: Bool { true }
    package var changesDriver: Bool { true }
    package var deadlineSeconds: Int { 900 }
    package var effects: [Effect] {
        // All commands are one job, so that a restarted agent finds it. The job ends at the first command that fails.
        let script = removal.commands.map(command).joined(separator: "\n")
        return [
            .makeDirectories([work]),
            .job(
                Effect.Job(
                    name: Self.jobName(version),
                    command: ["sh", "-ec", script],
                    environment: ["TMPDIR": work]
                )
            ),
        ]
    }
    package var failure: StepFailure { StepFailure(.driverRemovalFailed, subject: removal.subject) }
    package var leaves: String? { "the driver of \(owner.displayName) is not restored" }

    /// A command for the shell.
    ///
    /// An uninstaller that was killed may have removed itself or what it needs, but not yet all other files. A power
    /// failure can damage it. The installer of every package removes what `/var/lib/nvidia/log` lists, whatever the
    /// version is.
    private func command(_ words: [String]) -> String {
        guard words.first == "nvidia-uninstall" else { return shellLine(words) }
        return """
            if ! command -v nvidia-uninstall >/dev/null || ! \(shellLine(words))
            then sh \(shellLine([package])) --uninstall --silent
            fi
            """
    }
}
