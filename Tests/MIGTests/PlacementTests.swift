import MIG
import NodeModel
import TestSupport
import Testing

/// The plan agrees with the allowed places for every list of profiles.
@Suite struct PlacementTests {
    struct Model: Sendable, CustomTestStringConvertible {
        var name: String
        var offers: [MIGOffer]
        /// The most instances that the lists of the test have: one more than fits.
        var most: Int
        var testDescription: String { name }
    }

    static let models =
        [
            Model(name: "A100", offers: GPUModels.a100, most: 8), Model(name: "A30", offers: GPUModels.a30, most: 5),
            Model(name: "H100", offers: GPUModels.h100, most: 8),
            Model(name: "RTX PRO 6000", offers: GPUModels.rtxPro6000, most: 5),
        ]
        + GPUModels.sevenSlices.map { name, gigabytes in
            Model(name: name, offers: GPUModels.sevenSlices(gigabytes), most: 8)
        }

    /// All lists of profiles that fit, as counts: built from the empty GPU by adding one instance after the other.
    ///
    /// It shares nothing with the search of the agent.
    static func fitting(_ offers: [MIGOffer]) -> Set<[Int]> {
        var counts: Set<[Int]> = []
        var seen: Set<Set<[Int]>> = []
        var open: [Set<[Int]>] = [[]]
        let decoders = offers.map(\.engines.decoders).max() ?? 0
        let opticalFlow = offers.map(\.engines.opticalFlow).max() ?? 0
        while let layout = open.popLast() {
            guard seen.insert(layout).inserted else { continue }
            counts.insert(offers.indices.map { profile in layout.count { $0[0] == profile } })
            for (profile, offer) in offers.enumerated() {
                guard layout.count(where: { $0[0] == profile }) < offer.instances else { continue }
                let used = layout.map { offers[$0[0]].engines }
                guard used.map(\.decoders).reduce(offer.engines.decoders, +) <= decoders,
                    used.map(\.opticalFlow).reduce(offer.engines.opticalFlow, +) <= opticalFlow
                else { continue }
                for span in offer.placements.value ?? [] {
                    let isFree = layout.allSatisfy { $0[1] + $0[2] <= span.start || span.start + span.size <= $0[1] }
                    if isFree { open.append(layout.union([[profile, span.start, span.size]])) }
                }
            }
        }
        return counts
    }

    /// All lists of at most `most` instances.
    static func lists(_ kinds: Int, atMost most: Int) -> [[Int]] {
        guard kinds > 0 else { return [[]] }
        return (0...most).flatMap { first in lists(kinds - 1, atMost: most - first).map { [first] + $0 } }
    }

    static func target(_ counts: [Int], _ offers: [MIGOffer]) -> MIGTarget {
        let devices = zip(offers, counts).compactMap { offer, count in
            MIGProfileName(offer.name).flatMap { count > 0 ? MIGDeviceCount($0, count) : nil }
        }
        return MIGTarget(isEnabled: true, devices: devices)
    }

    @Test(arguments: models) func everyListOfProfiles(_ model: Model) throws {
        let fitting = Self.fitting(model.offers)
        let lists = Self.lists(model.offers.count, atMost: model.most)
        #expect(fitting.isSubset(of: lists), "the lists must cover all that fits")
        var placed = 0
        for counts in lists where counts.contains(where: { $0 > 0 }) {
            let target = Self.target(counts, model.offers)
            let plan = MIGPlanner.plan(GPUModels.gpu(model.offers), target)
            guard case .change(let steps) = plan.outcome else {
                guard !fitting.contains(counts), case .impossible = plan.outcome else {
                    Issue.record("\(target.text): \(plan.outcome)")
                    return
                }
                continue
            }
            placed += 1
            var gpu = SimulatedMIG(model.offers)
            for step in steps { try gpu.run(step) }
            let made = MIGLayoutText.names(gpu.instances, model.offers)
            let wanted = target.devices.flatMap { Array(repeating: "\($0.profile)", count: $0.count) }.sorted()
            guard fitting.contains(counts), made == wanted else {
                Issue.record("\(target.text): made \(made)")
                return
            }
        }
        #expect(placed == fitting.count - 1, "every list that fits but the empty one")
    }

    /// A GPU whose MIG mode is off is judged by the table, with the same result.
    @Test(arguments: models) func theTableSaysTheSame(_ model: Model) {
        let fitting = Self.fitting(model.offers)
        for counts in Self.lists(model.offers.count, atMost: min(model.most, 5)) {
            let off = GPUModels.gpu(model.offers, mode: MIGMode(current: false, pending: false))
            let plan = MIGPlanner.plan(off, Self.target(counts, model.offers))
            let isPossible = plan.outcome == .turnOn([.setMode(true)])
            guard isPossible == fitting.contains(counts) else {
                Issue.record("\(plan.target.text): \(plan.outcome)")
                return
            }
        }
    }

    /// From every full layout to every other one: the steps work on the driver, and the most instances stay.
    @Test(arguments: models) func theMostInstancesStay(_ model: Model) throws {
        let fitting = Self.fitting(model.offers).sorted { $0.lexicographicallyPrecedes($1) }
        var generator = SeededGenerator(seed: 2026)
        for _ in 0..<400 {
            guard let old = fitting.randomElement(using: &generator), let new = fitting.randomElement(using: &generator)
            else { return }
            var gpu = SimulatedMIG(model.offers)
            for step in MIGPlanner.plan(GPUModels.gpu(model.offers), Self.target(old, model.offers)).steps {
                try gpu.run(step)
            }
            let before = gpu.instances
            let plan = MIGPlanner.plan(
                GPUModels.gpu(model.offers, instances: before),
                Self.target(new, model.offers)
            )
            for step in plan.steps { try gpu.run(step) }
            let wanted = Self.target(new, model.offers).devices
                .flatMap { Array(repeating: "\($0.profile)", count: $0.count) }.sorted()
            #expect(MIGLayoutText.names(gpu.instances, model.offers) == wanted, "\(old) to \(new)")
            let stayed = Set(gpu.instances.map(\.id)).intersection(before.map(\.id)).count
            #expect(stayed == Self.most(before, new, model.offers), "\(old) to \(new)")
        }
    }

    /// How many instances can stay: the largest set that is part of a full layout with the wanted list.
    private static func most(_ before: [MIGGPUInstance], _ new: [Int], _ offers: [MIGOffer]) -> Int {
        var best = -1
        func extend(_ spans: [(Int, MIGSpan)], from profile: Int, _ left: [Int]) {
            guard let next = (profile..<offers.count).first(where: { left[$0] > 0 }) else {
                let stay = before.count { old in
                    spans.contains { offers[$0.0].id == old.profileID && $0.1 == old.placement }
                }
                best = max(best, stay)
                return
            }
            for span in offers[next].placements.value ?? [] where spans.allSatisfy({ !$0.1.overlaps(span) }) {
                if let last = spans.last, last.0 == next, last.1.start >= span.start { continue }
                var rest = left
                rest[next] -= 1
                extend(spans + [(next, span)], from: next, rest)
            }
        }
        extend([], from: 0, new)
        return best
    }
}
