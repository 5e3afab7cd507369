package import NodeModel
import Planning

extension ReasonCode {
    package static let kernelChangePending = ReasonCode("kernel-change-pending")
}

extension Check {
    static let kernelChangePending = Check(
        .kernelChangePending,
        title: "the driver is built for the kernel of the next boot",
        group: .driver,
        phase: .load,
        dependsOn: [.driverMissing],
        meaning: "A newer kernel is installed, and it has no module of the driver. The node works until it boots this "
            + "kernel. So the finding is a notice.",
        advice:
            "If the agent installed the driver, it installs missing headers of the new kernel and builds the module before "
            + "the reboot. For a driver from packages of the distribution, it installs the package with the modules of the "
            + "new kernel. If the agent may not or cannot install the headers, install them yourself before the reboot. If "
            + "DKMS knows the driver (`dkms status`), then run `dkms autoinstall -k RELEASE`. Without a module, the agent "
            + "installs its driver again after the reboot, and the node is not ready until then."
    ) { node in
        let host = node.facts.host
        guard let module = node.facts.driver.moduleFile.value, let kernel = host.pendingKernel.value else { return nil }
        let expected = "a module of the driver for the newest kernel"
        guard !kernel.hasModule(of: module.version) else { return .passed(kernel.release, expected: expected) }
        let isOurs = node.facts.driver.record.value?.version == module.version
        let hasDKMS = node.facts.build.dkms.value != nil && node.facts.mayBuildWithDKMS(module.version)
        let package = isOurs ? prebuiltModules(of: node.facts, for: kernel.release) : nil
        let others = kernel.headersRelease.flatMap { $0 == kernel.release ? nil : $0 }
        let inPlace = others.map { " (/lib/modules/\(kernel.release)/build has those of \($0))" } ?? ""
        let headers =
            kernel.hasHeaders ? "" : "install the headers of \(kernel.release)\(inPlace)\(hasDKMS ? ", and " : "")"
        let build = hasDKMS ? "run 'dkms autoinstall -k \(kernel.release)'" : ""
        let before = headers.isEmpty && build.isEmpty ? "" : "Before the reboot, \(headers)\(build). "
        let after =
            isOurs
            ? "After the reboot, the agent builds what is missing, and the node is not ready until then."
            : "Whoever installed the driver must build it for this kernel."
        let verb = package == nil ? "build" : "install"
        let failed = node.aheadProblem.map { " The agent could not \(verb) it ahead of the reboot. \($0)" } ?? ""
        let found =
            kernel.hasModule
            ? "the module of driver \(kernel.moduleVersion ?? ""), and not that of driver \(module.version)"
            : "no module of driver \(module.version)"
        return .notice(
            "The installed kernel \(kernel.release) is newer than the running one, and has \(found).\(failed)",
            expected: expected,
            remedy: package.map { remedy(for: $0, of: module.version, isPrepared: node.preparesNextBoot) }
                ?? (node.preparesNextBoot
                    ? "Before the reboot, wait until the agent has built the module. 'gpu-agent install' does it now."
                    : Remedy("\(before)\(after)"))
        )
    }

    /// What to do about a missing package with modules.
    private static func remedy(for package: String, of version: String, isPrepared: Bool) -> Remedy {
        isPrepared
            ? Remedy(
                "Before the reboot, wait until the agent has installed \(package). 'gpu-agent install' does it now."
            )
            : Remedy(
                "Before the reboot, install \(package) for driver \(version). Otherwise, the agent installs it after the "
                    + "reboot when a repository has it, and the node is not ready until then."
            )
    }

    /// The package with the modules for a kernel; nil for a driver that does not come from packages of the distribution.
    private static func prebuiltModules(of facts: NodeFacts, for kernel: String) -> String? {
        guard let record = facts.driver.record.value, record.packages != nil,
            let version = DriverVersion(record.version)
        else { return nil }
        return PrebuiltDistributions.known(on: facts.host.osRelease.value)?
            .modulePackage(branch: nil, version: version, record.kernelModuleType, kernel: kernel)
    }
}
