import Catalog
import NodeModel
import Selection
import Support
import TestSupport

/// The rules that hold for every decision, independent of the code of Selection.
///
/// These rules repeat the platforms and releases of the catalog from other sources. They take the limits of GPUs and
/// vGPU types from the catalog, because other tests compare these limits with their sources.
struct SelectionRules {
    /// The requirements of one GPU.
    struct Demand {
        var kind: DriverKind
        var kernelModuleTypes: Set<KernelModuleType>
        var branches: ClosedRange<Int>
        /// Whether the GPU is a vGPU.
        var isVGPU: Bool

        init(_ kind: DriverKind, _ kernelModuleTypes: [KernelModuleType], _ first: Int?, _ last: Int?, isVGPU: Bool) {
            (self.kind, self.isVGPU, self.kernelModuleTypes) = (kind, isVGPU, Set(kernelModuleTypes))
            branches = (first ?? 0)...(last ?? .max)
        }
    }

    fileprivate let catalog: Catalog
    /// The common requirements of all types of a card.
    fileprivate let types: [UInt16: Demand]
    fileprivate let drivers: [String: CatalogDriver]
    /// The vGPU release of each branch for which the catalog has a GRID driver.
    fileprivate let releases: [Int: Int]
    fileprivate let machines = SituationMachine.all.values.filter { $0.name != nil && $0.name != "bare-metal" }

    init(_ catalog: Catalog) {
        self.catalog = catalog
        let demands = catalog.vgpuTypes.values.map { ($0.key.device, Demand($0)) }
        types = Dictionary(demands) { left, right in
            var both = left
            both.kernelModuleTypes.formIntersection(right.kernelModuleTypes)
            both.branches = left.branches.clamped(to: right.branches)
            return both
        }
        let known = Set(catalog.drivers.filter { $0.kind == .grid }.map(\.version.branch))
        releases = [510: 14, 535: 16, 550: 17, 570: 18, 580: 19, 595: 20].filter { known.contains($0.key) }
        drivers = Dictionary(catalog.drivers.map { ("\($0.kind) \($0.artifact.urls)", $0) }) { $1 }
    }

    /// The rule that a decision breaks; nil when it breaks none.
    func broken(by decision: Decision, _ facts: NodeFacts, _ policy: Policy) -> String? {
        let judgment = Judgement(rules: self, decision: decision, facts: facts, policy: policy)
        return judgment.wrongForm ?? judgment.wrongOwner ?? judgment.wrongDriver ?? judgment.wrongInstall
            ?? judgment.wrongTakeover ?? judgment.wrongAdoption
    }
}

extension SelectionRules.Demand {
    fileprivate init(_ type: CatalogVGPUType) {
        self.init(.grid, type.kernelModuleTypes, type.minBranch, type.maxBranch, isVGPU: true)
    }
}

/// A decision with the facts and the policy that led to it.
private struct Judgement {
    /// The vGPU release on the hosts of each cloud.
    static let cloudHosts: [String: [UInt16: Int]] = ["azure": [0x2236: 18, 0x2bb5: 20]]

    let rules: SelectionRules
    let decision: Decision
    let facts: NodeFacts
    let policy: Policy
    /// The GPUs on the bus, and those that the pods of the node can use.
    let gpus: [PCIFunction]
    let own: [PCIFunction]
    let machine: String?
    let versions: Set<String>

    init(rules: SelectionRules, decision: Decision, facts: NodeFacts, policy: Policy) {
        (self.rules, self.decision, self.facts, self.policy) = (rules, decision, facts, policy)
        gpus = (facts.pci.value ?? []).filter {
            $0.id.vendor == 0x10de && ($0.classCode == 0x0300 || $0.classCode == 0x0302)
        }
        own = gpus.filter {
            !["vfio-pci", "pci-stub"].contains($0.kernelDriver.value) && Self.treatment(of: $0, by: policy) != .ignored
        }
        let dmi = facts.host.dmi
        machine =
            rules.machines.first { $0.dmi == dmi }?.name
            ?? (facts.host.hypervisor == .present(false) && Self.isKnown(dmi) ? "bare-metal" : nil)
        versions = Set(facts.driver.sources.map(\.version))
    }

