import NodeModel

extension NodeFacts {
    /// Who runs the driver of this node as a whole, so that the agent has no business with it; nil when nobody does.
    ///
    /// A driver container that is there says what its owner did, and a label of the Node what its owner is about to do.
    var nodeOwner: OwnerClaim? {
        let labels = claims.knownNodeLabels
        if let container = claims.driverContainer.value, container.isMounted {
            let version = container.version.map { " with driver \($0)" } ?? ""
            let files = container.validations.joined(separator: ", ")
            let words = "/run/nvidia/driver is the root of a driver container\(version)"
            return gpuOperator("driver root", words + (files.isEmpty ? "" : "; its validations: \(files)"))
        }
        if claims.driverContainer.value?.hasPIDFile == true {
            // It is gone with the boot, so it is of a container that builds its driver, or that was killed.
            return gpuOperator("driver pid", "/run/nvidia/nvidia-driver.pid: a driver container was started here")
        }
        if let value = labels[OwnerLabel.gpuOperatorDriver], value.contains("paused-for-driver-upgrade"),
            !value.contains("pre-installed")
        {
            let words = "\(OwnerLabel.gpuOperatorDriver)=\(value): the GPU Operator is replacing its driver"
            return gpuOperator("node label", words)
        }
        for key in OwnerLabel.virtualMachines {
            guard let value = labels[key], value == "true" || value.hasPrefix("vm-") else { continue }
            return OwnerClaim(
                owner: .gpuOperator,
                source: "node label",
                statement: "\(key)=\(value): the GPU Operator keeps the GPUs for virtual machines",
                wayOut: "label the node \(OwnerLabel.workload)=container to have its GPUs for pods"
            )
        }
        if let value = labels[OwnerLabel.gkeDriverVersion], value != "disabled" {
            return OwnerClaim(
                owner: .gke,
                source: "node label",
                statement: "\(OwnerLabel.gkeDriverVersion)=\(value): GKE installs the driver of this node",
                wayOut: "create the node pool with gpu-driver-version=disabled to have the agent install the driver"
            )
        }
        return nil
    }

    /// Who may be about to put a driver on a host that has none that fits.
    ///
    /// The GPU Operator gives this label to every GPU node, also where its driver is turned off: a driver that is there
    /// and fits is adopted all the same, and nothing is installed beside it.
    var expectedOwner: OwnerClaim? {
        guard claims.knownNodeLabels[OwnerLabel.gpuOperatorDriver] == "true" else { return nil }
        let words = "\(OwnerLabel.gpuOperatorDriver)=true: the GPU Operator may run its driver container here"
        return gpuOperator("node label", words)
    }

    private func gpuOperator(_ source: String, _ statement: String) -> OwnerClaim {
        OwnerClaim(
            owner: .gpuOperator,
            source: source,
            statement: statement,
            wayOut: "label the node \(OwnerLabel.gpuOperatorDriver)=false to have the agent install the driver"
        )
    }

    /// What the labels of the Node say that takes nothing out of the agent's hands.
    var labelRemarks: [Evidence] {
        if let why = claims.nodeLabels.failure?.detail {
            let words = "not readable (\(why)): whether another owner is asked for is not known"
            return [Evidence(.owner, "node label", words)]
        }
        let labels = (claims.nodeLabels.value ?? [:]).sorted { $0.key < $1.key }
        return labels.compactMap { key, value in
            guard !value.isEmpty, key == OwnerLabel.gpuOperatorDriver || key == OwnerLabel.gkeDriverVersion else {
                return nil
            }
            if key == OwnerLabel.gpuOperatorDriver, value == "true" { return nil }
            let words =
                value.contains("pre-installed")
                ? "the GPU Operator leaves the host's driver alone" : "nobody else installs a driver here"
            return Evidence(.owner, "node label", "\(key)=\(value): \(words)")
        }
    }

    /// Whether the driver on the host is the agent's own, or what it has begun to put there.
    var hasOwnDriver: Bool {
        guard let record = driver.record.value else { return false }
        if record.state == .changing { return true }
        guard case .single(let single) = driver.installed else { return false }
        return record.state == .installed && record.owns(single.version)
    }

    /// Why this node is a vGPU host: virtual functions of its GPUs are handed out, or the vGPU manager runs.
    ///
    /// Nil when it is none. The driver of such a node is the vGPU manager, which no guest's driver may replace.
    var vgpuHost: [Evidence]? {
        var evidence: [Evidence] = []
        let functions = pci.value ?? []
        for gpu in gpus.sorted(by: { $0.address < $1.address }) {
            let handed = functions.filter { $0.physicalFunction.value == gpu.address }
            if !handed.isEmpty {
                evidence.append(Evidence(.sriov, gpu, "\(handed.count) of its virtual functions are on this node"))
            }
            if let physical = gpu.physicalFunction.value {
                evidence.append(Evidence(.sriov, gpu, "is a virtual function of \(physical) on this node"))
            }
            if virtualization[gpu.address] == .hostVgpu {
                evidence.append(Evidence(.running, gpu, "NVML says that it serves vGPUs"))
            }
        }
        if driver.loadedModules.value?.contains("nvidia_vgpu_vfio") == true {
            evidence.append(Evidence(.running, "host", "the vGPU manager's module nvidia_vgpu_vfio is loaded"))
        }
        return evidence.isEmpty ? nil : evidence
    }

    /// What NVML says of each GPU's way into this machine.
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
    /// Whether the function is passed to a virtual machine of this node: bound to `vfio-pci` or one of its kin, such as
    /// `nvgrace_gpu_vfio_pci`.
    package var isHandedToAGuest: Bool { kernelDriver.value?.contains("vfio") ?? false }
}
