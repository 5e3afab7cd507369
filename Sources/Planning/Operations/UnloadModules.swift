package import NodeModel

/// Unloads the kernel modules of a driver, all of them or none, and stops the services that hold them.
package struct UnloadModules: Operation {
    /// The loaded modules, each before the modules that it uses.
    package var modules: [String]
    /// The names of the services to stop first.
    package var services: [String]

    package init(modules: [String], services: [String] = []) {
        self.modules = modules
        self.services = services
    }

    /// Unloads the loaded modules of the driver, or no module when the agent could not list them.
    package init(loadedOf facts: DriverFacts, services: [String] = []) {
        let loaded = facts.loadedModules.value ?? []
        self.init(modules: Self.order.filter(loaded.contains), services: services)
    }

    private static let order = [
        "gdrdrv", "nvidia_peermem", "nvidia_fs", "nvidia_vgpu_vfio", "nvidia_uvm", "nvidia_drm", "nvidia_modeset",
        "nvidia",
    ]

    package var id: StepID { .unload }
    package var title: String {
        services.isEmpty
            ? "unload the old kernel modules"
            : "stop \(services.joined(separator: " and ")), and unload the old kernel modules"
    }
    package var changes: String { "the loaded kernel modules\(services.isEmpty ? "" : ", and services of the driver")" }
    package var disrupts: Bool { true }
    package var deadlineSeconds: Int { 120 }
    package var effects: [Effect] { (services.isEmpty ? [] : [.stopServices(services)]) + [.unloadModules(modules)] }
    package var failure: StepFailure {
        StepFailure(
            .moduleUnloadFailed,
            subject: "unloading the kernel modules",
            remedy: "A process still uses the GPU. Drain the node, or reboot it."
        )
    }
    package var inverse: (any Operation)? { LoadModules(modules: modules.reversed(), needsFormerDriver: true) }
    package var leaves: String? {
        services.isEmpty ? nil : "\(services.joined(separator: " and ")) is not started again"
    }
}
