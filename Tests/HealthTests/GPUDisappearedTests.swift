import CoreSupport
import Health
import NodeModel
import Planning
import Support
import TestSupport
import Testing

/// A GPU that is gone from the PCI bus is missed, and nothing else is.
@Suite struct GPUDisappearedTests {
    private static let machine = "Microsoft Corporation Virtual Machine"
    private static let now = Timestamp(1_800_000_000)

    private static func address(_ bus: Int) -> PCIAddress { PCIFunction.h100.at(bus: UInt8(bus)).address }

    private static func seen(_ buses: [Int], machine: String? = machine) -> SeenGPUs {
        SeenGPUs(addresses: buses.map(address), machine: machine, since: Timestamp(1))
    }

    /// A node with H100s on these buses, with a driver.
    private static func node(_ buses: [Int], seen: Reading<SeenGPUs>) -> NodeFacts {
        NodeFacts.h100Ready.with { facts in
            facts.pci = .present(buses.map { PCIFunction.h100.at(bus: UInt8($0)) })
            let gpus = buses.enumerated().map { index, bus in
                var gpu = GPUFacts.h100
                gpu.index = index
                gpu.pciAddress = .present(address(bus))
                return gpu
            }
            facts.vendor = .answering("595.71.05", gpus: gpus)
            facts.seenGPUs = seen
        }
    }

    private func finding(_ facts: NodeFacts) -> Finding? {
        Checks(facts: facts, plan: .adoptedH100).report().finding(.gpuDisappeared)
    }

    @Test func aMissingGPUIsAWarningWithThreeCountsAndItsAddress() {
        let facts = Self.node([0, 2], seen: .present(Self.seen([0, 1, 2])))
        let finding = finding(facts)
        #expect(finding?.state == .warning)
        #expect(
            finding?.observed
                == "2 GPUs on the PCI bus, 2 in NVML, 3 seen on this node, missing: \(Self.address(1))"
        )
        let report = Checks(facts: facts, plan: .adoptedH100).report()
        #expect(report.verdict == .degraded && report.readiness == .usable)
    }

    @Test func noGPUIsMissingWhenThereAreAsMany() {
        #expect(finding(Self.node([0, 1], seen: .present(Self.seen([0, 1]))))?.state == .pass)
        // Another slot, or a hypervisor that numbers the buses anew.
        #expect(finding(Self.node([0, 5], seen: .present(Self.seen([0, 1]))))?.state == .pass)
    }

    @Test(arguments: [
        Reading<SeenGPUs>.absent, .skipped("not recorded"), .unreadable(ReadFailure(.io, "input/output error")),
    ])
    func withoutARecordThereIsNoFinding(_ seen: Reading<SeenGPUs>) {
        #expect(finding(Self.node([0], seen: seen)) == nil)
    }

    @Test func aFunctionThatCannotBeIdentifiedIsNotMissing() {
        var facts = Self.node([0], seen: .present(Self.seen([0, 1])))
        facts.unidentified = [UnidentifiedFunction(address: Self.address(1), failure: ReadFailure(.io, "vendor"))]
        #expect(facts.missingGPUs == [])
    }

    @Test func aGPUThatIsNotManagedIsNotMissing() {
        let facts = Self.node([0, 1], seen: .present(Self.seen([0, 1]))).without([Self.address(1)])
        #expect(facts.missingGPUs == [] && facts.seenGPUs.value?.addresses == [Self.address(0)])
    }

    @Test func theOnlyGPUIsMissedToo() throws {
        let facts = NodeFacts.noGPU.with { $0.seenGPUs = .present(Self.seen([0])) }
        let report = try NodeReport.made(for: facts)
        #expect(report.verdict == .noGPU)
        #expect(report.finding(.gpuDisappeared)?.observed.contains("missing: \(Self.address(0))") == true)
    }

    /// What the daemon keeps after an inspection.
    static let updates: [(buses: [Int], before: Reading<SeenGPUs>, after: [Int]?)] = [
        ([0, 1], .absent, [0, 1]), ([], .absent, nil), ([0, 1], .present(seen([0, 1])), nil),
        ([0, 1, 2], .present(seen([0, 1])), [0, 1, 2]), ([0], .present(seen([0, 1])), nil),
        ([0, 7], .present(seen([0, 1])), [0, 7]), ([0], .present(seen([0, 1], machine: "Dell Inc. R760xa")), [0]),
        ([0], .present(seen([0, 1], machine: nil)), nil), ([0], .unreadable(ReadFailure(.io, "EIO")), nil),
        ([0], .unreadable(ReadFailure(.malformed, "not JSON")), [0]), ([0], .skipped("not recorded"), nil),
    ]

    @Test(arguments: updates)
    func theMostGPUsAreKept(_ row: (buses: [Int], before: Reading<SeenGPUs>, after: [Int]?)) {
        let update = SeenGPUs.update(after: Self.node(row.buses, seen: row.before), at: Self.now)
        #expect(update?.addresses == row.after?.map(Self.address))
        if let update { #expect(update.machine == Self.machine && update.since == Self.now) }
    }

    @Test func aBusThatCannotBeReadKeepsTheRecord() {
        let facts = Self.node([0], seen: .absent).with { $0.pci = .unreadable(ReadFailure(.io, "EIO")) }
        #expect(SeenGPUs.update(after: facts, at: Self.now) == nil)
        #expect(facts.with { $0.seenGPUs = .present(Self.seen([0, 1])) }.missingGPUs == nil)
    }
}