    private static func isKnown<Value>(_ reading: Reading<Value>) -> Bool {
        switch reading {
        case .present, .absent, .absentBecause: true
        case .unreadable, .skipped: false
        }
    }

    /// A line with the GPU's subsystem ID wins over a line without one, in any order.
    private static func treatment(of gpu: PCIFunction, by policy: Policy) -> HardwareOverride.Treatment? {
        var whole: HardwareOverride.Treatment?
        for line in policy.hardware where line.id == gpu.id {
            guard let board = line.subsystem else {
                whole = whole ?? line.treatment
                continue
            }
            if gpu.subsystem == .present(board) { return line.treatment }
        }
        return whole
    }

    // MARK: Any decision

    var wrongForm: String? {
        if decision.summary.isEmpty { return "it says nothing" }
        if decision.problems.isEmpty == (decision.action == .blocked) { return "blocked, and no problem" }
        if (decision.reason == nil) == (decision.action == .idle) { return "idle, and no reason" }
        if decision.problems.contains(where: { $0.remedy.isEmpty || $0.observed.isEmpty || $0.expected.isEmpty }) {
            return "a problem without words"
        }
        if (decision.driver?.artifact == nil) == (decision.action == .install) { return "an artifact, and no install" }
        if decision.takesOver != nil, decision.action != .install { return "a takeover, and no install" }
        switch decision.action {
        case .install, .adopt: return decision.driver == nil ? "no driver" : nil
        case .idle: return decision.driver == nil ? nil : "a driver for an idle node"
        case .blocked: return nil
        }
    }

    /// Checks nodes that the agent must leave alone.
    var wrongOwner: String? {
        if decision.reason == .noGPU, !own.isEmpty { return "it overlooks a GPU" }
        let isRead: Bool
        switch facts.pci {
        case .present, .absent, .absentBecause: isRead = true
        case .unreadable, .skipped: isRead = false
        }
        if !isRead { return decision.action == .blocked ? nil : "it decides on a bus that was not read" }
        if own.isEmpty { return decision.action == .idle ? nil : "it acts without a GPU" }
        if isVGPUHost { return decision.reason == .vgpuHost ? nil : "it takes a vGPU host for a guest" }
        if decision.reason == .vgpuHost { return "it takes a node for a vGPU host" }
        // Before anybody could look for a driver container, nobody knows whose node it is.
        if facts.claims.driverContainer.failure != nil, decision.problems.map(\.code) == [.driverUnreadable] {
            return nil
        }
        let isTaken = belongsToOthers || (mayBecomeTheOperators && decision.action != .adopt)
        return isTaken == (decision.reason == .driverOwnedElsewhere) ? nil : "whose node it is"
    }

    private var isVGPUHost: Bool {
        let addresses = gpus.map(\.address)
        let parents = (facts.pci.value ?? []).compactMap(\.physicalFunction.value)
        if parents.contains(where: addresses.contains) || gpus.contains(where: { $0.physicalFunction.value != nil }) {
            return true
        }
        if gpus.contains(where: { mode(of: $0) == .hostVgpu }) { return true }
        return facts.driver.loadedModules.value?.contains("nvidia_vgpu_vfio") == true
    }

    /// Whether the agent installed the driver, or is installing it.
    private var isOwn: Bool {
        guard let record = facts.driver.record.value else { return false }
        return record.state == .changing
            || (record.state == .installed && versions == [record.version] && isReadAsOne)
    }

    /// Whether the GPU Operator may install a driver.
    ///
    /// It sets this label on every GPU node, so the agent still adopts a driver that fits.
    private var mayBecomeTheOperators: Bool {
        !isOwn && facts.claims.nodeLabels.value?["nvidia.com/gpu.deploy.driver"] == "true"
    }

