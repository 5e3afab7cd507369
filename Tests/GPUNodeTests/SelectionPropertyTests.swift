import GPUNode
import TestSupport
import Testing

/// What holds for every decision, told by rules of the test's own and not by the engine's.
@Suite struct SelectionPropertyTests {
    /// What one GPU demands, or nil when nobody can know.
    private struct Demand {
        var kind: DriverKind
        var flavours: [ModuleFlavour]
        var branches: ClosedRange<Int>
    }

    private func demanded(by gpu: PCIFunction, _ catalog: Catalog) -> Demand? {
        if case .present(let board) = gpu.subsystem,
            let type = catalog.vgpuTypes.values.first(where: {
                $0.key.device == gpu.id.device && $0.key.subsystemDevice == board.device
            })
        {
            return Demand(
                kind: .grid,
                flavours: type.flavours,
                branches: (type.minBranch ?? 0)...(type.maxBranch ?? Int.max)
            )
        }
        guard let card = catalog.gpus.values.first(where: { $0.id == gpu.id }) else { return nil }
        let ownBoard = if case .present(let board) = gpu.subsystem { card.subsystems.contains(board) } else { false }
        let certainlyPhysical =
            switch (gpu.vgpuCapability, gpu.subsystem) {
            case (.absent, .present), (.absent, .absent): true
            default: false
            }
        guard ownBoard || certainlyPhysical else { return nil }
        return Demand(
            kind: .datacenter,
            flavours: card.flavours,
            branches: (card.minBranch ?? 0)...(card.maxBranch ?? Int.max)
        )
    }

    private func isGPU(_ function: PCIFunction) -> Bool {
        function.id.vendor == 0x10de && [0x0300, 0x0302].contains(function.classCode)
    }

    private func checkInstall(_ facts: NodeFacts, _ policy: Policy, _ decision: Decision, _ catalog: Catalog) throws {
        let driver = try #require(decision.driver)
        let digest = try #require(driver.artifact?.digest, "an artifact without a checksum")
        #expect(digest.hex.utf8.count == digest.algorithm.hexLength)
        let entry = try #require(catalog.drivers.first { $0.artifact == driver.artifact })
        #expect(entry.version == driver.version && entry.kind == driver.kind)
        #expect(entry.flavours.contains(driver.flavour))
        #expect(entry.architecture == facts.host.architecture.value)
        #expect(policy.version == nil || policy.version == driver.version)
        #expect(policy.branch == nil || policy.branch == driver.version.branch)
        #expect(policy.flavour == nil || policy.flavour == driver.flavour)
        if driver.kind == .grid {
            let vendors = ["azure": "Microsoft Corporation", "aws": "Amazon EC2", "gcp": "Google"]
            #expect(facts.host.dmi.value?.systemVendor == vendors[entry.platform ?? ""])
            if entry.platform == "azure" { #expect(facts.host.dmi == .present(.azure)) }
        }
        for gpu in (facts.pci.value ?? []).filter(isGPU) {
            let demand = try #require(demanded(by: gpu, catalog), "installs on a GPU that nobody can know: \(gpu)")
            #expect(demand.kind == driver.kind)
            #expect(demand.flavours.contains(driver.flavour))
            #expect(demand.branches.contains(driver.version.branch))
        }
        let isOthers = !facts.driver.sources.isEmpty && facts.driver.record.value == nil
        #expect(!isOthers, "replaces a driver that is not the agent's")
    }

    private func check(_ facts: NodeFacts, _ policy: Policy, _ decision: Decision, _ catalog: Catalog) throws {
        #expect(!decision.summary.isEmpty)
        switch decision.action {
        case .install: try checkInstall(facts, policy, decision, catalog)
        case .adopt:
            let driver = try #require(decision.driver)
            #expect(driver.artifact == nil && decision.owner != nil)
            #expect(Set(facts.driver.sources.map(\.version)) == [driver.version.description])
        case .idle:
            let functions = try #require(facts.pci.isAbsent ? [] : facts.pci.value)
            #expect(!functions.contains(where: isGPU))
        case .blocked:
            #expect(!decision.problems.isEmpty)
            #expect(decision.problems.allSatisfy { !$0.remedy.isEmpty && !$0.observed.isEmpty && !$0.expected.isEmpty })
        }
        #expect(decision.problems.isEmpty == (decision.action != .blocked))
    }

    @Test func everyDecisionIsSafe() throws {
        var hashless = try CatalogDriver.datacenter("610.10.01")
        hashless.artifact.digest = nil
        let catalogs = [
            try repositoryCatalog(), try repositoryCatalog().merged(with: Catalog(drivers: [hashless])),
        ]
        var source = RandomFacts(seed: 2026)
        var seen: [Decision.Action: Int] = [:]
        for round in 0..<20_000 {
            let facts = source.facts()
            let policy = source.policy()
            let catalog = catalogs[round % 8 == 0 ? 1 : 0]
            let decision = Selection(catalog: catalog, policy: policy).decide(facts)
            seen[decision.action, default: 0] += 1
            try check(facts, policy, decision, catalog)
        }
        #expect(Decision.Action.allCases.allSatisfy { seen[$0, default: 0] > 200 }, "\(seen)")
    }

    @Test func theOrderOfACatalogChangesNothing() throws {
        let catalog = try repositoryCatalog()
        var drivers = catalog.drivers
        for version in ["595.071.05", "595.71.5", "580.159.4"] { drivers.append(try .datacenter(version)) }
        var random = SeededGenerator(seed: 7)
        var source = RandomFacts(seed: 7)
        let nodes = (0..<50).map { _ in (facts: source.facts(), policy: source.policy()) }
        func shuffled() -> Catalog {
            Catalog(
                gpus: catalog.gpus.values.shuffled(using: &random),
                vgpuTypes: catalog.vgpuTypes.values.shuffled(using: &random),
                platforms: catalog.platforms.shuffled(using: &random),
                drivers: drivers.shuffled(using: &random)
            )
        }
        let first = shuffled()
        let decisions = nodes.map { Selection(catalog: first, policy: $0.policy).decide($0.facts) }
        for _ in 0..<40 {
            let other = shuffled()
            #expect(other.drivers == first.drivers)
            #expect(nodes.map { Selection(catalog: other, policy: $0.policy).decide($0.facts) } == decisions)
        }
    }

    @Test func theOrderOfTheFunctionsChangesNoChoice() throws {
        let catalog = try repositoryCatalog()
        var random = SeededGenerator(seed: 11)
        var source = RandomFacts(seed: 11)
        for _ in 0..<500 {
            let facts = source.facts()
            let selection = Selection(catalog: catalog, policy: source.policy())
            let decision = selection.decide(facts)
            let other = selection.decide(
                facts.with { $0.pci = $0.pci.map { $0.shuffled(using: &random) } }
            )
            #expect(other.action == decision.action)
            #expect(other.driver == decision.driver)
            #expect(other.rejected == decision.rejected)
            #expect(Set(other.problems.map(\.code)) == Set(decision.problems.map(\.code)))
            #expect(other.evidence.map(\.statement).sorted() == decision.evidence.map(\.statement).sorted())
        }
    }
}
