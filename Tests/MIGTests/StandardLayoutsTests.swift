import MIG
import NodeModel
import Testing

/// The layouts that need no file.
@Suite struct StandardLayoutsTests {
    private func layouts(_ gpus: MIGGPU...) -> [(name: String, entries: [MIGConfigFile.Entry])] {
        MIGConfigFile.standard(MIGInventory(gpus: gpus)).layouts
    }

    private func devices(_ entry: MIGConfigFile.Entry?) -> [String] {
        (entry?.migDevices ?? []).map { "\($0.count) × \($0.profile)" }
    }

    /// A model of GPU, the names of its layouts, and the devices of the balanced one.
    typealias Row = (offers: [MIGOffer], names: [String], balanced: [String])

    static let rows: [Row] = [
        (
            GPUModels.a100,
            ["all-1g.5gb", "all-1g.5gb.me", "all-1g.10gb", "all-2g.10gb", "all-3g.20gb", "all-4g.20gb", "all-7g.40gb"],
            ["2 × 1g.5gb", "1 × 2g.10gb", "1 × 3g.20gb"]
        ),
        (
            GPUModels.h100,
            [
                "all-1g.10gb", "all-1g.10gb.me", "all-1g.20gb", "all-2g.20gb", "all-3g.40gb", "all-4g.40gb",
                "all-7g.80gb",
            ],
            ["2 × 1g.10gb", "1 × 2g.20gb", "1 × 3g.40gb"]
        ),
        (
            GPUModels.a30, ["all-1g.6gb", "all-1g.6gb.me", "all-2g.12gb", "all-2g.12gb.me", "all-4g.24gb"],
            ["2 × 1g.6gb", "1 × 2g.12gb"]
        ),
        (
            GPUModels.rtxPro6000,
            [
                "all-1g.24gb", "all-1g.24gb.me", "all-1g.24gb.gfx", "all-1g.24gb.me.all", "all-1g.24gb-me",
                "all-2g.48gb", "all-2g.48gb.gfx", "all-2g.48gb.me.all", "all-2g.48gb-me", "all-4g.96gb",
                "all-4g.96gb.gfx",
            ], ["2 × 1g.24gb", "1 × 2g.48gb"]
        ),
    ]

    @Test(arguments: rows)
    func aModelHasALayoutForEachProfile(_ row: Row) {
        let layouts = layouts(GPUModels.gpu(row.offers), GPUModels.gpu(row.offers, index: 1))
        #expect(layouts.map(\.name) == ["all-disabled", "all-enabled", "all-balanced"] + row.names)
        #expect(layouts.allSatisfy { $0.entries.count == 1 && $0.entries[0].filters.isEmpty })
        #expect(layouts.map(\.entries[0].isEnabled) == layouts.map { $0.name != "all-disabled" })
        #expect(devices(layouts[2].entries[0]) == row.balanced)
        for (layout, offer) in zip(layouts.dropFirst(3), row.offers) {
            #expect(devices(layout.entries[0]) == ["\(offer.instances) × \(offer.name)"])
        }
    }

    /// The planner finds a place for all devices of each layout.
    @Test(arguments: rows)
    func eachLayoutFits(_ row: Row) {
        let inventory = MIGInventory(gpus: [GPUModels.gpu(row.offers)])
        for layout in MIGConfigFile.standard(inventory).layouts {
            let plan = MIGNodePlan(standard: layout.name, inventory)
            #expect(plan.problems.isEmpty && plan.canBegin, "\(layout.name): \(plan.gpus.map(\.outcome))")
        }
    }

    /// On a node with several kinds of GPUs, each has its own devices, and none that it does not know.
    @Test func kindsOfGPUsAreToldApart() throws {
        var plain = GPUModels.gpu([], index: 2, pciID: 0x1EB8_10DE, mode: nil)
        plain.offers = .absent
        let layouts = layouts(
            GPUModels.gpu(GPUModels.a100),
            GPUModels.gpu(GPUModels.a30, index: 1, pciID: 0x20B7_10DE),
            plain
        )
        let balanced = try #require(layouts.first { $0.name == "all-balanced" }?.entries)
        #expect(balanced.map { $0.filters.map(\.pciID) } == [[0x20B0_10DE], [0x20B7_10DE]])
        #expect(balanced.map(devices) == [Self.rows[0].balanced, Self.rows[2].balanced])
        let small = try #require(layouts.first { $0.name == "all-1g.6gb" }?.entries)
        #expect(small.map { $0.filters.map(\.pciID) } == [[0x20B7_10DE]])
        #expect(layouts[0].entries.map(\.filters) == [[]])
    }

    @Test func anUnknownNameIsAProblemOfThePlan() {
        let plan = MIGNodePlan(standard: "all-1g.10g", MIGInventory(gpus: [GPUModels.gpu(GPUModels.h100)]))
        #expect(!plan.canBegin && plan.problems.count == 1)
        let problem = "there is no standard layout 'all-1g.10g' for these GPUs; did you mean 'all-1g.10gb'?"
        #expect(plan.problems.first?.hasPrefix(problem) == true)
        // A node without MIG has only the layouts without devices.
        var gpu = GPUModels.gpu([], mode: nil)
        gpu.offers = .absent
        #expect(layouts(gpu).map(\.name) == ["all-disabled", "all-enabled"])
    }
}
