package import NodeModel

/// Writes a rule of udev that creates the device nodes and their links when the driver is loaded, also at boot.
package struct WriteDeviceRule: Operation {
    package init() {}

    package static let path = OwnFile.deviceRule

    package var id: StepID { .deviceRule }
    package var title: String { "write a udev rule that creates the device nodes and their links" }
    package var changes: String { Self.path }
    package var deadlineSeconds: Int { 30 }
    package var effects: [Effect] { [.writeFile(path: Self.path, text: Self.text)] }
    package var failure: StepFailure {
        StepFailure(
            .deviceFilesIncomplete,
            subject: "writing the udev rule",
            remedy: "Make /etc/udev/rules.d on the node writable, and then run 'gpu-agent install'."
        )
    }
    package var inverse: (any Operation)? { RemoveDeviceRule() }

    /// The rule does nothing during an install, because it would load modules that the installer replaces.
    ///
    /// udev replaces `$` and `%` in a value, so both are doubled.
    package static let text: String = {
        let script = "[ -d \(HostLayout.work) ] || { \(CreateDeviceNodes.statements.joined(separator: "; ")); }"
        let value = script.replacing("%", with: "%%").replacing("$", with: "$$")
        return """
            \(OwnFile.mark) creates the device nodes of the driver and their links in /dev/char when it is loaded.
            ACTION=="add", DEVPATH=="/bus/pci/drivers/nvidia", RUN+="/bin/sh -c '\(value)'"

            """
    }()
}

/// Removes the agent's rule of udev.
package struct RemoveDeviceRule: Operation {
    package init() {}

    package var id: StepID { .removeDeviceRule }
    package var title: String { "remove the udev rule" }
    package var changes: String { WriteDeviceRule.path }
    package var deadlineSeconds: Int { 30 }
    package var effects: [Effect] { [.run([OwnFile.removal(of: WriteDeviceRule.path)])] }
    package var failure: StepFailure { .uninstall }
}
