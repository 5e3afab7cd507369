package import NodeModel

/// Unloads the kernel modules of a driver, all of them or none.
package struct UnloadModules: Operation {
    /// The loaded modules, each before the modules that it uses.
    package var modules: [String]

    package init(modules: [String]) {
        self.modules = modules
    }

    /// Unloads the loaded modules of the driver, or no module when the agent could not list them.
    package init(loadedOf facts: DriverFacts) {
        let loaded = facts.loadedModules.value ?? []
        self.init(modules: Self.order.filter(loaded.contains))
    }

    private static let order = [
        "nvidia_peermem", "nvidia_fs", "nvidia_vgpu_vfio", "nvidia_uvm", "nvidia_drm", "nvidia_modeset", "nvidia",
    ]

    package var id: StepID { .unload }
    package var title: String { "unload the old kernel modules" }
    package var changes: String { "the loaded kernel modules" }
    package var disrupts: Bool { true }
    package var deadlineSeconds: Int { 120 }
    package var effects: [Effect] { [.unloadModules(modules)] }
    package var failure: StepFailure {
        StepFailure(
            .moduleUnloadFailed,
            subject: "unloading the kernel modules",
            remedy: "A process still uses the GPU. Drain the node, or reboot it."
        )
    }
    package var inverse: (any Operation)? { LoadModules(modules: modules.reversed(), needsFormerDriver: true) }
}
