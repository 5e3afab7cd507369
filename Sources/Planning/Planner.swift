import Catalog
package import NodeModel
package import Selection
import Support

/// Turns a decision into steps.
///
/// Pure: facts, decision and journal in, plan out.
package struct Planner: Sendable {
    package init() {}

    package func plan(_ facts: NodeFacts, _ decision: Decision, journal: Journal?) -> Plan {
        switch decision.action {
        case .idle, .blocked:
            Plan(decision: decision, steps: [], problems: [])
        case .adopt:
            Plan(decision: decision, steps: needsLoading(facts.driver) ? [load(), verify()] : [], problems: [])
        case .install:
            install(facts, decision, journal: journal)
        }
    }

    /// Whether the module or one of its device nodes is missing.
    ///
    /// Udev loads `nvidia` by itself at boot, and not `nvidia-uvm`, without which CUDA fails.
    private func needsLoading(_ facts: DriverFacts) -> Bool {
        if facts.loadedVersion.isAbsent { return true }
        guard let nodes = facts.deviceNodes.value else { return facts.deviceNodes.isAbsent }
        return !Self.neededNodes.allSatisfy(nodes.contains)
    }

    /// The device nodes without which no CUDA program runs.
    package static let neededNodes = ["nvidiactl", "nvidia-uvm"]

    private func install(_ facts: NodeFacts, _ decision: Decision, journal: Journal?) -> Plan {
        guard let driver = decision.driver, let artifact = driver.artifact, let digest = artifact.digest,
            let kernel = facts.host.kernelRelease.value
        else {
            let problem = Finding(
                .hostUnreadable,
                observed: facts.host.kernelRelease.failure?.detail ?? "the running kernel's release is not known",
                expected: "a kernel release in /proc/sys/kernel/osrelease",
                remedy: "run the agent as root with the host's root directory mounted"
            )
            return Plan(decision: decision, steps: [], problems: [problem])
        }
        let record = InstallRecord(
            state: .started,
            kind: driver.kind,
            version: driver.version.description,
            kernelModuleType: driver.kernelModuleType,
            replaces: facts.driver.record.value.flatMap { $0.state == .installed ? $0.version : $0.replaces },
            takesOver: decision.takesOver,
            kernelRelease: kernel,
            artifactHash: digest.hex
        )
        let resumed = journal?.record.map { $0.state != .installed && $0.isSameInstall(as: record) } ?? false
        // The journal outlives a host whose system was made anew: what it claims must be there.
        let installed = resumed && journal?.finished(.install) == true && !facts.driver.moduleFile.isAbsent
        var steps: [PlannedStep] = []
        if !resumed { steps.append(begin(record)) }
        if !installed {
            steps.append(download(artifact))
            let modules = Self.unloadOrder(facts.driver)
            if !modules.isEmpty { steps.append(unload(modules)) }
            if let owner = decision.takesOver, !(resumed && journal?.finished(.remove) == true) {
                let commands = facts.removal(of: owner)
                if !commands.isEmpty { steps.append(remove(owner, commands, for: driver)) }
            }
            steps.append(runInstaller(driver, artifact, dkms: facts.build.dkms.value != nil))
        }
        steps += [load(), verify(), finish(record, artifact)]
        let problems = installed ? [] : Preflight(facts: facts, artifact: artifact, kernel: kernel).problems
        return Plan(decision: decision, steps: steps, problems: problems)
    }

    private func begin(_ record: InstallRecord) -> PlannedStep {
        PlannedStep(
            id: .begin,
            title: "note the install in the journal",
            changes: HostLayout.journal,
            deadlineSeconds: 30,
            undo: "rm \(HostLayout.journal)",
            action: .begin(record)
        )
    }

    private func download(_ artifact: Artifact) -> PlannedStep {
        PlannedStep(
            id: .download,
            title: "download \(artifact.fileName)",
            changes: "\(HostLayout.packages)/\(artifact.fileName)",
            deadlineSeconds: 1800,
            undo: "rm -r \(HostLayout.packages)",
            action: .download(artifact)
        )
    }

    /// The driver's loaded modules, each before those that it uses; none when they could not be listed.
    private static func unloadOrder(_ facts: DriverFacts) -> [String] {
        let order = [
            "nvidia_peermem", "nvidia_fs", "nvidia_vgpu_vfio", "nvidia_uvm", "nvidia_drm", "nvidia_modeset", "nvidia",
        ]
        return order.filter((facts.loadedModules.value ?? []).contains)
    }

    private func unload(_ modules: [String]) -> PlannedStep {
        PlannedStep(
            id: .unload,
            title: "unload the kernel modules that are to be replaced",
            changes: "the loaded kernel modules",
            disrupts: true,
            deadlineSeconds: 120,
            undo: modules.reversed().map { "modprobe \($0)" }.joined(separator: "; "),
            action: .unload(modules)
        )
    }

    private func remove(_ owner: DriverOwner, _ commands: [[String]], for driver: DriverTarget) -> PlannedStep {
        // One job, so that a removal that was begun is found again; it ends with the first command that fails.
        let script = commands.map(shellLine).joined(separator: "\n")
        return PlannedStep(
            id: .remove,
            title: "remove the driver of \(owner.words)",
            changes: "the driver that is on the host, with its packages or files",
            disrupts: true,
            deadlineSeconds: 900,
            undo: "install that driver again, as its owner did",
            action: .job(
                name: StepID.remove.jobName(for: driver.version.description),
                command: ["sh", "-ec", script],
                failure: .driverRemovalFailed
            )
        )
    }

    private func runInstaller(_ driver: DriverTarget, _ artifact: Artifact, dkms: Bool) -> PlannedStep {
        let command =
            [
                "sh", "\(HostLayout.packages)/\(artifact.fileName)", "--silent",
            ] + kernelModuleTypeOption(driver) + [
                "--no-drm", "--log-file-name=\(HostLayout.installerLog)", "--tmpdir=\(HostLayout.work)",
            ] + (dkms ? ["--dkms"] : [])
        return PlannedStep(
            id: .install,
            title: "install the \(driver)",
            changes: "kernel modules, libraries and tools of the driver; log in \(HostLayout.installerLog)",
            deadlineSeconds: 1800,
            undo: "sh \(HostLayout.packages)/\(artifact.fileName) --uninstall --silent",
            action: .job(
                name: StepID.install.jobName(for: driver.version.description),
                command: command,
                failure: .installerFailed
            )
        )
    }

    /// How a package is told which modules to build.
    ///
    /// `-M` is there since branch 560. Packages from 515 on, the first with open modules, are told the directory to
    /// build; older ones have proprietary modules only, and no such option (nvidia-installer's option table).
    private func kernelModuleTypeOption(_ driver: DriverTarget) -> [String] {
        switch driver.version.branch {
        case 560...: ["-M", driver.kernelModuleType.rawValue]
        case 515...: [driver.kernelModuleType == .open ? "-m=kernel-open" : "-m=kernel"]
        default: []
        }
    }

    private func load() -> PlannedStep {
        let modules = ["nvidia", "nvidia-uvm", "nvidia-modeset"]
        return PlannedStep(
            id: .load,
            title: "load the kernel modules and make their device nodes",
            changes: "the loaded kernel modules and /dev/nvidia*",
            deadlineSeconds: 300,
            undo: "modprobe -r nvidia-uvm nvidia-modeset nvidia",
            action: .run(
                modules.map { ["modprobe", $0] } + [["nvidia-modprobe", "-u", "-c0"]],
                failure: .moduleLoadFailed
            )
        )
    }

    private func verify() -> PlannedStep {
        PlannedStep(
            id: .verify,
            title: "look at the node again and check it",
            changes: "nothing",
            deadlineSeconds: 300,
            action: .verify
        )
    }

    private func finish(_ record: InstallRecord, _ artifact: Artifact) -> PlannedStep {
        var complete = record
        complete.state = .installed
        complete.replaces = nil
        return PlannedStep(
            id: .finish,
            title: "note the finished install and remove the package",
            changes: "\(HostLayout.journal), \(HostLayout.packages)",
            deadlineSeconds: 30,
            action: .finish(complete, package: artifact.fileName)
        )
    }
}
