import Catalog
import NodeModel

/// What kind of machine this is, by its firmware and its processor.
enum Machine: Sendable, Equatable {
    /// A cloud or a hypervisor of the catalog.
    case platform(String)
    /// No hypervisor runs it.
    case bareMetal
    /// Neither a known cloud nor certainly bare metal.
    case unknown

    init(_ host: HostFacts, in catalog: Catalog) {
        if let platform = host.dmi.value.flatMap({ dmi in catalog.platforms.first { $0.matches(dmi) } }) {
            self = .platform(platform.name)
        } else {
            // Firmware that could not be read may name a cloud.
            self = host.hypervisor.value == false && host.dmi.whyUnknown == nil ? .bareMetal : .unknown
        }
    }

    /// The name that a decision shows.
    var name: String? {
        switch self {
        case .platform(let name): name
        case .bareMetal: "bare-metal"
        case .unknown: nil
        }
    }

    func evidence(_ host: HostFacts) -> Evidence {
        let words: String =
            switch self {
            case .platform(let name): "platform \(name)"
            case .bareMetal: "no known cloud or hypervisor, and the processor names none: bare metal"
            case .unknown: "no known cloud or hypervisor"
            }
        return Evidence(.platform, "dmi", "\(Self.maker(host.dmi)): \(words)")
    }

    private static func maker(_ dmi: Reading<DMIFacts>) -> String {
        switch dmi {
        case .present(let dmi): "machine by \(dmi.systemVendor ?? "an unnamed vendor")"
        case .absent: "the firmware names no vendor"
        case .unreadable(let failure): "not readable (\(failure.detail))"
        case .skipped(let why): "not read (\(why))"
        }
    }
}
