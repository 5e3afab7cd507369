package import NodeModel
import Support

extension ReasonCode {
    package static let moduleParametersPending = ReasonCode("module-parameters-pending")
}

extension Check {
    static let moduleParametersPending = Check(
        .moduleParametersPending,
        title: "the kernel modules have the configured parameters",
        group: .driver,
        phase: .load,
        dependsOn: [.driverMissing, .driverNotLoaded],
        meaning:
            "The configuration has module parameters (`driver.moduleParameters`) that the loaded kernel modules do not "
            + "have. A module gets its parameters when it is loaded, and the agent unloads no module for them. The "
            + "node works, so the finding is a notice.",
        advice:
            "Drain the node and reboot it. If the finding is still there after the reboot, an initramfs has loaded the "
            + "module: build the initramfs again. The agent sets no parameters for a driver that it did not install."
    ) { node in
        let wanted = node.surroundings.moduleParameters
        let driver = node.facts.driver
        guard !wanted.isEmpty, driver.isLoaded else { return nil }
        let expected = "the parameters in driver.moduleParameters"
        guard driver.isOfThisAgent else {
            return .notice(
                "The agent did not install this driver, so it does not set the configured module parameters.",
                expected: expected,
                remedy: Remedy("Set them where the driver comes from, or remove driver.moduleParameters.")
            )
        }
        guard driver.surroundings?.isForeign(ModuleParameters.path) != true else {
            return .notice(
                "The agent did not write \(ModuleParameters.path), so it does not change this file. The modules do not get "
                    + "the configured parameters.",
                expected: expected,
                remedy: Remedy(
                    "Remove \(ModuleParameters.path) on the node, and run 'gpu-agent install'. Or remove "
                        + "driver.moduleParameters from the configuration."
                )
            )
        }
        guard let found = driver.surroundings, found.ownFiles[ModuleParameters.path] == OwnFile.lines(wanted.text)
        else {
            return .notice(
                "\(ModuleParameters.path) does not have the configured parameters yet.",
                expected: expected,
                remedy: .install
            )
        }
        let differences = wanted.differences(from: found.parametersInForce)
        guard differences.isEmpty else {
            return .notice(
                "The loaded kernel modules have other parameters: \(shortList(differences)).",
                expected: expected,
                remedy: Remedy(
                    "Drain the node and reboot it. The next load of the modules uses the configured parameters."
                )
            )
        }
        let count = wanted.modules.reduce(0) { $0 + $1.value.count }
        return .passed(counted(count, "parameter"), expected: expected)
    }
}
