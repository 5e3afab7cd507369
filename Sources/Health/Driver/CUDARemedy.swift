import NodeModel
import Selection

extension Remedy {
    /// What to do about an error code of CUDA (`CUresult`): the causes in the order of their probability.
    static func cuda(_ code: Int, on node: CheckedNode) -> Remedy {
        switch code {
        case 2: "Other processes use all the memory of the GPU. Stop them, or wait until they end."
        case 34: "Remove the stub library libcuda.so of the CUDA toolkit from the library directories."
        case 46:
            "Another process has the GPU exclusively. Stop it, or set the compute mode to default (nvidia-smi -c 0)."
        case 100:
            """
            Check that each GPU in MIG mode has a MIG device, that the kernel module nvidia-uvm is loaded, and that \
            a program can open /dev/nvidia-uvm. Then read the kernel log (dmesg) and look for lines with NVRM.
            """
        case 101:
            """
            Check that the MIG devices did not change during the check. \
            Then read the kernel log (dmesg) and look for Xid errors.
            """
        case 102: "Check that nvidia-gridd runs and reaches its license server: journalctl -u nvidia-gridd."
        case 221: "Install libnvidia-ptxjitcompiler.so.1 of the driver's version: CUDA compiles programs with it."
        case 214, 220: readXidLines
        case 304:
            """
            Check the permissions of /dev/nvidiactl and /dev/nvidia-uvm, and run the agent in a privileged container. \
            Then read the kernel log (dmesg) and look for lines with NVRM.
            """
        case 802, 919: fabric(on: node)
        case 803: differentVersions
        case 804:
            """
            Remove CUDA's compatibility libraries (cuda-compat) from the host. These GPUs do not support them with \
            this driver. If programs need a newer CUDA, install a newer driver.
            """
        case 805:
            """
            The MPS daemon does not accept the program. Restart nvidia-cuda-mps-control, or stop it when no program \
            needs it.
            """
        case 999:
            """
            Check that the kernel module nvidia-uvm is loaded and that a program can open /dev/nvidia-uvm. \
            Then read the kernel log (dmesg) and look for Xid errors. The node may need a reboot.
            """
        default: "Read the kernel log (dmesg), and check that the kernel module nvidia-uvm is loaded."
        }
    }

    /// Who must set up the NVLink fabric: this machine when it needs a fabric manager, or the host of a virtual
    /// machine.
    ///
    /// A machine without a fabric reports these errors when its GPUs wait for leave in confidential computing mode.
    ///
    /// The switches of the newest boards are not PCI functions, so a virtual machine with a whole board can need a
    /// fabric manager without showing a switch.
    private static func fabric(on node: CheckedNode) -> Remedy {
        let hasSwitch = (node.facts.pci.value ?? []).contains(where: \.isNVSwitch)
        let need = node.decision.fabricManager.flatMap { $0.isNeeded ? $0 : nil }
        if need == nil, !hasSwitch, node.isVirtualMachine {
            return """
                The host's NVLink fabric is not set up for this virtual machine. On the host, start the fabric \
                manager and activate the partition of these GPUs. There is nothing to repair in this machine, unless \
                its GPUs are in confidential computing mode: then run 'nvidia-smi conf-compute -srs 1'.
                """
        }
        if need == nil, !hasSwitch, let judgment = node.decision.fabricManager {
            return """
                These GPUs need no fabric manager. \(judgment.why) If the GPUs are in confidential computing mode, run \
                'nvidia-smi conf-compute -srs 1'. Otherwise, read the kernel log (dmesg) and look for lines with NVRM, \
                then reboot the node.
                """
        }
        let why = need.map { " These GPUs need one. \($0.why)" } ?? ""
        return """
            Check that a fabric manager of the driver's version runs (systemctl status nvidia-fabricmanager).\(why)
            """
    }
}
