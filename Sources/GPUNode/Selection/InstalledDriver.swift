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
    package var flavour: ModuleFlavour?
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
    }

    /// Why those sources that may be there were not read.
    private var unreadableSources: [String] {
        [
            loadedVersion.whyUnknown, runningModule.whyUnknown, moduleFile.whyUnknown, nvmlLibrary.whyUnknown,
            cudaLibrary.whyUnknown,
        ].compactMap(\.self)
    }

    /// Whether the kernel module is loaded.
    package var isLoaded: Bool { loadedVersion.value != nil || runningModule.value != nil }

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
                flavour: runningModule.value?.flavour ?? moduleFile.value?.flavour,
                hasModule: isLoaded || moduleFile.value != nil,
                sources: sources
            )
        )
    }

    /// The kind of the installed driver: what the agent recorded of its own, else whether the licence daemon that only
    /// GRID packages bring is there.
    ///
    /// Nil when that could not be read.
    package func kind(ofVersion version: String) -> DriverKind? {
        if let record = record.value, record.version == version { return record.kind }
        switch gridDaemon {
        case .present: return .grid
        case .absent: return .datacenter
        case .unreadable, .skipped: return nil
        }
    }
}
