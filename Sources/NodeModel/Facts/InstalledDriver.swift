/// The driver on a host, concluded from all the sources that name a driver version.
package enum InstalledDriver: Sendable, Equatable {
    /// There is no driver: every source is certainly absent.
    case none
    /// There is one driver: all sources name the same version.
    case single(SingleDriver)
    /// There is more than one driver: the sources name different versions.
    case split([DriverSource])
    /// The agent cannot tell, because it could not read these sources.
    case unreadable([String])
}

/// A driver with the same version in all of its parts on the host.
package struct SingleDriver: Sendable, Equatable {
    package var version: String
    /// The type of the loaded module, or of the module file when no module is loaded.
    package var kernelModuleType: KernelModuleType?
    /// Whether the running kernel has the module, either loaded or as a file.
    package var hasModule: Bool
    package var sources: [DriverSource]
}

/// A part of the host that names a driver version.
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
    /// Every source that names a driver version, under a name for people.
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

    /// The reason for each source that the agent could not read.
    private var unreadableSources: [String] {
        [
            loadedVersion.whyUnknown, runningModule.whyUnknown, moduleFile.whyUnknown, nvmlLibrary.whyUnknown,
            cudaLibrary.whyUnknown, otherLibraries.failure?.detail,
        ].compactMap(\.self)
    }

    /// The failure of a source to repair first: a denied access before any other; nil when no source failed.
    package var sourceFailure: ReadFailure? {
        sourceFailures.first { $0.reason == .permission } ?? sourceFailures.first
    }

    /// Whether the content of each source that the agent could not read is damaged.
    ///
    /// Files are damaged when an install wrote them and the power failed. Other failures, such as a denied access, say
    /// nothing about the driver.
    package var isDamaged: Bool {
        let failures = sourceFailures
        return !failures.isEmpty && failures.count == unreadableSources.count
            && failures.allSatisfy { $0.reason == .malformed }
    }

    private var sourceFailures: [ReadFailure] {
        [
            loadedVersion.failure, runningModule.failure, moduleFile.failure, nvmlLibrary.failure, cudaLibrary.failure,
            otherLibraries.failure,
        ].compactMap(\.self)
    }

    /// Whether the kernel module is loaded.
    package var isLoaded: Bool { loadedVersion.value != nil || runningModule.value != nil }

    /// The driver version after the next boot; nil unless it differs from the loaded version.
    ///
    /// It differs when the files of the driver were replaced while the old module stayed loaded.
    package var versionAfterBoot: String? {
        let onDisk =
            [moduleFile.value?.version, nvmlLibrary.value?.version, cudaLibrary.value?.version].compactMap(\.self)
            + (otherLibraries.value ?? []).map(\.version)
        guard isLoaded, moduleFile.value != nil, let first = onDisk.first, onDisk.allSatisfy({ $0 == first }) else {
            return nil
        }
        return [loadedVersion.value, runningModule.value?.version].contains(first) ? nil : first
    }

    /// The driver on the host, according to all sources.
    package var installed: InstalledDriver {
        let sources = sources
        guard let first = sources.first else {
            return unreadableSources.isEmpty ? .none : .unreadable(unreadableSources)
        }
        guard sources.allSatisfy({ $0.version == first.version }) else { return .split(sources) }
        // Without knowing the module, the agent cannot choose between keeping and rebuilding the driver.
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

extension DriverPackage {
    /// The branch in the name of one of Ubuntu's packages with prebuilt, signed kernel modules; nil for other packages.
    ///
    /// Such a package has the version of the kernel: `linux-modules-nvidia-580-server-open-6.8.0-1044-aws` has version
    /// `6.8.0-1044.46`.
    package var prebuiltBranch: Int? {
        let beginnings = ["linux-modules-nvidia-", "linux-objects-nvidia-", "linux-signatures-nvidia-"]
        guard let beginning = beginnings.first(where: name.hasPrefix) else { return nil }
        return Int(name.dropFirst(beginning.count).prefix { $0 != "-" })
    }

    /// Whether this is a GRID package by its name, such as `nvidia-vgpu-guest-driver` or `nvidia-linux-grid-580`.
    package var isGRID: Bool { name.contains("grid") || name.contains("vgpu") }

    /// Whether the package contains kernel modules, or depends on a package that does, judged by its name.
    ///
    /// Examples are `nvidia-dkms-580` and `nvidia-driver-580`.
    package var bringsModules: Bool {
        let parts = ["dkms", "kernel", "kmod", "modules", "driver", "headless", "-open"]
        return isGRID || parts.contains { name.contains($0) }
    }

    /// Whether the package belongs to a driver version, which its own version or its name contains.
    package func isOf(_ driver: String) -> Bool {
        if let prebuiltBranch { return DriverVersion(driver)?.branch == prebuiltBranch }
        // Whole numbers are compared, because 570.86.16 contains the text 570.86.1 and is another version.
        let numbers = [version, name].flatMap { $0.split { !$0.isNumber && $0 != "." } }
        return version == driver || numbers.contains { $0 == driver }
    }
}
