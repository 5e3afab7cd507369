/// The kernel modules beside those of every driver that an install unloaded, such as `nvidia_peermem`.
///
/// They come back after the install, as far as the new driver has them. After a reboot, the host decides which modules it
/// loads.
package struct UnloadedModules: Codable, Sendable, Equatable {
    /// The names in `/sys/module`, in the order in which they are loaded.
    package var names: [String]
    /// The ID of the boot in which the install began (`/proc/sys/kernel/random/boot_id`); nil when it is not known.
    package var bootID: String?

    package init(_ names: [String], bootID: String?) {
        (self.names, self.bootID) = (names, bootID)
    }
}

extension DriverFacts {
    /// The kernel modules that an install unloads, each before the modules that it uses.
    package static let modules = [
        "gdrdrv", "nvidia_peermem", "nvidia_fs", "nvidia_vgpu_vfio", "nvidia_uvm", "nvidia_drm", "nvidia_modeset",
        "nvidia",
    ]

    /// Those that an install does not load for every driver, each after the modules that it uses.
    package static let extraModules = modules.reversed().filter {
        !["nvidia", "nvidia_uvm", "nvidia_modeset"].contains($0)
    }

    /// The modules that the driver itself consists of.
    ///
    /// Which of them a driver has depends on its package and on how it was installed: the agent installs no `nvidia_drm`.
    private static let parts = ["nvidia", "nvidia_uvm", "nvidia_modeset", "nvidia_drm", "nvidia_vgpu_vfio"]

    /// The modules that use the driver, which an install unloaded and which are not loaded now; empty when there is none.
    ///
    /// They are none of `parts`. NVIDIA's packages contain `nvidia_peermem`, too, but the installer does not load it:
    /// somebody wanted it.
    package var missingUsers: [String] {
        (unloadedModules ?? []).filter { !Self.parts.contains($0) }
    }

    /// The modules that an install must load beside those of every driver: they are loaded now, or an install unloaded them.
    package var extraModulesToLoad: [String] {
        let wanted = (loadedModules.value ?? []) + (unloadedModules ?? [])
        return Self.extraModules.filter(wanted.contains)
    }
}

extension Journal {
    /// Remembers the modules that a step unloads, before it does.
    mutating func rememberModules(of step: PlannedStep) {
        let unloaded = step.effects.flatMap { effect -> [String] in
            if case .unloadModules(let names) = effect { names } else { [] }
        }
        let wanted = unloaded + modulesToLoad(bootID: record?.bootID)
        let names = DriverFacts.extraModules.filter(wanted.contains)
        if !names.isEmpty { unloadedModules = UnloadedModules(names, bootID: record?.bootID) }
    }

    /// The modules that an install of this boot unloaded and has not loaded again; empty in another boot.
    package func modulesToLoad(bootID: String?) -> [String] {
        unloadedModules.flatMap { bootID != nil && $0.bootID == bootID ? $0.names : nil } ?? []
    }

    /// Remembers which of the modules could not be loaded again.
    package mutating func settleModules(failed names: [String]) {
        guard !names.isEmpty else { return unloadedModules = nil }
        unloadedModules = UnloadedModules(names, bootID: unloadedModules?.bootID ?? record?.bootID)
    }
}
