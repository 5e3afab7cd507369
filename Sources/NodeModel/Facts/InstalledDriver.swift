/// What the sources of driver versions on a host say together.
package enum InstalledDriver: Sendable, Equatable {
    /// Every source is certainly absent.
    case none
    /// All that are there name one version.
    case single(SingleDriver)
    /// Two drivers on one host.
    case split([DriverSource])
    /// No source could be read that would settle it.
    case unreadable([String])
}

/// One driver on a host.
package struct SingleDriver: Sendable, Equatable {
    package var version: String
    /// Of the running module, or of the module file when none runs.
    package var kernelModuleType: KernelModuleType?
    /// Whether the running kernel has the module: loaded, or as a file to load.
    package var hasModule: Bool
    package var sources: [DriverSource]
}

/// One place on a host that names a driver version.
package struct DriverSource: Codable, Sendable, Equatable, CustomStringConvertible {
    package var name: String
    package var version: String

    package init(name: String, version: String) {
        self.name = name
        self.version = version
    }

    package var description: String { "\(name) \(version)" }
}

extension DriverFacts {
    /// Every source that names a version, by a name that people know.
    package var sources: [DriverSource] {
        [
            loadedVersion.value.map { DriverSource(name: "loaded module", version: $0) },
            runningModule.value.map { DriverSource(name: "/proc/driver/nvidia", version: $0.version) },
            moduleFile.value.map { DriverSource(name: "module file", version: $0.version) },
            nvmlLibrary.value.map { DriverSource(name: "libnvidia-ml", version: $0.version) },
            cudaLibrary.value.map { DriverSource(name: "libcuda", version: $0.version) },
        ].compactMap(\.self)
            + (otherLibraries.value ?? []).map { DriverSource(name: $0.path, version: $0.version) }
    }

    /// Why those sources that may be there were not read.
    private var unreadableSources: [String] {
        [
            loadedVersion.whyUnknown, runningModule.whyUnknown, moduleFile.whyUnknown, nvmlLibrary.whyUnknown,
            cudaLibrary.whyUnknown, otherLibraries.failure?.detail,
        ].compactMap(\.self)
    }

    /// Whether the kernel module is loaded.
    package var isLoaded: Bool { loadedVersion.value != nil || runningModule.value != nil }

    /// The one version on the disk, where only the loaded module is of another: its files were replaced under it.
    package var versionAfterBoot: String? {
        let onDisk =
            [moduleFile.value?.version, nvmlLibrary.value?.version, cudaLibrary.value?.version].compactMap(\.self)
            + (otherLibraries.value ?? []).map(\.version)
        guard isLoaded, moduleFile.value != nil, let first = onDisk.first, onDisk.allSatisfy({ $0 == first }) else {
            return nil
        }
        return [loadedVersion.value, runningModule.value?.version].contains(first) ? nil : first
    }

    /// What is installed, by all sources together.
    package var installed: InstalledDriver {
        let sources = sources
        guard let first = sources.first else {
            return unreadableSources.isEmpty ? .none : .unreadable(unreadableSources)
        }
        guard sources.allSatisfy({ $0.version == first.version }) else { return .split(sources) }
        // Whether the running kernel has the module decides between keeping, rebuilding and refusing.
        if !isLoaded, let why = moduleFile.whyUnknown { return .unreadable([why]) }
        return .single(
            SingleDriver(
                version: first.version,
                kernelModuleType: runningModule.value?.kernelModuleType ?? moduleFile.value?.kernelModuleType,
                hasModule: isLoaded || moduleFile.value != nil,
                sources: sources
            )
        )
    }
}

extension NodeFacts {
    /// The kind of the installed driver, and what tells it: the agent's own record, the marker of the AKS image, the names
    /// of packages, and last the license daemon and its unit, which some images have beside every driver.
    ///
    /// Nil when something that would tell could not be read.
    package func installedKind(ofVersion version: String) -> (kind: DriverKind, why: String)? {
        if let record = driver.record.value, record.version == version { return (record.kind, "as the agent recorded") }
        if let marker = claims.aksMarker.value, marker.version == version, let kind = marker.kind {
            return (kind.hasPrefix("grid") ? .grid : .datacenter, "the AKS image's marker says \(kind)")
        }
        let packages = (claims.packages.value ?? []).filter { $0.isOf(version) }
        if let package = packages.first(where: \.isGRID) { return (.grid, "package \(package.name)") }
        if let package = packages.first { return (.datacenter, "package \(package.name)") }
        if let path = driver.gridDaemon.value ?? claims.gridUnit.value { return (.grid, "\(path) is there") }
        let unread = [claims.packages.failure, claims.gridUnit.failure, claims.aksMarker.failure]
        guard driver.gridDaemon.isAbsent, unread.allSatisfy({ $0 == nil }) else { return nil }
        return (.datacenter, "there is no nvidia-gridd")
    }
}

extension DriverPackage {
    /// Whether its name is one of a vGPU guest's driver: `nvidia-vgpu-guest-driver`, `nvidia-linux-grid-580`.
    package var isGRID: Bool { name.contains("grid") || name.contains("vgpu") }

    /// Whether it is one that brings kernel modules, or asks for those that do: `nvidia-dkms-580`, `nvidia-driver-580`.
    package var bringsModules: Bool {
        let parts = ["dkms", "kernel", "kmod", "modules", "driver", "headless", "-open"]
        return isGRID || parts.contains { name.contains($0) }
    }

    /// Whether it is of a driver version, which stands whole in its own version or in its name.
    package func isOf(_ driver: String) -> Bool {
        // 570.86.1 is in 570.86.16 as a text, and is another version.
        let numbers = [version, name].flatMap { $0.split { !$0.isNumber && $0 != "." } }
        return version == driver || numbers.contains { $0 == driver }
    }
}
