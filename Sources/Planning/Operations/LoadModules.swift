package import NodeModel

/// Loads the kernel modules of a driver and creates their device nodes.
package struct LoadModules: Operation {
    /// The modules, in the order in which they are loaded.
    package var modules: [String]
    /// The modules that are loaded after them, as far as possible: those that the host had loaded before the install.
    package var extra: [String]
    package var needsFormerDriver: Bool

    package init(modules: [String] = Self.ofEveryDriver, extra: [String] = [], needsFormerDriver: Bool = false) {
        self.modules = modules
        self.extra = extra
        self.needsFormerDriver = needsFormerDriver
    }

    /// The modules that CUDA programs need.
    package static let ofEveryDriver = ["nvidia", "nvidia-uvm", "nvidia-modeset"]

    package var id: StepID { .load }
    package var title: String { "load the kernel modules and create their device nodes" }
    package var changes: String { "the loaded kernel modules and /dev/nvidia*" }
    package var deadlineSeconds: Int { 300 }
    package var effects: [Effect] {
        [.run(modules.map { ["modprobe", $0] } + [["nvidia-modprobe", "-u", "-c0"], CreateDeviceNodes.command])]
            + (extra.isEmpty ? [] : [.loadModules(extra)])
    }
    package var failure: StepFailure {
        StepFailure(
            .moduleLoadFailed,
            subject: "loading the kernel modules",
            remedy: "Read the kernel log of the node (dmesg) and look for lines with NVRM.",
            readsKernelLog: true
        )
    }
    package var inverse: (any Operation)? { UnloadModules(modules: modules.reversed()) }
}
