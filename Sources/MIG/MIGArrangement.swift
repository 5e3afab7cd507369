package import NodeModel

/// Where the GPU instances of a layout are: those that stay, and the new ones.
struct MIGArrangement {
    /// The instances that stay, with the compute instances that they should have.
    var kept: [(instance: MIGGPUInstance, compute: [Int])]
    var created: [(needed: NeededInstance, place: MIGSpan)]

    var keptIDs: [Int] { kept.map(\.instance.id).sorted() }

    enum Answer {
        case found(MIGArrangement)
        /// The instances do not fit on the GPU at all.
        case impossible
        /// NVML names more places than a search can try.
        case undecided
    }

    /// How many instances that could stay the search considers.
    ///
    /// A GPU has at most 8.
    private static let mostKept = 10

    /// Finds places for all instances, and keeps as many of the existing ones as possible.
    ///
    /// - Parameters:
    ///   - needed: The instances of the layout, the largest first.
    ///   - existing: The instances of the GPU.
    /// - Returns: The arrangement, or why there is none.
    static func find(_ needed: [NeededInstance], beside existing: [MIGGPUInstance]) -> Answer {
        let usable = existing.filter { instance in needed.contains { $0.offer.id == instance.profileID } }
            .prefix(mostKept)
        let subsets = (0..<(1 << usable.count)).map { set in
            usable.enumerated().filter { set & (1 << $0.offset) != 0 }.map(\.element)
        }
        // The search stops at the first that fits, so the order is that of preference.
        let ordered = subsets.map { (set: $0, unchanged: assigned($0, needed).unchanged) }
            .sorted { ($1.set.count, $1.unchanged) < ($0.set.count, $0.unchanged) }
        for (set, _) in ordered {
            let (kept, rest, isComplete, _) = assigned(set, needed)
            guard isComplete, let taken = slices(set) else { continue }
            var search = MIGPlacementSearch()
            if let places = search.places(rest.map(\.offer), taken: taken) {
                return .found(MIGArrangement(kept: kept, created: zip(rest, places).map { ($0, $1) }))
            }
            if search.isExhausted { return .undecided }
        }
        return .impossible
    }

    /// Gives each instance that stays one of the needed ones, if possible one with the same compute instances.
    private static func assigned(
        _ set: [MIGGPUInstance],
        _ needed: [NeededInstance]
    ) -> (kept: [(MIGGPUInstance, [Int])], rest: [NeededInstance], isComplete: Bool, unchanged: Int) {
        var rest = needed
        var kept: [(MIGGPUInstance, [Int])] = []
        var others: [MIGGPUInstance] = []
        for instance in set {
            let index = rest.firstIndex { $0.offer.id == instance.profileID && $0.compute == instance.compute }
            if let index {
                kept.append((instance, rest.remove(at: index).compute))
            } else {
                others.append(instance)
            }
        }
        let unchanged = kept.count
        for instance in others {
            guard let index = rest.firstIndex(where: { $0.offer.id == instance.profileID }) else {
                return (kept, rest, false, unchanged)
            }
            kept.append((instance, rest.remove(at: index).compute))
        }
        return (kept, rest, true, unchanged)
    }

    /// The slices of the instances; nil when NVML reports impossible ones.
    private static func slices(_ instances: [MIGGPUInstance]) -> UInt64? {
        var taken: UInt64 = 0
        for instance in instances {
            guard let bits = instance.placement.bits, bits & taken == 0 else { return nil }
            taken |= bits
        }
        return taken
    }

    /// The steps: everything that goes is removed first, and then the new instances are created, the largest first.
    func steps(_ existing: [MIGGPUInstance], _ offers: [MIGOffer]) -> [MIGStep] {
        var steps: [MIGStep] = []
        for instance in existing where !kept.contains(where: { $0.instance.id == instance.id }) {
            steps += Self.removal(instance, offers)
        }
        for (instance, compute) in kept where instance.compute != compute {
            steps += instance.computeInstances.map { .destroyCompute($0.id, in: instance.id) }
            steps.append(.createCompute(compute, in: instance.id))
        }
        return steps + created.map { .create($0.needed.offer, at: $0.place, compute: $0.needed.compute) }
    }

    /// The steps that remove an instance: its compute instances come first.
    static func removal(_ instance: MIGGPUInstance, _ offers: [MIGOffer]) -> [MIGStep] {
        instance.computeInstances.map { .destroyCompute($0.id, in: instance.id) }
            + [.destroy(instance, profile: offers.first { $0.id == instance.profileID }?.name)]
    }
}

extension MIGGPUInstance {
    /// The compute slices of the compute instances, the largest first.
    var compute: [Int] { computeInstances.map(\.slices).sorted(by: >) }
}

/// The names of MIG devices.
package enum MIGLayoutText {
    /// The names of the MIG devices of GPU instances, sorted.
    ///
    /// A GPU instance without a compute instance is no device. It is in the list as `1g.10gb (empty)`.
    package static func names(_ instances: [MIGGPUInstance], _ offers: [MIGOffer]) -> [String] {
        instances.flatMap { instance -> [String] in
            let offer = offers.first { $0.id == instance.profileID }
            let name = offer?.name ?? "profile \(instance.profileID)"
            if instance.computeInstances.isEmpty { return ["\(name) (empty)"] }
            return instance.computeInstances.map { $0.slices == offer?.slices ? name : "\($0.slices)c.\(name)" }
        }.sorted()
    }

    /// The layout that a GPU has, for people: `MIG mode off`, or `2 × 1g.10gb, 3g.40gb`.
    package static func text(_ gpu: MIGGPU) -> String {
        guard let mode = gpu.mode.value else { return gpu.mode.isAbsent ? "no MIG" : "MIG mode not known" }
        let change = mode.current == mode.pending ? "" : " (turns \(mode.pending ? "on" : "off") after a reset)"
        guard mode.current else { return "MIG mode off\(change)" }
        guard let instances = gpu.instances.value else { return "MIG mode on\(change), the instances are not known" }
        let list = counted(names(instances, gpu.offers.value ?? []))
        return (list.isEmpty ? "MIG mode on, no MIG device" : list) + change
    }
}
