/// The keys of a Node's metadata by which the GPU Operator and the agent know what the other one does.
///
/// Sources: `controllers/state_manager.go` of NVIDIA/gpu-operator, and `pkg/upgrade/consts.go` of
/// NVIDIA/k8s-operator-libs.
package enum OperatorLabel {
    /// Where the upgrade of the operator's driver is on this node, such as `upgrade-required` or `upgrade-done`.
    package static let upgradeState = "nvidia.com/gpu-driver-upgrade-state"
    /// With the value `true`, the upgrade controller leaves the node out.
    package static let upgradeSkip = "nvidia.com/gpu-driver-upgrade.skip"
    /// The annotation that is `true` on each GPU node while the upgrade controller is turned on.
    package static let upgradeEnabled = "nvidia.com/gpu-driver-upgrade-enabled"
    /// The labels by which the operator runs a pod that makes the files in `/run/nvidia/validations`.
    package static let validators = [
        "nvidia.com/gpu.deploy.operator-validator", "nvidia.com/gpu.deploy.dra-validator",
        "nvidia.com/gpu.deploy.sandbox-validator",
    ]

    /// The labels that the hand-over depends on, besides the one for the driver.
    package static let all = [upgradeState] + validators
    /// The annotations that it depends on.
    package static let annotations = [upgradeEnabled]
}
