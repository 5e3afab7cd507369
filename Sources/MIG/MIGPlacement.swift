import NodeModel

/// A GPU instance that a layout needs.
struct NeededInstance: Sendable, Equatable {
    var offer: MIGOffer
    /// The compute slices of each compute instance in it, the largest first.
    var compute: [Int]
}

/// The search for places of GPU instances.
///
/// A place is a run of memory slices, and two instances never share one. NVML names the allowed places of each profile.
struct MIGPlacementSearch {
    /// How many places the search tries before it stops.
    ///
    /// A GPU has at most 8 instances, so real searches need far fewer.
    static let limit = 200_000
    /// The largest number of a slice that the search accepts, because a set of slices is one word.
    static let slices = 64

    private var tried = 0
    /// Whether the search stopped before it had tried everything.
    private(set) var isExhausted = false

    /// Finds a place for each instance beside the slices that are taken.
    ///
    /// - Parameters:
    ///   - needed: The instances. Those of the same profile must follow each other.
    ///   - taken: The slices in use, one bit each.
    /// - Returns: The places in the order of `needed`; nil when they do not fit together, or when `isExhausted`.
    mutating func places(_ needed: [MIGOffer], taken: UInt64) -> [MIGSpan]? {
        var chosen: [MIGSpan] = []
        return search(needed[...], taken, &chosen, after: nil) ? chosen : nil
    }

    private mutating func search(
        _ rest: ArraySlice<MIGOffer>,
        _ taken: UInt64,
        _ chosen: inout [MIGSpan],
        after last: MIGOffer?
    ) -> Bool {
        guard let offer = rest.first else { return true }
        // Instances of one profile are alike, so only one order of their places is tried.
        let start = offer.id == last?.id ? chosen.last.map { $0.start + 1 } : nil
        for span in offer.placements.value ?? [] where span.start >= start ?? 0 {
            guard let bits = span.bits, bits & taken == 0 else { continue }
            tried += 1
            guard tried <= Self.limit else {
                isExhausted = true
                return false
            }
            chosen.append(span)
            if search(rest.dropFirst(), taken | bits, &chosen, after: offer) { return true }
            chosen.removeLast()
        }
        return false
    }
}

extension MIGSpan {
    /// The slices as bits of a word; nil when they do not fit in one.
    var bits: UInt64? {
        guard start >= 0, size > 0, start < MIGPlacementSearch.slices, size <= MIGPlacementSearch.slices - start else {
            return nil
        }
        return (size == 64 ? UInt64.max : (1 << UInt64(size)) - 1) << UInt64(start)
    }
}

extension MIGEngines {
    static func + (left: MIGEngines, right: MIGEngines) -> MIGEngines {
        MIGEngines(
            decoders: left.decoders + right.decoders,
            encoders: left.encoders + right.encoders,
            jpeg: left.jpeg + right.jpeg,
            opticalFlow: left.opticalFlow + right.opticalFlow
        )
    }

    /// The engines that a sum needs and the whole does not have, such as `6 decoders of 4`; empty when it is enough.
    func lacking(of whole: MIGEngines) -> [String] {
        [
            ("decoders", decoders, whole.decoders), ("encoders", encoders, whole.encoders),
            ("JPEG engines", jpeg, whole.jpeg), ("optical flow engines", opticalFlow, whole.opticalFlow),
        ].compactMap { $1 > $2 ? "\($1) \($0) of \($2)" : nil }
    }
}

extension [MIGOffer] {
    /// The engines of the whole GPU: no profile has more of a kind than the GPU.
    var engines: MIGEngines {
        MIGEngines(
            decoders: map(\.engines.decoders).max() ?? 0,
            encoders: map(\.engines.encoders).max() ?? 0,
            jpeg: map(\.engines.jpeg).max() ?? 0,
            opticalFlow: map(\.engines.opticalFlow).max() ?? 0
        )
    }
}
