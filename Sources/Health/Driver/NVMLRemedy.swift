import NodeModel

extension Remedy {
    /// What to do when a library of the driver does not load, crashes, or returns an error code.
    static func driver(_ failure: ReadFailure, on node: CheckedNode) -> Remedy {
        if let fault = LibraryFault(failure) { return library(fault, on: node) }
        if failure.reason == .library { return completeDriver }
        guard let code = NVMLFailure(failure) else { return readKernelLog }
        return nvml(code.kind, on: node)
    }

    /// What to do about the GPUs with error codes; a lost GPU comes before one that a reset repairs.
    static func faults(of gpus: [GPUFacts], on node: CheckedNode) -> Remedy {
        let kinds = gpus.flatMap(\.faults).compactMap { NVMLFailure($0)?.kind }
        let order: [NVMLFailure.Class] = [.lost, .noPower, .resetRequired, .noPermission, .versionMismatch]
        return order.first(where: kinds.contains).map { nvml($0, on: node) } ?? readXidLines
    }

    private static func nvml(_ kind: NVMLFailure.Class, on node: CheckedNode) -> Remedy {
        switch kind {
        case .driverNotLoaded:
            """
            Check that /dev/nvidiactl exists. Then read the kernel log (dmesg) and look for lines with NVRM: \
            the kernel module may have found no GPU that it supports.
            """
        case .versionMismatch: differentVersions
        case .noPermission:
            "Run the agent in a privileged container, and check the permissions of /dev/nvidiactl and /dev/nvidia0."
        case .libraryNotFound: completeDriver
        case .unknown:
            """
            Restart the agent's pod: a container loses access to its device nodes after 'systemctl daemon-reload'. \
            If the error remains, read the kernel log (dmesg) and look for lines with NVRM or Xid.
            """
        case .lost: lostGPU
        case .resetRequired: resetGPU(on: node)
        case .noPower: "Connect the power cables of the GPU, then power the node off and on."
        case .absence, .other: readKernelLog
        }
    }

    private static func library(_ fault: LibraryFault, on node: CheckedNode) -> Remedy {
        let driver = node.facts.driver.loadedVersion.value.map { "driver \($0)" } ?? "the driver"
        return switch fault {
        case .notALibrary, .truncated: "The file is damaged. Install the libraries of \(driver) again."
        case .otherArchitecture:
            """
            Install the libraries of \(driver) for this machine's processor\
            \(node.facts.host.architecture.value.map { " (\($0.rawValue))" } ?? "").
            """
        case .missingFunction:
            "The file is damaged, or its driver is older than 470. Install the libraries of \(driver) again."
        case .undefinedSymbol, .missingDependency:
            "The library needs other libraries of the same version. Install all libraries of \(driver)."
        case .notExecutable:
            "Mount the file system of the library without the option noexec, or install the libraries elsewhere."
        case .newerCLibrary:
            "The library needs a newer C library than the one in the agent's image. Use a newer image of the agent."
        case .untrusted:
            """
            Make root the owner of the file and of its directory, and let nobody else write to them \
            (chown root:root, chmod go-w).
            """
        }
    }

    /// What to do when the loaded kernel module and the libraries are of different versions.
    static let differentVersions: Remedy = """
        The kernel module and the libraries have different versions. Reboot the node. \
        If the versions still differ, remove the driver that does not belong on this node.
        """
}