    private var belongsToOthers: Bool {
        if isOwn { return false }
        let labels = facts.claims.nodeLabels.value ?? [:]
        let operatorLabel = labels["nvidia.com/gpu.deploy.driver"] ?? ""
        if operatorLabel.hasSuffix("paused-for-driver-upgrade"), !operatorLabel.hasPrefix("pre-") { return true }
        if let value = labels["cloud.google.com/gke-gpu-driver-version"], value != "disabled" { return true }
        if ["vm-vgpu", "vm-passthrough"].contains(labels["nvidia.com/gpu.workload.config"]) { return true }
        guard let container = facts.claims.driverContainer.value else { return false }
        return container.isMounted || container.hasPIDFile
    }

    /// Whether the host certainly has one driver, with or without a module for this kernel.
    private var isReadAsOne: Bool {
        let driver = facts.driver
        let isLoaded = driver.loadedVersion.value != nil || driver.runningModule.value != nil
        return isLoaded || driver.moduleFile.value != nil || driver.moduleFile == .absent
    }

    // MARK: Any driver that is named

    /// Checks that every GPU supports the driver, and that the driver matches the configuration.
    var wrongDriver: String? {
        guard let target = decision.driver else { return nil }
        if let wanted = policy.version, wanted != target.version { return "another version than is asked for" }
        if let wanted = policy.branch, wanted != target.version.branch { return "another branch than is asked for" }
        if let wanted = policy.kernelModuleType, wanted != target.kernelModuleType {
            return "another kernelModuleType than is asked for"
        }
        for gpu in own {
            guard let demand = demand(of: gpu) else { return "a driver for a GPU that nobody can know" }
            if demand.kind != target.kind, !(decision.action == .adopt && isLicensed) {
                return "a kind that the strongest evidence speaks against"
            }
            if !demand.kernelModuleTypes.contains(target.kernelModuleType) {
                return "a kernelModuleType that a GPU cannot run"
            }
            if !demand.branches.contains(target.version.branch) { return "a branch out of a GPU's limits" }
            guard demand.isVGPU, let guest = rules.releases[target.version.branch], let host = host(of: gpu),
                guest != host, guest != host - 1
            else { continue }
            return "a guest of release \(guest) on a host of \(host)"
        }
        return nil
    }

    /// The requirements of a GPU according to the strongest evidence; nil when the evidence conflicts or is
    /// insufficient.
    private func demand(of gpu: PCIFunction) -> SelectionRules.Demand? {
        let type = gpu.subsystem.value.flatMap {
            rules.catalog.vgpuTypes[VGPUTypeKey(device: gpu.id.device, subsystemDevice: $0.device)]
        }
        let card = rules.catalog.gpus[gpu.id]
        let kind: DriverKind = policy.workstation ? .grid : .datacenter
        let physical = card.map {
            SelectionRules.Demand(
                kind,
                $0.kernelModuleTypes,
                $0.minBranch,
                policy.workstation ? $0.maxWorkstationBranch ?? $0.maxBranch : $0.maxBranch,
                isVGPU: false
            )
        }
        let any = KernelModuleType.allCases
        switch Self.treatment(of: gpu, by: policy) {
        case .physical?: return physical ?? SelectionRules.Demand(kind, any, nil, nil, isVGPU: false)
        case .vgpu?:
            return type.map(SelectionRules.Demand.init) ?? rules.types[gpu.id.device]
                ?? SelectionRules.Demand(.grid, card?.kernelModuleTypes ?? any, nil, nil, isVGPU: true)
        case .ignored?, nil: break
        }
        let hasCapability = gpu.vgpuCapability.value != nil
        let mode = mode(of: gpu)
        let isBoard = type == nil && gpu.subsystem.value.map { card?.subsystems.contains($0) == true } == true
        let speaksForVGPU = type != nil || hasCapability || mode == .vgpu
        let speaksAgainst =
            isBoard || (gpu.sriovTotalVFs.value ?? 0) > 0 || mode == .passthrough || mode == VirtualizationMode.none
            || (machine == "bare-metal" && (type != nil || hasCapability))
        if speaksForVGPU {
            guard !speaksAgainst else { return nil }
            if let type { return SelectionRules.Demand(type) }
            guard decision.action == .adopt, card != nil else { return nil }
            return rules.types[gpu.id.device]
                ?? SelectionRules.Demand(.grid, card?.kernelModuleTypes ?? any, nil, nil, isVGPU: true)
        }
        // A vGPU shows its card's id: all that would tell it must have been read.
        if isBoard || speaksAgainst { return physical }
        if mayBeEither(gpu) {
            // What is there may stay, of either kind; nothing is installed on a guess.
            guard decision.action == .adopt, decision.driver?.kind == .grid else {
                return decision.action == .adopt ? physical : nil
            }
            return rules.types[gpu.id.device]
                ?? SelectionRules.Demand(.grid, card?.kernelModuleTypes ?? any, nil, nil, isVGPU: true)
        }
        switch (gpu.vgpuCapability, gpu.subsystem) {
        case (.absent, .present), (.absent, .absent): return physical
        default: return nil
        }
    }

