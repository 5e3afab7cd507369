import Catalog
import NodeModel

/// The platform of the node, as its firmware and its processor show it.
enum Machine: Sendable, Equatable {
    /// A cloud or a hypervisor of the catalog.
    case platform(String)
    /// A machine without a hypervisor.
    case bareMetal
    /// Neither a known platform nor certainly bare metal.
    case unknown

    init(_ host: HostFacts, in catalog: Catalog) {
        if let platform = host.dmi.value.flatMap({ dmi in catalog.platforms.first { $0.matches(dmi) } }) {
            self = .platform(platform.name)
        } else {
            // Firmware that the agent could not read may name a platform.
            self = host.hypervisor.value == false && host.dmi.whyUnknown == nil ? .bareMetal : .unknown
        }
    }

    /// The name of the platform in a decision.
    var name: String? {
        switch self {
        case .platform(let name): name
        case .bareMetal: "bare-metal"
        case .unknown: nil
        }
    }

    /// The evidence for this platform.
    func evidence(_ host: HostFacts) -> Evidence {
        let conclusion =
            switch self {
            case .platform(let name): "The platform is \(name)."
            case .bareMetal: "The processor reports no hypervisor, so the platform is bare metal."
            case .unknown: "The platform is not known."
            }
        return Evidence(.platform, "dmi", "\(Self.vendor(host.dmi)) \(conclusion)")
    }

    private static func vendor(_ dmi: Reading<DMIFacts>) -> String {
        switch dmi {
        case .present(let dmi):
            dmi.systemVendor.map { "The system vendor is \($0)." } ?? "The firmware names no system vendor."
        case .absent: "The firmware names no system vendor."
        case .unreadable(let failure): "The agent could not read the system vendor: \(failure.detail)."
        case .skipped(let why): "The agent did not read the system vendor: \(why)."
        }
    }
}
