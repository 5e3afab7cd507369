package import NodeModel

/// Writes the parameters of the kernel modules that the operator asks for, or removes the file when there are none.
///
/// A module gets its parameters when it is loaded. The agent never unloads a module for them.
package struct WriteModuleParameters: Operation {
    package var parameters: ModuleParameters

    package init(parameters: ModuleParameters) {
        self.parameters = parameters
    }

    package var id: StepID { .moduleParameters }
    package var title: String {
        parameters.isEmpty
            ? "remove the parameters of the kernel modules"
            : "set the parameters of \(parameters.modules.keys.sorted().joined(separator: " and "))"
    }
    package var changes: String { ModuleParameters.path }
    package var deadlineSeconds: Int { 30 }
    package var effects: [Effect] {
        parameters.isEmpty
            ? [.run([OwnFile.removal(of: ModuleParameters.path)])]
            : [.writeFile(path: ModuleParameters.path, text: parameters.text)]
    }
    package var failure: StepFailure {
        StepFailure(
            .installFailed,
            subject: "writing the parameters of the kernel modules",
            remedy: "Make /etc/modprobe.d on the node writable, and then run 'gpu-agent install'."
        )
    }
    package var inverse: (any Operation)? { RemoveModuleParameters() }
}

/// Removes the agent's parameters of the kernel modules.
package struct RemoveModuleParameters: Operation {
    package init() {}

    package var id: StepID { .removeModuleParameters }
    package var title: String { "remove the parameters of the kernel modules" }
    package var changes: String { ModuleParameters.path }
    package var deadlineSeconds: Int { 30 }
    package var effects: [Effect] { [.run([OwnFile.removal(of: ModuleParameters.path)])] }
    package var failure: StepFailure { .uninstall }
}
