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
        self.init(modules: DriverFacts.modules.filter(loaded.contains), services: services)
    }

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
        // No operation loads these again: the new driver may not have them, or they must be built for it.
        let extra = modules.filter { !["nvidia", "nvidia_uvm", "nvidia_modeset", "nvidia_drm"].contains($0) }
        let parts = [("loaded", extra), ("started", services)].filter { !$0.1.isEmpty }
        guard !parts.isEmpty else { return nil }
        return parts.map { "not \($0.0) again: \($0.1.joined(separator: ", "))" }.joined(separator: "; ")
    }
}

/// Unloads the kernel modules of the agent's own driver before it is uninstalled, and removes its device nodes.
package struct UnloadDriver: Operation {
    /// The loaded modules, each before the modules that it uses.
    package var modules: [String]
    /// The names of the device nodes in `/dev`.
    package var nodes: [String]
    /// The names of the links in `/dev/char` to the device nodes.
    package var links: [String]
    /// The names of the services to stop first.
    package var services: [String]

    package init(modules: [String], nodes: [String], links: [String] = [], services: [String] = []) {
        self.modules = modules
        self.nodes = nodes
        self.links = links
        self.services = services
    }

    /// Unloads what the facts show; nil when nothing is loaded and no device node is left.
    package init?(_ facts: DriverFacts, services: [String] = []) {
        let nodes = facts.deviceNodes.value ?? []
        // When the agent cannot list the modules, it unloads those that it loads.
        let modules =
            facts.loadedModules.whyUnknown == nil
            ? UnloadModules(loadedOf: facts).modules : LoadModules.ofEveryDriver.reversed()
        guard !modules.isEmpty || !nodes.isEmpty else { return nil }
        self.init(modules: modules, nodes: nodes, links: facts.surroundings?.links ?? [], services: services)
    }

    package var id: StepID { .unload }
    package var title: String {
        let stop = services.isEmpty ? "" : "stop \(services.joined(separator: " and ")), "
        return "\(stop)unload the kernel modules and remove their device nodes"
    }
    package var changes: String { "the loaded kernel modules and /dev/nvidia*" }
    package var disrupts: Bool { true }
    package var deadlineSeconds: Int { 120 }
    package var effects: [Effect] {
        // The links come first: without its node, the agent no longer recognizes a link.
        let files = nodes.isEmpty ? [] : nodes.map { "/dev/\($0)" } + ["/dev/nvidia-caps"]
        let paths = links.map { "/dev/char/\($0)" } + files
        return (services.isEmpty ? [] : [.stopServices(services)])
            + (modules.isEmpty ? [] : [.unloadModules(modules)]) + (paths.isEmpty ? [] : [.remove(paths)])
    }
    package var failure: StepFailure {
        StepFailure(
            .moduleUnloadFailed,
            subject: "unloading the kernel modules",
            remedy: "A process or another kernel module still uses the driver. Drain the node, or reboot it. Then run "
                + "'gpu-agent uninstall'."
        )
    }
}
