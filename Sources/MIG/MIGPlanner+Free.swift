package import NodeModel

extension MIGPlanner {
    /// The places of a profile that no instance takes; none when the GPU has all instances of the profile that it can.
    package static func free(_ offer: MIGOffer, beside instances: [MIGGPUInstance]) -> [MIGSpan] {
        guard instances.count(where: { $0.profileID == offer.id }) < offer.instances else { return [] }
        let taken = instances.compactMap(\.placement.bits).reduce(0, |)
        return (offer.placements.value ?? []).filter { span in span.bits.map { $0 & taken == 0 } ?? false }
    }

    /// Why a reading has no value, for people.
    package static func why<Value>(_ reading: Reading<Value>) -> String { reading.why }
}
