extension NodeFacts {
    /// The kind of the installed driver, and how the agent knows it.
    ///
    /// What the driver shows itself comes first: the agent's own record, a vGPU or a license in NVML, and the names of
    /// the kernel modules. The marker of the AKS node image and the names of packages follow. The license daemon
    /// `nvidia-gridd` and its unit file come last, because some images install them beside every driver. On a system
    /// whose image does so, the daemon says nothing.
    ///
    /// The strings of the kernel modules are no evidence. A GRID package compiles `nvidia.ko` with `NV_GRID_BUILD`,
    /// which only `os_is_grid_supported` returns inside the kernel. Neither `modinfo` nor `/proc/driver/nvidia/version`
    /// shows it: a GRID driver calls itself `NVIDIA UNIX x86_64 Kernel Module`, as a datacenter driver of the same
    /// version does. The log of the kernel tells them apart only when a datacenter driver meets a vGPU and refuses it.
    /// Source: NVIDIA's open kernel modules 595.45.04, `os-hypervisor.c`.
    ///
    /// - Returns: Nil when nothing tells the kind, or when a source that could decide is unreadable. `why` is a clause
    ///   for people, such as `package nvidia-open is installed`.
    package func installedKind(ofVersion version: String) -> (kind: DriverKind, why: String)? {
        if let record = driver.record.value, record.version == version {
            return (record.kind, "according to the agent's record")
        }
        return runningKind(ofVersion: version) ?? kindOfModules(ofVersion: version) ?? kindOfFiles(ofVersion: version)
    }

    /// GRID when NVML, as a part of this driver, shows a vGPU or a product with a license.
    ///
    /// Only a GRID driver can use a vGPU, and only a GRID driver has licensed products.
    private func runningKind(ofVersion version: String) -> (kind: DriverKind, why: String)? {
        guard let nvml = vendor.value?.nvml.value, nvml.driverVersion == version else { return nil }
        if nvml.gpus.contains(where: { $0.virtualization.value == .vgpu }) {
            return (.grid, "NVML shows a vGPU")
        }
        if let license = nvml.gpus.lazy.compactMap(\.license.value).first {
            return (.grid, "NVML shows the licensed product \(license.product ?? "of a GRID driver")")
        }
        return nil
    }

    /// GRID when the modules of this driver have the name of a GRID driver.
    ///
    /// The node image of Amazon EKS builds `nvidia-open-grid` beside other trees of the same version. So a tree counts
    /// only when no other tree is built for the running kernel.
    private func kindOfModules(ofVersion version: String) -> (kind: DriverKind, why: String)? {
        if let file = driver.moduleFile.value, file.version == version,
            let name = file.path.split(separator: "/").dropLast().first(where: { $0.contains("grid") })
        {
            return (.grid, "its kernel module is in the directory \(name)")
        }
        let built = (claims.dkms.value ?? []).filter { tree in
            tree.version == version && (host.kernelRelease.value.map(tree.kernels.contains) ?? false)
        }
        guard let tree = built.first, built.allSatisfy({ $0.name.contains("grid") }) else { return nil }
        return (.grid, "DKMS built its kernel module as \(tree.name)")
    }

    private func kindOfFiles(ofVersion version: String) -> (kind: DriverKind, why: String)? {
        if let marker = claims.aksMarker.value, marker.version == version, let kind = marker.kind {
            return (
                kind.hasPrefix("grid") ? .grid : .datacenter, "according to the AKS node image, which calls it \(kind)"
            )
        }
        let packages = (claims.packages.value ?? []).filter { $0.isOf(version) }
        if let package = packages.first(where: \.isGRID) { return (.grid, "package \(package.name) is installed") }
        if let package = packages.first { return (.datacenter, "package \(package.name) is installed") }
        let daemon = driver.gridDaemon.value ?? claims.gridUnit.value
        // NVIDIA's installer installs the daemon only from a GRID package. Others may install it beside every driver.
        if let daemon, claims.runfile.value == version { return (.grid, "\(daemon) exists") }
        if showsNoLicense(version) { return (.datacenter, "NVML shows no license on any GPU") }
        if let daemon { return imageHasGridDaemon ? nil : (.grid, "\(daemon) exists") }
        guard driver.gridDaemon.isAbsent, unreadKindSource == nil else { return nil }
        return (.datacenter, "nvidia-gridd is not installed")
    }

    /// Why one of the files that could tell the kind of the driver was not read; nil when all were read.
    package var unreadKindSource: ReadFailure? {
        driver.gridDaemon.failure ?? claims.packages.failure ?? claims.gridUnit.failure ?? claims.aksMarker.failure
    }

    /// Whether NVML answers for this driver, and shows neither a vGPU nor a licensed product on any GPU.
    private func showsNoLicense(_ version: String) -> Bool {
        guard let nvml = vendor.value?.nvml.value, nvml.driverVersion == version, !nvml.gpus.isEmpty else {
            return false
        }
        return nvml.gpus.allSatisfy { $0.license.isAbsent && $0.virtualization.value != .vgpu }
    }

    /// Whether the image of the operating system contains `nvidia-gridd` beside every driver, as Bottlerocket's does.
    private var imageHasGridDaemon: Bool { host.osRelease.value?.id == "bottlerocket" }

    /// Whether the driver of this version works for the GPUs: NVML and CUDA answer, and every product that needs a
    /// license has one.
    package func works(ofVersion version: String) -> Bool {
        guard let nvml = vendor.value?.nvml.value, nvml.driverVersion == version, !nvml.gpus.isEmpty,
            nvml.gpus.allSatisfy({ $0.uuid.value != nil && $0.license.value?.licensed != false })
        else { return false }
        let runs = vendor.value?.cuda.value ?? []
        return !runs.isEmpty && runs.allSatisfy(\.works)
    }
}
