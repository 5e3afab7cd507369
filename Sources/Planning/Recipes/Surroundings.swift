package import NodeModel

/// Brings what is around the agent's own driver to the state that the configuration asks for.
///
/// Nothing here decides whether CUDA works. So the steps come after an install is complete, and each only repairs what
/// differs. The driver of another owner gets only links to its device nodes.
package struct Surroundings: Sendable {
    package var driver: DriverFacts
    package var configuration: SurroundingsPolicy
    /// The kind of the agent's driver that is on the host or that the plan installs; nil for the driver of another owner.
    package var kind: DriverKind?

    package init(driver: DriverFacts, configuration: SurroundingsPolicy, kind: DriverKind?) {
        self.driver = driver
        self.configuration = configuration
        self.kind = kind
    }

    private var found: DriverSurroundings? { kind == nil ? nil : driver.surroundings }

    /// The step that must come before the kernel modules are loaded.
    package var beforeLoad: [any Operation] {
        guard let found, !found.isForeign(ModuleParameters.path) else { return [] }
        let parameters = configuration.moduleParameters
        let wanted = parameters.isEmpty ? nil : OwnFile.lines(parameters.text)
        return found.ownFiles[ModuleParameters.path] == wanted ? [] : [WriteModuleParameters(parameters: parameters)]
    }

    /// The steps that need a complete driver.
    package var afterInstall: [any Operation] { deviceRule + [license, persistence].compactMap(\.self) }

    private var deviceRule: [any Operation] {
        guard let found, found.hasUdevRules == true, !found.isForeign(WriteDeviceRule.path) else { return [] }
        let isWritten = found.ownFiles[WriteDeviceRule.path] == OwnFile.lines(WriteDeviceRule.text)
        return isWritten ? [] : [WriteDeviceRule()]
    }

    /// The step that sets up the license of a GRID driver, or removes the agent's license files.
    private var license: (any Operation)? {
        guard let found, let files = found.license else { return nil }
        guard kind == .grid, let wanted = configuration.license else {
            let isThere = found.ownFiles[LicenseFiles.configuration] != nil || files.token != nil
            return isThere ? RemoveLicense(isDriverThere: true) : nil
        }
        // Without the token, the agent does not know whether the license on the host is the one of the configuration.
        guard wanted.tokenFile == nil || found.licenseToken.value != nil else { return nil }
        let step = WriteLicense(wanted, files: files, found: found)
        return step.isNeeded(found) ? step : nil
    }

    /// The step that starts `nvidia-persistenced` with a unit of the agent, or removes this unit.
    ///
    /// A unit of another program stays as it is, also when it is masked.
    private var persistence: (any Operation)? {
        guard let found, found.hasSystemd == true, let program = found.program(.persistenced) else { return nil }
        let unit = found.ownFiles[OwnFile.persistenceUnit]
        guard configuration.persistenced else { return unit == nil ? nil : RemovePersistenceUnit(isDriverThere: true) }
        // A process without a unit belongs to somebody, and a second one cannot run beside it.
        guard unit != nil || program.isRunning != true else { return nil }
        // A driver that the agent has installed can lack the program. A driver that it installs has it.
        guard unit != nil || program.unitFile == nil, program.path != nil || !driver.isOfThisAgent else { return nil }
        let step = WritePersistenceUnit(hasUser: found.hasPersistenceUser == true)
        return unit == OwnFile.lines(step.text) && program.isRunning != false ? nil : step
    }

    /// The files that the agent leaves alone, because it did not write them, as sentences; nil when there are none.
    package var leftAlone: [String]? {
        guard let found else { return nil }
        var paths: [String] = []
        if !configuration.moduleParameters.isEmpty { paths.append(ModuleParameters.path) }
        if found.hasUdevRules == true { paths.append(WriteDeviceRule.path) }
        paths.removeAll { !found.isForeign($0) }
        if let files = found.license, kind == .grid, let wanted = configuration.license {
            paths += files.foreign(for: wanted)
        }
        return paths.isEmpty ? nil : paths.map { "\($0) stays as it is, because the agent did not write it." }
    }

    /// The finding that the configured token cannot be used; nil when it can, or when the driver needs none.
    package var tokenProblem: Finding? {
        guard kind == .grid, configuration.license?.tokenFile != nil,
            let failure = driver.surroundings?.licenseToken.failure
        else { return nil }
        return .licenseTokenUnusable(failure)
    }

    /// The step that creates device nodes and links of a loaded driver.
    package var deviceNodes: [any Operation] {
        let names = driver.nodesToCreate + driver.nodesToLink
        return names.isEmpty ? [] : [CreateDeviceNodes(names: names)]
    }
}

extension DriverFacts {
    /// Whether the unit of `nvidia-persistenced` is the agent's.
    var hasOwnPersistenceUnit: Bool { surroundings?.ownFiles[OwnFile.persistenceUnit] != nil }
}

extension ClaimFacts {
    /// The services of the driver that must stop before its modules are unloaded: those that have a device node open, and
    /// those of the agent's own driver that run.
    func driverServices(_ driver: DriverFacts) -> Set<String> {
        let running = DriverService.Program.allCases.filter { program in
            let found = driver.surroundings?.program(program)
            return driver.isOfThisAgent && found?.isRunning == true && found?.unitFile != nil
        }
        return Set((deviceUsers.value?.compactMap(\.driverService) ?? []) + running.map(\.unit))
    }
}
