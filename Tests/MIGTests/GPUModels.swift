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

    /// A30, with four slices.
    static let a30 = [
        offer(14, "1g.6gb", 1, 4, Array(0..<4), size: 1),
        offer(21, "1g.6gb+me", 1, 1, Array(0..<4), size: 1, 1, 0, 1, 1),
        offer(5, "2g.12gb", 2, 2, [0, 2], size: 2, 2),
        offer(6, "2g.12gb+me", 2, 1, [0, 2], size: 2, 2, 0, 1, 1),
        offer(0, "4g.24gb", 4, 1, [0], size: 4, 4, 0, 1, 1),
    ]

    /// The GPUs with seven slices and the engines of the H100, by the memory of their profiles in GB: of one slice, of one
    /// slice with twice its memory, and of two, three, four and seven slices.
    ///
    /// Source: NVIDIA's MIG user guide.
    static let sevenSlices: [(name: String, gigabytes: [Int])] = [
        ("H100 NVL", [12, 24, 24, 47, 47, 94]), ("GH200 96 GB", [12, 24, 24, 48, 48, 96]),
        ("H200", [18, 35, 35, 71, 71, 141]), ("GH200 144 GB", [18, 36, 36, 72, 72, 144]),
        ("B200", [23, 45, 45, 90, 90, 180]), ("GB200", [23, 47, 47, 93, 93, 186]),
        ("B300", [34, 67, 67, 135, 135, 269]),
    ]

    /// The offers of a GPU with seven slices.
    static func sevenSlices(_ gigabytes: [Int]) -> [MIGOffer] {
        let one = "1g.\(gigabytes[0])gb"
        let names =
            [one, "\(one)+me"]
            + zip([1, 2, 3, 4, 7], gigabytes.dropFirst()).map { "\($0)g.\($1)gb" }
        return zip(h100, names).map { offer, name in
            var offer = offer
            offer.name = name
            return offer
        }
    }

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
