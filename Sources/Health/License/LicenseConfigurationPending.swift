package import NodeModel
import Selection
import Support

extension ReasonCode {
    package static let licenseConfigurationPending = ReasonCode("license-configuration-pending")
}

extension Check {
    static let licenseConfigurationPending = Check(
        .licenseConfigurationPending,
        title: "the host has the configured license",
        group: .license,
        phase: .use,
        dependsOn: [.driverMissing, .licenseTokenUnusable],
        meaning:
            "The configuration has a license (`license`) that the host does not have: the agent has not written it yet, "
            + "another program or a person wrote NVIDIA's files first, or the agent did not install this driver. The agent "
            + "never changes files that it did not write. The node works, so the finding is a notice.",
        advice:
            "Remove the files that the finding names, and the agent writes its own. Or remove `license` from the "
            + "configuration."
    ) { node in
        let driver = node.facts.driver
        guard let wanted = node.surroundings.license, node.decision.driver?.kind == .grid, node.hasDriver else {
            return nil
        }
        let expected = "the license of the configuration"
        guard driver.isOfThisAgent else {
            return .notice(
                "The agent did not install this driver, so it does not set up the configured license.",
                expected: expected,
                remedy: Remedy("Set it up where the driver comes from, or remove 'license' from the configuration.")
            )
        }
        guard let found = driver.surroundings, let files = found.license else { return nil }
        let foreign = files.foreign(for: wanted)
        guard foreign.isEmpty else {
            return .notice(
                "The agent did not write these license files, so it does not change them: \(shortList(foreign)).",
                expected: expected,
                remedy: Remedy("Remove them, and run 'gpu-agent install'. Or remove 'license' from the configuration.")
            )
        }
        let hasToken = wanted.tokenFile == nil || found.licenseToken.value.map { $0.digest == files.token } ?? true
        let isWritten = found.ownFiles[LicenseFiles.configuration] == OwnFile.lines(wanted.text)
        guard isWritten, hasToken else {
            return .notice("The host does not have the configured license yet.", expected: expected, remedy: .install)
        }
        return .passed("\(LicenseFiles.configuration) has the configured license.", expected: expected)
    }
}
