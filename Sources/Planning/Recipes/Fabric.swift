import Catalog
package import NodeModel
package import Selection

/// Brings the fabric manager or IMEX to a host with a driver from NVIDIA's installer, in exactly the driver's version.
///
/// NVIDIA's installer brings neither. A program that somebody else installed stays as it is.
package struct Fabric: Sendable {
    /// The steps before anything stops: they bring packages to the host.
    package private(set) var preparing: [any Operation] = []
    /// The steps that need the driver in memory.
    package private(set) var installing: [any Operation] = []
    /// Why an install must not replace the driver that runs; nil when it may.
    package private(set) var problem: Finding?

    /// NVIDIA's archive from which this plan or an earlier one installs the fabric manager; nil when it comes from elsewhere.
    private(set) var archive: Artifact?

    /// Whether the agent keeps the files of the packages of this driver version on the host.
    var keepsFiles: Bool { (preparing + installing).contains { ($0 as? InstallFabricPackages)?.files != nil } }

    /// What a machine with this topology needs.
    enum Wish {
        case fabricManager(hasSubnetManager: Bool)
        case imex

        var program: DriverService.Program {
            switch self {
            case .fabricManager: .fabricManager
            case .imex: .imex
            }
        }

        var name: String {
            switch self {
            case .fabricManager: "the fabric manager"
            case .imex: "IMEX"
            }
        }

        /// The code of the finding that the node lacks the program of the driver's version.
        var code: ReasonCode {
            switch self {
            case .fabricManager: .fabricManagerMissing
            case .imex: .imexMissing
            }
        }
    }

    let facts: NodeFacts
    let driver: DriverVersion
    let found: DriverSurroundings
    private let journal: Journal?
    /// Whether the plan replaces a driver that runs.
    private let replaces: Bool

    /// Decides from the topology and from what the host has.
    ///
    /// - Parameters:
    ///   - facts: The facts of the node.
    ///   - decision: The decision, with the need of the topology and the archive of the catalog.
    ///   - driver: The version of the driver that the host has or gets.
    ///   - journal: The journal on the host; nil when there is none.
    ///   - source: Where the agent takes NVIDIA's package from; nil for the URLs of the catalog.
    ///   - installsPackages: Whether the agent may install packages of a package manager.
    ///   - replaces: Whether the plan replaces a driver that runs.
    ///   - leavesArchive: Whether a later step decides whether the archive of the fabric manager stays on the host.
    package init?(
        _ facts: NodeFacts,
        _ decision: Decision,
        driver: DriverVersion,
        journal: Journal?,
        source: PackageSource?,
        installsPackages: Bool,
        replaces: Bool = false,
        leavesArchive: Bool = false
    ) {
        guard let wish = Self.wish(facts, decision), let found = facts.driver.surroundings, found.hasSystemd == true,
            let program = found.program(wish.program), found.fabric != nil
        else { return nil }
        (self.facts, self.driver, self.found, self.journal, self.replaces) = (facts, driver, found, journal, replaces)
        if program.path != nil, !isOwn {
            // Somebody else keeps it in step with the driver.
            if replaces { problem = foreignProblem(wish, program) }
            return
        }
        // It runs in a container.
        if program.path == nil, program.isRunning == true { return }
        if isThere(program) {
            if found.fabric?.archive != nil { archive = decision.fabricManagerArchive }
            if program.isRunning != true { installing = start(wish) }
            return
        }
        guard let steps = install(wish, decision, source: source, installsPackages: installsPackages, leavesArchive)
        else {
            if replaces { problem = missingProblem(wish) }
            return
        }
        // The files are on the host before something stops. Some package managers cannot have new packages ready beside
        // the old ones, and if they fail after their removal, the node has neither.
        if replaces, !packages.isEmpty, program.isRunning == true, steps.preparing.isEmpty {
            problem = ownPackagesProblem(wish)
            return
        }
        (preparing, installing) = (steps.preparing, steps.installing + start(wish))
        if preparing.contains(where: { $0 is DownloadFabricManager }) { archive = decision.fabricManagerArchive }
    }

    /// What the node needs; nil when it needs nothing.
    ///
    /// GPUs with a cluster and without a fabric manager on their node are connected by switches outside of it.
    private static func wish(_ facts: NodeFacts, _ decision: Decision) -> Wish? {
        guard let need = decision.fabricManager else { return nil }
        if need.isNeeded { return .fabricManager(hasSubnetManager: need.subnetManager == true) }
        return facts.fabricCluster == nil ? nil : .imex
    }

    private var packages: [String] { facts.build.ownFabricPackages.value ?? [] }

    /// Whether the agent installed the program that is on the host.
    private var isOwn: Bool { found.fabric?.archive != nil || !packages.isEmpty }

    /// Whether the agent's program of the driver's version is on the host, as far as the agent can tell.
    private func isThere(_ program: DriverProgram) -> Bool {
        guard program.path != nil, found.fabric?.archive != FabricSurroundings.incomplete else { return false }
        if let version = program.version { return DriverVersion(version) == driver }
        if let archive = found.fabric?.archive { return DriverVersion(archive) == driver }
        // Without a loaded driver, the program does not say its version. The job of the journal does.
        return journal?.steps.contains { step in
            step.step == .fabricPackages && step.state == .done
                && step.job == InstallFabricPackages.jobName(driver.description)
        } ?? false
    }

    private func start(_ wish: Wish) -> [any Operation] {
        // An operator masks a unit when something else starts the program, such as a container or NVIDIA's DRA driver.
        if found.program(wish.program)?.isMasked == true { return [] }
        switch wish {
        case .fabricManager(let hasSubnetManager):
            let isLoadedAtBoot = found.isForeign(OwnFile.managementInterface)
            return [StartFabricManager(hasSubnetManager: hasSubnetManager, isLoadedAtBoot: isLoadedAtBoot)]
        case .imex: return (found.fabric?.imexNodes ?? 0) > 0 ? [StartIMEX()] : []
        }
    }

    /// The steps that install the program, and what they need; nil when the agent knows no source of it.
    private func install(
        _ wish: Wish,
        _ decision: Decision,
        source: PackageSource?,
        installsPackages: Bool,
        _ leavesArchive: Bool
    ) -> (preparing: [any Operation], installing: [any Operation])? {
        let kept = decision.failed?.record.former?.keptFabricManager
        let isKept = kept != nil && kept?.digest == decision.fabricManagerArchive?.digest
        // The way back needs no network with the files that the agent kept.
        if !isKept, installsPackages, decision.failed != nil, let step = keptPackagesStep(wish) {
            return ([], archiveRemoval + [step])
        }
        if !isKept, installsPackages, let step = packagesStep(wish, source) {
            if step.files != nil { return ([DownloadFabricPackages(for: step)], archiveRemoval + [step]) }
            var install = step
            // The package manager refuses to look at packages that the agent still has in another version.
            install.isDownloaded = packages.isEmpty && step.source == nil
            let preparing = install.isDownloaded ? [DownloadFabricPackages(for: step)] : []
            return (preparing, packageRemoval + archiveRemoval + [install])
        }
        guard case .fabricManager = wish, let archive = decision.fabricManagerArchive, let digest = archive.digest
        else {
            return nil
        }
        let download = DownloadFabricManager(
            version: driver.description,
            archive: archive,
            digest: digest,
            source: source?.directory,
            isKept: isKept
        )
        let install = InstallFabricManager(
            version: driver.description,
            fileName: archive.fileName,
            work: facts.build.workDirectory,
            leavesArchive: leavesArchive
        )
        let former: [any Operation] = packages.isEmpty ? [] : packageRemoval + archiveRemoval
        return ([download], former + [install])
    }

    /// The step that installs packages in exactly the driver's version; nil when none are offered.
    private func packagesStep(_ wish: Wish, _ source: PackageSource?) -> InstallFabricPackages? {
        // A node that takes the driver from a directory has no network for the package manager either.
        let bundle = source?.directory == nil ? nil : facts.build.bundle.value
        if source?.directory != nil, bundle == nil { return nil }
        var step = packagesStep(wish, in: bundle?.offered ?? facts.build.fabricPackages.value ?? [])
        step?.source = source?.directory.flatMap { directory in
            bundle.map { BuildPackages.Source($0, in: directory) }
        }
        // What does not run cannot be lost.
        if step?.files != nil, replaces, found.program(wish.program)?.isRunning == true {
            step?.former = formerVersion.map(Self.files(of:))
        }
        return step
    }

    /// The step that installs packages of the driver's version whose files the agent kept; nil when it kept none.
    private func keptPackagesStep(_ wish: Wish) -> InstallFabricPackages? {
        let kept = facts.build.keptFabricPackages?.value?[driver.description] ?? []
        let step = packagesStep(wish, in: kept)
        return step?.files == nil ? nil : step
    }

    /// The step that installs packages of these ones; nil when none has the program in the driver's version.
    private func packagesStep(_ wish: Wish, in offered: [OfferedPackage]) -> InstallFabricPackages? {
        guard let installer,
            facts.build.packageTools.value?.contains(installer.program) == true,
            let main = FabricPackages.package(with: wish.program, of: driver, in: offered)
        else { return nil }
        var wanted = [main]
        if case .fabricManager(hasSubnetManager: true) = wish {
            let isThere = found.fabric?.hasSubnetManager == true && found.fabric?.hasDiagnostics == true
            wanted += isThere && packages.isEmpty ? [] : FabricPackages.forSubnetManager(in: offered)
        }
        return InstallFabricPackages(
            packages: wanted,
            installer: installer,
            version: driver.description,
            files: installer.keepsFiles ? Self.files(of: driver.description) : nil,
            // What has versions of its own stays, and so do dependencies.
            replaced: installer.keepsFiles ? packages.filter(FabricPackages.isProgram) : [],
            work: facts.build.workDirectory
        )
    }

    private var installer: (any PackageInstaller)? { facts.host.osRelease.value.flatMap(PackageInstallers.used(on:)) }

    /// The directory with the files of the packages of a driver version.
    private static func files(of version: String) -> String { "\(HostLayout.fabricFiles)/\(version)" }

    /// The version of the driver to which the agent would go back; nil when there is none.
    private var formerVersion: String? {
        facts.driver.record.value.flatMap { $0.state == .installed ? $0.version : $0.former?.version }
    }

    /// The step that removes the packages that the agent installed for another driver.
    private var packageRemoval: [any Operation] {
        guard !packages.isEmpty, let installer else { return [] }
        let version = driver.description
        return [RemoveFabricPackages(version: version, installer: installer, work: facts.build.workDirectory)]
    }

    /// The step that removes the files that the agent installed from an archive for another driver.
    private var archiveRemoval: [any Operation] {
        found.fabric?.archive == nil ? [] : [RemoveFabricManager(version: driver.description)]
    }
}
