package import NodeModel

/// Removes the kernel modules of a driver from the kernel, all of them or none.
package struct UnloadModules: Operation {
    /// Loaded modules, each before those that it uses.
    package var modules: [String]

    package init(modules: [String]) {
        self.modules = modules
    }

    /// The driver's modules that are loaded; none when they could not be listed.
    package init(loadedOf facts: DriverFacts) {
        let loaded = facts.loadedModules.value ?? []
        self.init(modules: Self.order.filter(loaded.contains))
    }

    private static let order = [
        "nvidia_peermem", "nvidia_fs", "nvidia_vgpu_vfio", "nvidia_uvm", "nvidia_drm", "nvidia_modeset", "nvidia",
    ]

    package var id: StepID { .unload }
    package var title: String { "unload the kernel modules that are to be replaced" }
    package var changes: String { "the loaded kernel modules" }
    package var disrupts: Bool { true }
    package var deadlineSeconds: Int { 120 }
    package var effects: [Effect] { [.unloadModules(modules)] }
    package var failure: StepFailure {
        StepFailure(
            .moduleUnloadFailed,
            subject: "unloading the kernel modules",
            remedy: "something still uses the GPU: drain the node, or reboot it"
        )
    }
    package var inverse: (any Operation)? { LoadModules(modules: modules.reversed(), needsFormerDriver: true) }
}