    /// Whether an unlisted GPU may be a vGPU as well as a board of its card, when both could be read.
    private func mayBeEither(_ gpu: PCIFunction) -> Bool {
        guard gpu.vgpuCapability == .absent else { return false }
        switch gpu.subsystem {
        case .unreadable, .skipped: return false
        case .present, .absent, .absentBecause: break
        }
        if let machine, Self.cloudHosts[machine]?[gpu.id.device] != nil { return true }
        return facts.host.hypervisor == .present(true) && rules.types[gpu.id.device] != nil
            && gpu.subsystem != .absent
    }

    /// Whether the driver that is there has a license, as only a GRID driver can.
    private var isLicensed: Bool {
        decision.driver?.kind == .grid
            && facts.vendor.value?.nvml.value?.gpus.contains { $0.license.value?.licensed == true } == true
    }

    private func mode(of gpu: PCIFunction) -> VirtualizationMode? {
        facts.vendor.value?.nvml.value?.gpus.first {
            $0.pciAddress.value == gpu.address && $0.virtualization.value != nil
        }?
        .virtualization.value
    }

    private func host(of gpu: PCIFunction) -> Int? {
        if let version = gpu.vgpuCapability.value?.hostDriverVersion.flatMap(DriverVersion.init) {
            return rules.releases[version.branch]
        }
        if let branch = gpu.vgpuCapability.value?.hostDriverBranch?.dropFirst().prefix(3), let number = Int(branch) {
            return rules.releases[number]
        }
        // What is said of a cloud's hosts makes no driver unfit that is there.
        guard decision.action != .adopt else { return nil }
        return machine.flatMap { Self.cloudHosts[$0]?[gpu.id.device] }
    }

    // MARK: Install

    var wrongInstall: String? {
        guard decision.action == .install, let target = decision.driver, let artifact = target.artifact else {
            return nil
        }
        guard let digest = artifact.digest, digest.hex.utf8.count == (digest.algorithm == .sha256 ? 64 : 128) else {
            return "an artifact without a checksum"
        }
        guard let entry = rules.drivers["\(target.kind) \(artifact.urls)"], entry.artifact == artifact,
            entry.version == target.version, entry.kernelModuleTypes.contains(target.kernelModuleType)
        else { return "a driver that is not the catalog's" }
        if facts.host.architecture != .present(entry.architecture) { return "a driver for another processor" }
        if let platform = entry.platform, platform != machine { return "a driver licensed for another cloud" }
        if let wanted = policy.channel, entry.channel != wanted { return "another channel than is asked for" }
        let isNew = facts.host.kernelRelease.value?.hasPrefix("6.11") == true
        if isNew, entry.platform == "azure", entry.version.branch < 580 { return "a driver that does not build" }
        if isImmutable {
            return "an install on an image that cannot be changed"
        }
        let couldBeOpen =
            policy.kernelModuleType == nil && entry.kernelModuleTypes.contains(.open)
            && own.allSatisfy { demand(of: $0)?.kernelModuleTypes.contains(.open) == true }
        if target.kernelModuleType == .proprietary, couldBeOpen {
            return "proprietary modules where open ones would do"
        }
        return nil
    }

