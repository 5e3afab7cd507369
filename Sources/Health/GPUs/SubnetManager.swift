package import NodeModel
import Selection

extension ReasonCode {
    package static let nvlsmMissing = ReasonCode("nvlsm-missing")
}

extension Check {
    static let nvlsmMissing = Check(
        .nvlsmMissing,
        title: "the machine has the NVLink subnet manager that its fabric manager starts",
        group: .gpus,
        phase: .use,
        dependsOn: [.driverNotLoaded, .moduleLoadFailed, .fabricManagerMissing],
        settlesWithin: .seconds(60),
        meaning:
            "On boards since HGX B200, InfiniBand functions manage the NVSwitches. There, the fabric manager starts the "
            + "NVLink subnet manager (`nvlsm`). For that, the host needs the package `nvlsm`, the program `ibstat`, and the "
            + "kernel module `ib_umad`. Without one of them, the fabric manager does not start, and CUDA reports the error "
            + "802. When CUDA works nevertheless, the finding is a notice.",
        advice:
            "Install the packages `nvlsm` and `infiniband-diags`, load the module with `modprobe ib_umad`, and start "
            + "the fabric manager again: `systemctl restart nvidia-fabricmanager`. See "
            + "[install.md](install.md#fabric-manager-and-imex)."
    ) { node in
        guard let need = node.decision.fabricManager, need.isNeeded, need.subnetManager == true,
            node.facts.driver.isLoaded, let found = node.facts.driver.surroundings, let fabric = found.fabric,
            let program = found.program(.fabricManager), program.path != nil || program.isRunning == false
        else { return nil }
        let expected = "nvlsm, ibstat and the kernel module ib_umad"
        let missing = [
            fabric.hasSubnetManager ? nil : "the package nvlsm",
            fabric.hasDiagnostics ? nil : "ibstat (the package infiniband-diags)",
            fabric.hasManagementInterface ? nil : "the loaded kernel module ib_umad",
        ].compactMap(\.self)
        guard !missing.isEmpty else { return .passed("The host has all of them.", expected: expected) }
        return FabricState(node).outcome(
            "The fabric manager of this machine needs nvlsm. The host lacks \(missing.joined(separator: " and ")).",
            expected,
            Remedy(
                "Install the packages nvlsm and infiniband-diags on the node, and run 'modprobe ib_umad'. Then run "
                    + "'systemctl restart nvidia-fabricmanager'."
            )
        )
    }
}
