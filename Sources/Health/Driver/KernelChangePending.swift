package import NodeModel

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
            "Before the reboot, install the headers of the new kernel and run `dkms autoinstall -k RELEASE`, or install "
            + "the prebuilt modules of the distribution. If the agent installed the driver, it builds the modules after "
            + "the reboot, and the node is not ready until then."
    ) { node in
        let host = node.facts.host
        guard let module = node.facts.driver.moduleFile.value, let kernel = host.pendingKernel.value else { return nil }
        let expected = "a module of the driver for the newest kernel"
        guard !kernel.hasModule else { return .passed(kernel.release, expected: expected) }
        let hasDKMS = node.facts.build.dkms.value != nil
        let isOurs = node.facts.driver.record.value?.version == module.version
        let headers = kernel.hasHeaders ? "" : "install the headers of \(kernel.release)\(hasDKMS ? ", and " : "")"
        let build = hasDKMS ? "run 'dkms autoinstall -k \(kernel.release)'" : ""
        let before = headers.isEmpty && build.isEmpty ? "" : "Before the reboot, \(headers)\(build). "
        let after =
            isOurs
            ? "After the reboot, the agent builds what is missing, and the node is not ready until then."
            : "Whoever installed the driver must build it for this kernel."
        return .notice(
            "The installed kernel \(kernel.release) is newer than the running one, and has no module of driver "
                + "\(module.version).",
            expected: expected,
            remedy: Remedy("\(before)\(after)")
        )
    }
}
