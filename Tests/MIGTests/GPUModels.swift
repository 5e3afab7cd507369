import MIG
import NodeModel

/// GPUs as their NVML shows them: the profiles and the places of `nvidia-smi mig -lgip` and `-lgipp`.
enum GPUModels {
    private static func offer(
        _ id: Int,
        _ name: String,
        _ slices: Int,
        _ instances: Int,
        _ starts: [Int],
        size: Int,
        _ decoders: Int = 0,
        _ encoders: Int = 0,
        _ jpeg: Int = 0,
        _ opticalFlow: Int = 0
    ) -> MIGOffer {
        MIGOffer(
            id: id,
            name: name,
            slices: slices,
            instances: instances,
            engines: MIGEngines(decoders: decoders, encoders: encoders, jpeg: jpeg, opticalFlow: opticalFlow),
            placements: .present(starts.map { MIGSpan(start: $0, size: size) })
        )
    }

    /// A100-SXM4-40GB.
    static let a100 = [
        offer(19, "1g.5gb", 1, 7, Array(0..<7), size: 1),
        offer(20, "1g.5gb+me", 1, 1, Array(0..<7), size: 1, 1, 0, 1, 1),
        offer(15, "1g.10gb", 1, 4, [0, 2, 4, 6], size: 2, 1),
        offer(14, "2g.10gb", 2, 3, [0, 2, 4], size: 2, 1),
        offer(9, "3g.20gb", 3, 2, [0, 4], size: 4, 2),
        offer(5, "4g.20gb", 4, 1, [0], size: 4, 2),
        offer(0, "7g.40gb", 7, 1, [0], size: 8, 5, 0, 1, 1),
    ]

    /// H100 80GB.
    ///
    /// Each compute slice has a decoder and a JPEG engine.
    static let h100 = [
        offer(19, "1g.10gb", 1, 7, Array(0..<7), size: 1, 1, 0, 1),
        offer(20, "1g.10gb+me", 1, 1, Array(0..<7), size: 1, 1, 0, 1, 1),
        offer(15, "1g.20gb", 1, 4, [0, 2, 4, 6], size: 2, 1, 0, 1),
        offer(14, "2g.20gb", 2, 3, [0, 2, 4], size: 2, 2, 0, 2),
        offer(9, "3g.40gb", 3, 2, [0, 4], size: 4, 3, 0, 3),
        offer(5, "4g.40gb", 4, 1, [0], size: 4, 4, 0, 4),
        offer(0, "7g.80gb", 7, 1, [0], size: 8, 7, 0, 7, 1),
    ]

    /// RTX PRO 6000 Blackwell Server Edition.
    static let rtxPro6000 = [
        offer(14, "1g.24gb", 1, 4, [0, 3, 6, 9], size: 3, 1, 1, 1),
        offer(21, "1g.24gb+me", 1, 1, [0, 3, 6, 9], size: 3, 1, 1, 1, 1),
        offer(47, "1g.24gb+gfx", 1, 4, [0, 3, 6, 9], size: 3, 1, 1, 1),
        offer(65, "1g.24gb+me.all", 1, 1, [0, 3, 6, 9], size: 3, 4, 4, 4, 1),
        offer(67, "1g.24gb-me", 1, 4, [0, 3, 6, 9], size: 3),
        offer(5, "2g.48gb", 2, 2, [0, 6], size: 6, 2, 2, 2),
        offer(35, "2g.48gb+gfx", 2, 2, [0, 6], size: 6, 2, 2, 2),
        offer(64, "2g.48gb+me.all", 2, 1, [0, 6], size: 6, 4, 4, 4, 1),
        offer(66, "2g.48gb-me", 2, 2, [0, 6], size: 6),
        offer(0, "4g.96gb", 4, 1, [0], size: 12, 4, 4, 4, 1),
        offer(32, "4g.96gb+gfx", 4, 1, [0], size: 12, 4, 4, 4, 1),
    ]

    static func gpu(
        _ offers: [MIGOffer],
        index: Int = 0,
        pciID: UInt32 = 0x20B0_10DE,
        mode: MIGMode? = MIGMode(current: true, pending: true),
        instances: [MIGGPUInstance] = []
    ) -> MIGGPU {
        MIGGPU(
            index: index,
            pciAddress: PCIAddress("0000:0\(index + 1):00.0") ?? PCIAddress(domain: 0, bus: 0, device: 0, function: 0),
            uuid: "GPU-\(index)",
            name: "a GPU",
            pciID: pciID,
            mode: mode.map { .present($0) } ?? .absent,
            offers: .present(
                mode?.current == true
                    ? offers
                    : offers.map { offer in
                        var offer = offer
                        offer.placements = .absent
                        return offer
                    }
            ),
            instances: .present(instances)
        )
    }

    /// The layout of a list such as `3g.20gb: 1, 1g.5gb: 2`.
    static func target(_ devices: KeyValuePairs<String, Int>) -> MIGTarget {
        MIGTarget(
            isEnabled: true,
            devices: devices.compactMap { name, count in MIGProfileName(name).map { MIGDeviceCount($0, count) } }
        )
    }
}

/// A GPU that makes steps as the driver does: it refuses what has no place.
struct SimulatedMIG {
    var offers: [MIGOffer]
    var instances: [MIGGPUInstance] = []
    private var nextID = 1

    init(_ offers: [MIGOffer], _ instances: [MIGGPUInstance] = []) {
        (self.offers, self.instances) = (offers, instances)
        nextID = 100
    }

    struct Refused: Error { var step: MIGStep }

    mutating func run(_ step: MIGStep) throws {
        switch step.action {
        case .setMode: throw Refused(step: step)
        case .destroyComputeInstance:
            guard let at = instances.firstIndex(where: { $0.id == step.gpuInstance }),
                let compute = instances[at].computeInstances.firstIndex(where: { $0.id == step.computeInstance })
            else { throw Refused(step: step) }
            instances[at].computeInstances.remove(at: compute)
        case .destroyGPUInstance:
            guard let at = instances.firstIndex(where: { $0.id == step.gpuInstance }),
                instances[at].computeInstances.isEmpty
            else { throw Refused(step: step) }
            instances.remove(at: at)
        case .createGPUInstance:
            guard let offer = offers.first(where: { $0.id == step.profileID }), let span = step.placement,
                offer.placements.value?.contains(span) == true,
                instances.allSatisfy({ !$0.placement.overlaps(span) }),
                instances.filter({ $0.profileID == offer.id }).count < offer.instances
            else { throw Refused(step: step) }
            instances.append(MIGGPUInstance(id: nextID, profileID: offer.id, placement: span, computeInstances: []))
            nextID += 1
            try create(step, in: instances.count - 1, offer)
        case .createComputeInstance:
            guard let at = instances.firstIndex(where: { $0.id == step.gpuInstance }),
                let offer = offers.first(where: { $0.id == instances[at].profileID })
            else { throw Refused(step: step) }
            try create(step, in: at, offer)
        }
    }

    private mutating func create(_ step: MIGStep, in at: Int, _ offer: MIGOffer) throws {
        for slices in step.computeSlices ?? [] {
            let used = instances[at].computeInstances.map(\.slices).reduce(0, +)
            guard used + slices <= offer.slices else { throw Refused(step: step) }
            let id = instances[at].computeInstances.count
            instances[at].computeInstances.append(MIGComputeInstance(id: id, slices: slices))
        }
    }
}

extension MIGSpan {
    func overlaps(_ other: MIGSpan) -> Bool { start < other.start + other.size && other.start < start + size }
}
