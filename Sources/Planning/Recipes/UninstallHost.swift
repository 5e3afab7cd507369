import NodeModel
import Selection

/// Fits the steps that undo a journal to what is on the host.
struct UninstallHost {
    var journal: Journal
    var driver: DriverFacts
    var claims: ClaimFacts
    /// The operating system; nil when it is not known.
    var system: OSRelease?
    /// The directory for temporary files (`BuildFacts.workDirectory`).
    var work: String

    private var record: InstallRecord? { journal.record }

    /// The entries of the undo, and the removal of a driver or of packages that no step of the journal names.
    func entries(_ undo: Undo, _ packages: RecordedPackages? = nil) -> [Undo.Entry] {
        let former = formerDriver(after: undo)
        var entries = undo.entries.map { entry in
            var entry = entry
            // Which modules are loaded now is a fact, not a memory. Modules of a driver that goes away are not loaded.
            // That also holds for the services of the driver, which are stopped before.
            entry.steps.removeAll {
                [.unload, .stopServices].contains($0.id) || (former != nil && $0.needsFormerDriver)
            }
            if entry.steps.contains(where: { [.uninstall, .removeDriverPackages].contains($0.id) }) {
                entry.steps = isOwn ? entry.steps + [VerifyRemoval().stepOfUndo] : []
            }
            return entry
        }
        if let former { entries.append(Undo.Entry(undoes: nil, steps: removal(of: former))) }
        if let unload, let index = entries.firstIndex(where: { unloads($0, undo) }) {
            entries[index].steps.insert(unload, at: 0)
        }
        if let packages, !entries.flatMap(\.steps).contains(where: { $0.id == .removeBuildPackages }) {
            let last = entries.lastIndex { !$0.steps.isEmpty } ?? entries.endIndex
            entries.insert(Undo.Entry(undoes: nil, steps: [packages.removal]), at: last)
        }
        return withoutJobs(driverFirst(entries))
    }

    /// The entries in an order in which the driver goes before what is around it.
    private func driverFirst(_ entries: [Undo.Entry]) -> [Undo.Entry] {
        let removes: Set<StepID> = [.uninstall, .removeDriverPackages]
        guard let removal = entries.firstIndex(where: { $0.steps.contains { removes.contains($0.id) } }) else {
            return entries
        }
        // The packages of a driver bring its fabric manager, which must stop while its unit is there.
        let isRunfile = entries[removal].steps.contains { $0.id == .uninstall }
        let around = isRunfile ? StepID.aroundDriver.union(StepID.fabric) : StepID.aroundDriver
        func isAround(_ entry: Undo.Entry) -> Bool { entry.undoes.map(around.contains) ?? false }
        let before = entries[..<removal]
        return before.filter { !isAround($0) } + [entries[removal]] + before.filter(isAround)
            + entries[(removal + 1)...]
    }

    /// Whether the modules must be unloaded before the steps of this entry.
    private func unloads(_ entry: Undo.Entry, _ undo: Undo) -> Bool {
        // `modprobe -r` needs the files of the modules.
        entry.steps.contains { [.uninstall, .removeDriverPackages, .removeAhead].contains($0.id) }
            || undo.entries.contains { $0.undoes == entry.undoes && $0.steps.contains { $0.id == .unload } }
    }

    /// Whether the driver on the host is the one that the record names, as far as the agent can tell.
    ///
    /// Somebody can have replaced it. An uninstaller removes whatever driver NVIDIA's installer put on the host.
    private var isOwn: Bool {
        guard let record else { return false }
        if let version = claims.runfile.value, !record.owns(version) { return false }
        if case .single(let single) = driver.installed, !record.owns(single.version) { return false }
        return true
    }

    /// The record that remains after the steps of the journal are undone; nil when none does.
    ///
    /// It is the record of the driver that an interrupted upgrade would have replaced, or the record of an earlier
    /// version of the agent, which did not write how to undo its steps.
    private func formerDriver(after undo: Undo) -> InstallRecord? {
        var remaining = record
        for effect in undo.steps.flatMap(\.effects) {
            if case .record(let former) = effect { remaining = former }
        }
        return remaining
    }

