package import NodeModel

/// The places of GPU instances on the GPUs that are known, for a GPU whose MIG mode is off: NVML names them only when it
/// is on.
///
/// Source: `nvidia-smi mig -lgipp` on A100, A30, H100 and RTX PRO 6000, as NVIDIA's MIG user guide and users show it.
/// The table serves to refuse a layout before MIG mode is turned on. The places themselves come from NVML afterwards.
package enum MIGPlacementTable {
    /// The offers with the places that the table has; as they are when NVML told the places, or the GPU is not known.
    package static func completed(_ offers: [MIGOffer]) -> [MIGOffer] {
        guard offers.allSatisfy({ $0.placements.value == nil }), let whole = offers.map(\.slices).max(),
            let plain = offers.filter({ $0.slices == 1 }).map(\.instances).max(), plain == whole
        else { return offers }
        let starts: [Int: [MIGSpan]]
        switch whole {
        case 7:
            // Eight memory slices. The second half of the last one belongs to no instance of one slice.
            starts = [
                1: (0..<7).map { MIGSpan(start: $0, size: 1) }, 2: [0, 2, 4].map { MIGSpan(start: $0, size: 2) },
                3: [0, 4].map { MIGSpan(start: $0, size: 4) }, 4: [MIGSpan(start: 0, size: 4)],
                7: [MIGSpan(start: 0, size: 8)],
            ]
        case 4:
            starts = [
                1: (0..<4).map { MIGSpan(start: $0, size: 1) }, 2: [0, 2].map { MIGSpan(start: $0, size: 2) },
                4: [MIGSpan(start: 0, size: 4)],
            ]
        default: return offers
        }
        let smallest = offers.filter { $0.slices == 1 }.compactMap { MIGProfileName($0.name)?.memoryGB }.min() ?? 0
        return offers.map { offer in
            var offer = offer
            var places = starts[offer.slices]
            // A profile with one compute slice and twice its memory.
            if whole == 7, offer.slices == 1, let memory = MIGProfileName(offer.name)?.memoryGB, memory > smallest {
                places = [0, 2, 4, 6].map { MIGSpan(start: $0, size: 2) }
            }
            guard let places, places.count >= offer.instances else { return offer }
            offer.placements = .present(places)
            return offer
        }
    }
}
