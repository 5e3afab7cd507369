package import NodeModel

/// Strings of the firmware, the hypervisor and the kernel that together identify a platform.
///
/// A string may begin or end with `*`, which matches any text. The comparison ignores case.
package struct FirmwareRule: Sendable, Hashable {
    /// A string that the firmware, the hypervisor or the kernel reports about the machine.
    package enum Field: String, Sendable, CaseIterable {
        case systemVendor, productName, productVersion, biosVersion, productUUID, chassisAssetTag, hypervisorVersion
        case kernelRelease

        /// The name of the string in a sentence.
        package var name: String {
            switch self {
            case .systemVendor: "system vendor"
            case .productName: "product name"
            case .productVersion: "product version"
            case .biosVersion: "BIOS version"
            case .productUUID: "product UUID"
            case .chassisAssetTag: "chassis asset tag"
            case .hypervisorVersion: "hypervisor version"
            case .kernelRelease: "kernel release"
            }
        }

        /// What the host reports; nil when it reports nothing, or when its firmware is not known.
        package func text(of host: HostFacts) -> String? {
            let dmi = host.dmi.value
            return switch self {
            case .systemVendor: dmi?.systemVendor
            case .productName: dmi?.productName
            case .productVersion: dmi?.productVersion
            case .biosVersion: dmi?.biosVersion
            case .productUUID: dmi?.productUUID
            case .chassisAssetTag: dmi?.chassisAssetTag
            case .hypervisorVersion: dmi?.hypervisorVersion
            case .kernelRelease: host.kernelRelease.value
            }
        }
    }

    /// The pattern of each field that counts.
    package var patterns: [Field: String]

    package init(_ patterns: [Field: String]) {
        self.patterns = patterns
    }

    /// Whether every pattern matches; false when the rule has no pattern.
    package func matches(_ host: HostFacts) -> Bool {
        !patterns.isEmpty
            && patterns.allSatisfy { field, pattern in
                field.text(of: host).map { Self.matches($0.lowercased(), pattern.lowercased()) } ?? false
            }
    }

    /// The rule for people: `systemVendor Xen, productVersion *.amazon`.
    package var text: String {
        Field.allCases.compactMap { field in patterns[field].map { "\(field.rawValue) \($0)" } }.joined(separator: ", ")
    }

    private static func matches(_ text: String, _ pattern: String) -> Bool {
        switch (pattern.hasPrefix("*"), pattern.hasSuffix("*")) {
        case (true, true): pattern.count < 3 || text.contains(pattern.dropFirst().dropLast())
        case (true, false): text.hasSuffix(pattern.dropFirst())
        case (false, true): text.hasPrefix(pattern.dropLast())
        case (false, false): text == pattern
        }
    }
}
