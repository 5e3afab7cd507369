package import NodeModel
import Support

/// What has to happen on a GPU for it to have a layout.
package struct MIGGPUPlan: Sendable, Equatable {
    package enum Outcome: Sendable, Equatable {
        /// The GPU has the layout.
        case matches
        /// These steps make the layout.
        case change([MIGStep])
        /// MIG mode has to be turned on first, and only then NVML names the places of the instances.
        case turnOn([MIGStep])
        /// MIG mode changes with the next reset or reboot, and then the layout follows.
        case reset
        /// The GPU cannot have the layout.
        case impossible(String)
        /// Processes use the GPU.
        case inUse([DeviceUser])
        /// The agent may not or cannot change the GPU, or does not know enough.
        case refused(String)
    }

    package var gpu: MIGGPU
    package var target: MIGTarget
    package internal(set) var outcome: Outcome
    /// The GPU instances that stay.
    package var kept: [Int]

    init(_ gpu: MIGGPU, _ target: MIGTarget, _ outcome: Outcome, kept: [Int] = []) {
        (self.gpu, self.target, self.outcome, self.kept) = (gpu, target, outcome, kept)
    }

    package var steps: [MIGStep] {
        switch outcome {
        case .change(let steps), .turnOn(let steps): steps
        case .matches, .reset, .impossible, .inUse, .refused: []
        }
    }
}