    /// Checks an install that replaces a driver of another owner.
    var wrongTakeover: String? {
        guard decision.action == .install else { return nil }
        let record = facts.driver.record.value
        let isOurs = versions.count == 1 && versions.first.map { record?.names($0) ?? false } == true
        if versions.isEmpty { return wrongTakeoverOfAnIncompleteDriver }
        // What the agent began to change, it finishes.
        if let record, record.state == .changing, isOurs || versions.count > 1 || record.takesOver != nil {
            return decision.takesOver == record.takesOver ? nil : "a takeover that is not the one that was begun"
        }
        if isOurs { return decision.takesOver == nil ? nil : "a takeover of its own driver" }
        guard versions.count == 1, let version = versions.first else { return "an install over two drivers" }
        if !policy.takeover { return "an install over another owner's driver without leave" }
        if mayBeInUse { return "an install over a driver that may be in use" }
        guard let owner = remover(of: version) else { return "an install over a driver that nobody can remove" }
        return decision.takesOver == owner ? nil : "a takeover of somebody else's driver, not of \(owner)'s"
    }

    /// Checks a host with packages of a driver, but without its module and libraries.
    private var wrongTakeoverOfAnIncompleteDriver: String? {
        let record = facts.driver.record.value
        if record?.state == .changing {
            return decision.takesOver == record?.takesOver ? nil : "a takeover that is not the one that was begun"
        }
        guard facts.claims.packages.value?.isEmpty == false else {
            return decision.takesOver == nil ? nil : "a takeover of nothing"
        }
        if decision.takesOver == nil { return "an install beside another owner's packages" }
        if !policy.takeover { return "an install beside another owner's packages without leave" }
        return !mayBeInUse ? nil : "an install beside packages that may be in use"
    }

    /// Whether a process other than a service of the driver may use the driver.
    private var mayBeInUse: Bool {
        let services = ["nvidia-persistenced.service", "nvidia-fabricmanager.service", "nvidia-gridd.service"]
        return facts.claims.deviceUsers.value?.contains { !services.contains($0.unit ?? "") } ?? true
    }

    private var isImmutable: Bool {
        let system = facts.host.osRelease.value
        return ["bottlerocket", "cos", "talos"].contains(system?.id) || system?.variantID == "osguard"
            || facts.host.usrIsReadOnly == .present(true)
    }

    /// The owner whose traces show how to remove the driver completely.
    private func remover(of version: String) -> DriverOwner? {
        let claims = facts.claims
        if isImmutable { return nil }
        if claims.aksMarker.value?.version == version {
            let isBuiltByOthers = claims.runfile.value == nil && claims.dkms.value?.isEmpty != false
            return isBuiltByOthers && facts.driver.moduleFile.value != nil ? nil : .aksImage
        }
        if claims.packages.value?.contains(where: { $0.version == "3:\(version)-0ubuntu1" }) == true {
            return .packageManager
        }
        return claims.runfile == .present(version) ? .runfile : nil
    }

    // MARK: Adopt

    var wrongAdoption: String? {
        guard decision.action == .adopt, let target = decision.driver else { return nil }
        let driver = facts.driver
        if versions != [target.version.description] { return "it keeps a driver that is not there" }
        if driver.nvmlLibrary == .absent || driver.cudaLibrary == .absent { return "it keeps half a driver" }
        let kernelModuleType = driver.runningModule.value?.kernelModuleType ?? driver.moduleFile.value?.kernelModuleType
        return kernelModuleType == target.kernelModuleType ? nil : "it keeps another kernelModuleType than is there"
    }
}

extension InstallRecord {
    /// Whether the agent's record names this version, in any state of the install.
    fileprivate func names(_ version: String) -> Bool {
        switch state {
        case .installed: self.version == version
        case .started: replaces == version
        case .changing: self.version == version || replaces == version
        }
    }
}
