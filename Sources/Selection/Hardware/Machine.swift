import Catalog
import NodeModel

/// The platform of the node, as its firmware and its processor show it.
enum Machine: Sendable, Equatable {
    /// A cloud or a hypervisor of the catalog; `by` is the additional rule that identified it.
    case platform(String, by: FirmwareRule?)
    /// A machine without a hypervisor.
    case bareMetal
    /// Neither a known platform nor certainly bare metal.
    case unknown

    init(_ host: HostFacts, in catalog: Catalog) {
        if let platform = catalog.platforms.first(where: { $0.matches(host) }) {
            self = .platform(platform.name, by: platform.also.first { $0.matches(host) })
        } else {
            // Firmware that the agent could not read may name a platform.
            self = host.hypervisor.value == false && host.dmi.whyUnknown == nil ? .bareMetal : .unknown
        }
    }

    /// The name of the platform in a decision.
    var name: String? {
        switch self {
        case .platform(let name, _): name
        case .bareMetal: "bare-metal"
        case .unknown: nil
        }
    }

    /// The evidence for this platform.
    func evidence(_ host: HostFacts) -> Evidence {
        let conclusion =
            switch self {
            case .platform(let name, _): "The platform is \(name)."
            case .bareMetal: "The processor reports no hypervisor, so the platform is bare metal."
            case .unknown: "The platform is not known."
            }
        return Evidence(.platform, "dmi", "\(vendor(host.dmi))\(rest(of: host)). \(conclusion)")
    }

    /// What else identifies the platform, where the vendor of the system does not.
    private func rest(of host: HostFacts) -> String {
        guard case .platform(_, let rule?) = self else { return "" }
        let fields = FirmwareRule.Field.allCases.filter { $0 != .systemVendor && rule.patterns[$0] != nil }
        return fields.compactMap { field in field.text(of: host).map { ", and the \(field.name) is \($0)" } }.joined()
    }

    private func vendor(_ dmi: Reading<DMIFacts>) -> String {
        switch dmi {
        case .present(let dmi):
            // Some names end with the period of the sentence: VMware, Inc.
            dmi.systemVendor.map { "The system vendor is \($0.hasSuffix(".") ? String($0.dropLast()) : $0)" }
                ?? "The firmware names no system vendor"
        case .absent, .absentBecause: "The firmware names no system vendor"
        case .unreadable(let failure): "The agent could not read the system vendor: \(failure.detail)"
        case .skipped(let why): "The agent did not read the system vendor: \(why)"
        }
    }
}