/// Plans the change of the layout of a GPU.
package enum MIGPlanner {
    /// - Returns: The steps from the layout that the GPU has to the one that it should have, or why there are none.
    package static func plan(_ gpu: MIGGPU, _ target: MIGTarget) -> MIGGPUPlan {
        func outcome(_ outcome: MIGGPUPlan.Outcome) -> MIGGPUPlan { MIGGPUPlan(gpu, target, outcome) }
        guard let mode = gpu.mode.value else {
            if gpu.mode.isAbsent { return outcome(.impossible("the GPU has no MIG")) }
            return outcome(.refused("its MIG mode is not known: \(gpu.mode.whyUnknown ?? "not read")"))
        }
        guard target.isEnabled else { return turnOff(gpu, target, mode) }
        guard mode.current else {
            if let why = impossible(gpu, target) { return outcome(.impossible(why)) }
            return outcome(mode.pending ? .reset : .turnOn([.setMode(true)]))
        }
        guard let offers = gpu.offers.value else {
            return outcome(.refused("its MIG profiles are not known: \(gpu.offers.why)"))
        }
        guard let instances = gpu.instances.value else {
            return outcome(.refused("its GPU instances are not known: \(gpu.instances.why)"))
        }
        let needed: [NeededInstance]
        switch self.needed(target, offers) {
        case .failure(let problem): return outcome(.impossible(problem.description))
        case .success(let list): needed = list
        }
        // A change to off that waits for a reset is taken back first.
        let first: [MIGStep] = mode.pending ? [] : [.setMode(true)]
        if MIGLayoutText.names(instances, offers) == target.names {
            return outcome(first.isEmpty ? .matches : .change(first))
        }
        switch MIGArrangement.find(needed, beside: instances) {
        case .impossible: return outcome(.impossible(tooMuch(needed)))
        case .undecided: return outcome(.refused("NVML reports more places for instances than can be tried"))
        case .found(let layout):
            let steps = first + layout.steps(instances, offers)
            return MIGGPUPlan(gpu, target, .change(steps), kept: layout.keptIDs)
        }
    }

    private static func turnOff(_ gpu: MIGGPU, _ target: MIGTarget, _ mode: MIGMode) -> MIGGPUPlan {
        if !mode.current {
            return MIGGPUPlan(gpu, target, mode.pending ? .change([.setMode(false)]) : .matches)
        }
        guard mode.pending else { return MIGGPUPlan(gpu, target, .reset) }
        guard let instances = gpu.instances.value else {
            return MIGGPUPlan(gpu, target, .refused("its GPU instances are not known: \(gpu.instances.why)"))
        }
        let offers = gpu.offers.value ?? []
        let steps = instances.flatMap { MIGArrangement.removal($0, offers) }
        return MIGGPUPlan(gpu, target, .change(steps + [.setMode(false)]))
    }

    /// Why a GPU whose MIG mode is off cannot have a layout; nil when it can, or when that is not known yet.
    private static func impossible(_ gpu: MIGGPU, _ target: MIGTarget) -> String? {
        guard let offers = gpu.offers.value.map(MIGPlacementTable.completed) else { return nil }
        switch needed(target, offers) {
        case .failure(let problem): return problem.description
        case .success(let needed):
            guard needed.allSatisfy({ $0.offer.placements.value != nil }) else { return nil }
            guard case .impossible = MIGArrangement.find(needed, beside: []) else { return nil }
            return tooMuch(needed)
        }
    }

    /// The GPU instances that a layout needs, the largest first.
    ///
    /// Devices with fewer compute slices than their GPU instance share as few GPU instances as possible.
    static func needed(_ target: MIGTarget, _ offers: [MIGOffer]) -> Result<[NeededInstance], MessageError> {
        var needed: [NeededInstance] = []
        var names: [String] = []
        for device in target.devices where !names.contains(device.profile.gpuInstance) {
            let name = device.profile.gpuInstance
            names.append(name)
            guard let offer = offers.first(where: { $0.name == name }) else {
                let known = offers.map(\.name).joined(separator: ", ")
                return .failure(
                    MessageError("the GPU has no profile \(name); it has \(known.isEmpty ? "none" : known)")
                )
            }
            let compute = target.devices.filter { $0.profile.gpuInstance == name }
                .flatMap { Array(repeating: $0.profile.computeSlices, count: $0.count) }.sorted(by: >)
            var bins: [[Int]] = []
            for slices in compute {
                if let bin = bins.firstIndex(where: { $0.reduce(0, +) + slices <= offer.slices }) {
                    bins[bin].append(slices)
                } else {
                    bins.append([slices])
                }
            }
            guard bins.count <= offer.instances else {
                let most = "at most \(offer.instances) GPU instance\(offer.instances == 1 ? "" : "s") \(name)"
                return .failure(MessageError("the layout needs \(bins.count), but the GPU has room for \(most)"))
            }
            needed += bins.map { NeededInstance(offer: offer, compute: $0) }
        }
        let lacking = needed.reduce(MIGEngines()) { $0 + $1.offer.engines }.lacking(of: offers.engines)
        guard lacking.isEmpty else {
            return .failure(MessageError("the layout needs \(lacking.joined(separator: ", "))"))
        }
        return .success(needed.sorted { ($1.offer.slices, $0.offer.id) < ($0.offer.slices, $1.offer.id) })
    }

    /// Why the instances do not fit, and how many of them do.
    private static func tooMuch(_ needed: [NeededInstance]) -> String {
        var fitting: [NeededInstance] = []
        for instance in needed {
            var search = MIGPlacementSearch()
            guard search.places((fitting + [instance]).map(\.offer), taken: 0) != nil else { continue }
            fitting.append(instance)
        }
        var left = needed.map(\.offer.name)
        for instance in fitting {
            if let index = left.firstIndex(of: instance.offer.name) { left.remove(at: index) }
        }
        return "the GPU instances do not fit together: \(counted(needed.map(\.offer.name))). With "
            + "\(counted(fitting.map(\.offer.name))), there is no place for \(counted(left))"
    }
}

/// A list of names with the number of each: `2 × 3g.40gb, 1g.10gb`.
func counted(_ names: [String]) -> String {
    var counts: [(name: String, count: Int)] = []
    for name in names {
        if let index = counts.firstIndex(where: { $0.name == name }) {
            counts[index].count += 1
        } else {
            counts.append((name, 1))
        }
    }
    return counts.map { $0.count == 1 ? $0.name : "\($0.count) × \($0.name)" }.joined(separator: ", ")
}

extension MIGTarget {
    /// The names of all devices, sorted.
    var names: [String] {
        devices.flatMap { Array(repeating: "\($0.profile)", count: $0.count) }.sorted()
    }
}

extension Reading {
    /// Why there is no value, for people.
    var why: String {
        if case .absentBecause(let why) = self { return why }
        return whyUnknown ?? "NVML does not report them"
    }
}