    private func removal(of record: InstallRecord) -> [PlannedStep] {
        var steps: [any Operation] = []
        if let version = record.ownVersion, isOwn {
            let remove: any Operation =
                record.packages == nil
                ? RunUninstaller(version: version, package: nil)
                : RemoveDriverPackages(
                    version: version,
                    installer: system.flatMap(PackageInstallers.used) ?? AptGet(),
                    work: work
                )
            steps = [remove, VerifyRemoval()]
        }
        return (steps + [ForgetInstall(previous: nil)]).map(\.stepOfUndo)
    }

    /// The step that unloads the modules of the own driver; nil when it is not loaded and has no device nodes.
    private var unload: PlannedStep? {
        guard isOwn, driver.loadedVersion.value.map({ record?.owns($0) == true }) ?? true else { return nil }
        return UnloadDriver(driver, services: services)?.stepOfUndo
    }

    /// The services of the driver that run now.
    private var services: [String] { DriverService.inOrder(claims.driverServices(driver)) }

    /// Whether the agent wrote the unit, which then goes, too.
    private func hasOwnUnit(_ service: String) -> Bool {
        service == DriverService.Program.persistenced.unit && driver.hasOwnPersistenceUnit
    }

    /// The entries, the last of which also removes the files of the jobs.
    private func withoutJobs(_ entries: [Undo.Entry]) -> [Undo.Entry] {
        var entries = entries
        guard let index = entries.lastIndex(where: { !$0.steps.isEmpty }) else { return entries }
        let versions = [record?.version, record?.replaces].compactMap(\.self)
        let known = versions.flatMap { version in
            [StepID.blacklist, .install, .downloadPackages, .driverPackages, .remove, .uninstall].map {
                $0.jobName(for: version)
            }
        }
        let planned = entries.flatMap(\.steps).compactMap(\.job) + journal.steps.compactMap(\.job)
        let last = entries[index].steps.count - 1
        entries[index].steps[last].effects.append(.forgetJobs(Set(known + planned).sorted()))
        return entries
    }

    /// What stays of the changes that the journal records.
    func left(_ undo: Undo) -> [Uninstall.Left] {
        // The record replaces the steps of an earlier version.
        let replaced: Set<StepID> = formerDriver(after: undo) == nil ? [] : [.begin, .download, .install]
        let harmless = replaced.union([.load, .verify, .finish])
        var left = undo.left.filter { item in
            // That a former driver is not loaded again follows from its loss.
            item.step != .unload && !(undo.withoutInverse.contains(item.step) && harmless.contains(item.step))
        }.map { Uninstall.Left(step: $0.step, what: $0.what) }
        if !isOwn, record?.ownVersion != nil {
            let version = claims.runfile.value ?? driver.sources.first?.version ?? ""
            left.append(
                Uninstall.Left(step: .install, what: "driver \(version) stays, because this agent did not install it")
            )
        }
        let stopped = services.filter { !hasOwnUnit($0) }
        if unload != nil, !stopped.isEmpty {
            left.append(
                Uninstall.Left(
                    step: .unload,
                    what: "not started again, because the driver is gone: \(stopped.joined(separator: ", "))"
                )
            )
        }
        return left
    }

    /// The problem that processes use the driver, or that the agent cannot tell; nil when none does.
    func usersProblem(_ version: String?, _ steps: [PlannedStep]) -> Finding? {
        guard driver.isLoaded, steps.contains(where: \.disrupts), let users = claims.driverUsers else { return nil }
        return Finding(
            .driverInUse,
            observed: "The agent cannot uninstall driver \(version ?? "") now. \(users.observed)",
            expected: "no process that uses the driver",
            remedy: "\(users.remedy) Then run 'gpu-agent uninstall'."
        )
    }
}

extension Operation {
    /// The operation as a step of an undo, which is not undone itself.
    var stepOfUndo: PlannedStep {
        var step = step
        step.inverse = []
        return step
    }
}
