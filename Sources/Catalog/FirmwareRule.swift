package import NodeModel

/// Strings of the firmware and of the hypervisor that together identify a platform.
///
/// A string may begin or end with `*`, which matches any text. The comparison ignores case.
package struct FirmwareRule: Sendable, Hashable {
    /// A string that the firmware or the hypervisor reports about the machine.
    package enum Field: String, Sendable, CaseIterable {
        case systemVendor, productName, productVersion, biosVersion, productUUID, chassisAssetTag, hypervisorVersion
    }

    /// The pattern of each field that counts.
    package var patterns: [Field: String]

    package init(_ patterns: [Field: String]) {
        self.patterns = patterns
    }

    /// Whether every pattern matches; false when the rule has no pattern.
    package func matches(_ dmi: DMIFacts) -> Bool {
        !patterns.isEmpty
            && patterns.allSatisfy { field, pattern in
                Self.text(field, dmi).map { Self.matches($0.lowercased(), pattern.lowercased()) } ?? false
            }
    }

    /// The rule for people: `systemVendor Xen, productVersion *.amazon`.
    package var text: String {
        Field.allCases.compactMap { field in patterns[field].map { "\(field.rawValue) \($0)" } }.joined(separator: ", ")
    }

    private static func text(_ field: Field, _ dmi: DMIFacts) -> String? {
        switch field {
        case .systemVendor: dmi.systemVendor
        case .productName: dmi.productName
        case .productVersion: dmi.productVersion
        case .biosVersion: dmi.biosVersion
        case .productUUID: dmi.productUUID
        case .chassisAssetTag: dmi.chassisAssetTag
        case .hypervisorVersion: dmi.hypervisorVersion
        }
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
