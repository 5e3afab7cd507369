package import NodeModel
import Selection

extension ReasonCode {
    package static let kernelModuleTypeMismatch = ReasonCode("kernel-module-type-mismatch")
}

extension Check {
    static let kernelModuleTypeMismatch = Check(
        .kernelModuleTypeMismatch,
        title: "the kernel modules are of the right type",
        group: .driver,
        phase: .load,
        dependsOn: [.driverMissing],
        meaning: "The host has proprietary kernel modules and the GPUs need open ones, or the reverse.",
        advice: "Remove the driver as the finding says, then run `gpu-agent install`."
    ) { node in
        let driver = node.facts.driver
        guard let wanted = node.decision.driver?.kernelModuleType,
            let found = driver.runningModule.value?.kernelModuleType ?? driver.moduleFile.value?.kernelModuleType
        else { return nil }
        guard found != wanted else { return .passed(found.rawValue, expected: wanted.rawValue) }
        return .failed(
            found.rawValue,
            expected: wanted.rawValue,
            remedy: .replacingDriver(on: node)
        )
    }
}
