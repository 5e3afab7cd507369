import NodeModel

extension NodeFacts {
    /// The owner that manages the driver of the whole node; nil when there is none.
    ///
    /// A driver container shows what its owner did. A label of the Node shows what its owner intends to do.
    var nodeOwner: OwnerClaim? {
        let labels = claims.knownNodeLabels
        if let container = claims.driverContainer.value, container.isMounted {
            let version = container.version.map { " with driver \($0)" } ?? ""
            let files = container.validations.joined(separator: ", ")
            let statement = "/run/nvidia/driver is the root of a driver container\(version)."
            return gpuOperator("driver root", statement + (files.isEmpty ? "" : " Its validation files are \(files)."))
        }
        if claims.driverContainer.value?.hasPIDFile == true {
            // The file does not survive a boot. So a container is building its driver now, or it was killed.
            return gpuOperator("driver pid", "/run/nvidia/nvidia-driver.pid shows that a driver container was started.")
        }
        if let value = labels[OwnerLabel.gpuOperatorDriver], value.contains("paused-for-driver-upgrade"),
            !value.contains("pre-installed")
        {
            let statement =
                "\(OwnerLabel.gpuOperatorDriver)=\(value) says that the GPU Operator is replacing its driver."
            return gpuOperator("node label", statement)
        }
        for key in OwnerLabel.virtualMachines {
            guard let value = labels[key], value == "true" || value.hasPrefix("vm-") else { continue }
            return OwnerClaim(
                owner: .gpuOperator,
                source: "node label",
                statement: "\(key)=\(value) says that the GPU Operator reserves the GPUs for virtual machines.",
                howToHandOver: "Label the node \(OwnerLabel.workload)=container to use its GPUs for pods."
            )
        }
        if let value = labels[OwnerLabel.gkeDriverVersion], value != "disabled" {
            return OwnerClaim(
                owner: .gke,
                source: "node label",
                statement: "\(OwnerLabel.gkeDriverVersion)=\(value) says that GKE installs the driver of this node.",
                howToHandOver:
                    "Create the node pool with gpu-driver-version=disabled to let the agent install the driver."
            )
        }
        return nil
    }

    /// The owner that may be about to install a driver; nil when there is none.
    ///
    /// The GPU Operator sets this label on every GPU node, even when its driver is turned off. So the agent still
    /// adopts a driver that fits, but it does not install one.
    var expectedOwner: OwnerClaim? {
        guard claims.knownNodeLabels[OwnerLabel.gpuOperatorDriver] == "true" else { return nil }
        let statement =
            "\(OwnerLabel.gpuOperatorDriver)=true says that the GPU Operator may run its driver container on this node."
        return gpuOperator("node label", statement)
    }

    private func gpuOperator(_ source: String, _ statement: String) -> OwnerClaim {
        OwnerClaim(
            owner: .gpuOperator,
            source: source,
            statement: statement,
            howToHandOver: "Label the node \(OwnerLabel.gpuOperatorDriver)=false to let the agent install the driver."
        )
    }

    /// Evidence from labels of the Node that leave the driver to the agent.
    var labelRemarks: [Evidence] {
        if let why = claims.nodeLabels.failure?.detail {
            let statement =
                "The agent cannot read the labels of the Node (\(why)), so it does not know who owns the driver."
            return [Evidence(.owner, "node label", statement)]
        }
        let labels = (claims.nodeLabels.value ?? [:]).sorted { $0.key < $1.key }
        return labels.compactMap { key, value in
            guard !value.isEmpty, key == OwnerLabel.gpuOperatorDriver || key == OwnerLabel.gkeDriverVersion else {
                return nil
            }
            if key == OwnerLabel.gpuOperatorDriver, value == "true" { return nil }
            let meaning =
                value.contains("pre-installed")
                ? "the GPU Operator leaves the host's driver alone" : "no other owner installs a driver on this node"
            return Evidence(.owner, "node label", "\(key)=\(value) says that \(meaning).")
        }
    }

    /// Whether the agent installed the driver on the host, or has begun to change it.
    var hasOwnDriver: Bool {
        guard let record = driver.record.value else { return false }
        if record.state == .changing { return true }
        guard case .single(let single) = driver.installed else { return false }
        return record.state == .installed && record.owns(single.version)
    }

    /// The evidence that this node is a vGPU host; nil when it is not one.
    ///
    /// Virtual functions of its GPUs are in use, or the vGPU manager runs. The driver of such a node is the vGPU
    /// manager, which the driver of a guest must not replace.
    var vgpuHost: [Evidence]? {
        var evidence: [Evidence] = []
        let virtualCounts = (pci.value ?? []).reduce(into: [PCIAddress: Int]()) { counts, function in
            if let physical = function.physicalFunction.value { counts[physical, default: 0] += 1 }
        }
        for gpu in gpus.sorted(by: { $0.address < $1.address }) {
            if let count = virtualCounts[gpu.address] {
                let statement = "\(count) virtual functions of this GPU are on this node."
                evidence.append(Evidence(.sriov, gpu, statement))
            }
            if let physical = gpu.physicalFunction.value {
                evidence.append(Evidence(.sriov, gpu, "The GPU is a virtual function of \(physical) on this node."))
            }
            if virtualization[gpu.address] == .hostVgpu {
                evidence.append(Evidence(.running, gpu, "NVML reports that the GPU serves vGPUs."))
            }
        }
        if driver.loadedModules.value?.contains("nvidia_vgpu_vfio") == true {
            evidence.append(
                Evidence(.running, "host", "The kernel module nvidia_vgpu_vfio of the vGPU manager is loaded.")
            )
        }
        return evidence.isEmpty ? nil : evidence
    }

    /// The virtualization mode that NVML reports for each GPU, by address.
    var virtualization: [PCIAddress: VirtualizationMode] {
        let gpus = vendor.value?.nvml.value?.gpus ?? []
        return Dictionary(
            gpus.compactMap { gpu in
                guard let address = gpu.pciAddress.value, let mode = gpu.virtualization.value else { return nil }
                return (address, mode)
            }
        ) { first, _ in first }
    }
}

extension PCIFunction {
    /// What the kernel driver that holds the GPU says about it; empty when only NVIDIA's driver may use the GPU.
    var holderEvidence: [Evidence] {
        switch holder {
        case .nobodyElse: []
        case .virtualMachines(let driver):
            [Evidence(.sriov, self, "The GPU is bound to \(driver), so it belongs to a virtual machine.")]
        case .otherSoftware(let driver):
            [Evidence(.sriov, self, "The GPU is bound to \(driver), so it belongs to other software on this node.")]
        case .displayDriver(let driver):
            [Evidence(.running, self, "The kernel driver \(driver) holds the GPU, so NVIDIA's driver cannot use it.")]
        }
    }
}
