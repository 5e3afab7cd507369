import NodeModel

extension Uninstall {
    /// The files that stay: those of the agent, the log of NVIDIA's uninstaller, and files of others in the place of
    /// files of the agent.
    func files(_ found: DriverSurroundings?) -> [Left] {
        let log = Left(path: "/var/log/nvidia-uninstall.log", what: "the log of NVIDIA's uninstaller")
        let hasUninstaller = steps.contains { $0.id == .uninstall }
        return state(found) + [
            Left(path: HostLayout.logs, what: "the logs of the install"),
            Left(path: HostLayout.run, what: "the lock and the state of the agent, until the next boot"),
        ] + (hasUninstaller ? [log] : []) + foreign(found)
    }

    /// What stays in the agent's directory.
    private func state(_ found: DriverSurroundings?) -> [Left] {
        let record = "the record of the uninstall, because of which the daemon installs no driver"
        let always = [
            Left(path: HostLayout.journal, what: record),
            Left(path: HostLayout.jobs, what: "the directory of the jobs, which is empty"),
        ]
        let paths = (found?.stateFiles ?? []).map { "\(HostLayout.state)/\($0)" }
        let planned = Set(steps.map(\.id))
        let known = Set(always.compactMap(\.path)).union(Self.removed.filter { planned.contains($0.value) }.keys)
        return always + paths.filter { !known.contains($0) }.map { Left(path: $0, what: Self.reason(of: $0)) }
    }

    /// Adds the files of the fabric manager that its removal left.
    ///
    /// - Parameter log: The output of the job that removes them.
    package mutating func settleFabricManager(_ log: String) {
        let lines = log.split(whereSeparator: \.isNewline)
        guard let line = lines.last(where: { $0.hasPrefix(FabricManagerScript.stay) }) else { return }
        left += line.dropFirst(FabricManagerScript.stay.count).split(separator: " ").map { path in
            Left(
                step: .installFabricManager,
                path: String(path),
                what: "somebody has changed this file of the fabric manager"
            )
        }
    }

    /// Why a file in the agent's directory stays.
    private static func reason(of path: String) -> String {
        switch path {
        case HostLayout.seenGPUs: "the GPUs that the node had, which do not depend on the driver"
        case HostLayout.gpuEvents: "the errors of the GPUs, which the next driver does not change"
        case HostLayout.migLayout: "the MIG layouts of the GPUs, which the agent makes again with the next driver"
        case _ where path.hasSuffix(".bad"): "a damaged file that the agent put aside"
        default: "no step of this uninstall removes it"
        }
    }

    /// The steps that remove files of the agent, by path.
    private static let removed: [String: StepID] = [
        HostLayout.packages: .forget, HostLayout.work: .forget, HostLayout.fabricFiles: .forget,
        HostLayout.buildPackages: .removeBuildPackages,
        HostLayout.fabricPackages: .removeFabricPackages, HostLayout.fabricManager: .removeFabricManager,
        HostLayout.driverPackages: .removeDriverPackages, HostLayout.licenseToken: .removeLicense,
    ]

    /// The files of others that a step would remove if they were the agent's.
    private func foreign(_ found: DriverSurroundings?) -> [Left] {
        guard let found else { return [] }
        let places: [(StepID, [String])] = [
            (.removeBlacklist, [OwnFile.blacklist]), (.removeModuleParameters, [ModuleParameters.path]),
            (.removeDeviceRule, [OwnFile.deviceRule]), (.removePersistenced, [OwnFile.persistenceUnit]),
            (.stopFabricManager, [OwnFile.managementInterface]),
        ]
        let planned = Set(steps.map(\.id))
        var paths = places.filter { planned.contains($0.0) }.flatMap(\.1).filter(found.isForeign)
        if planned.contains(.removeLicense) {
            let own = [LicenseFiles.configuration, LicenseFiles.tokenPath]
            paths += (found.license?.foreign ?? []).filter(own.contains)
        }
        return paths.map { Left(path: $0, what: "the agent did not write this file") }
    }
}
