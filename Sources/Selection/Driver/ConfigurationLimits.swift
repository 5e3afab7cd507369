import Catalog
import NodeModel

/// The lines of the configuration that limit the choice of a driver, and which of them exclude every driver.
struct ConfigurationLimits: Sendable, Equatable {
    /// The lines that exclude every driver that supports these GPUs, such as `driver.branch: 470`.
    ///
    /// Without any one of them, a driver would fit. When only all of them together exclude every driver, it has them
    /// all.
    var excluding: [String] = []
    /// Whether the lines exclude every driver only together.
    var onlyTogether = false

    init() {}

    /// Tries the choice without each line of the configuration.
    ///
    /// - Parameters:
    ///   - choice: A choice for which no driver of the catalog is good.
    ///   - catalog: The catalog.
    ///   - withoutWorkstation: The requirements of the GPUs when they do not run as virtual workstations; nil when they
    ///     do not anyway.
    ///   - isGood: Whether a driver that fits is good enough.
    init(
        _ choice: DriverChoice,
        in catalog: Catalog,
        withoutWorkstation: DriverRequirements?,
        where isGood: (CatalogDriver) -> Bool
    ) {
        let lines = Self.lines(choice.policy, withoutWorkstation)
        func helps(_ changes: [(inout DriverChoice) -> Void]) -> Bool {
            var other = choice
            for change in changes { change(&other) }
            return other.weigh(catalog).fitting.contains(where: isGood)
        }
        excluding = lines.filter { helps([$0.remove]) }.map(\.text)
        if excluding.isEmpty, lines.count > 1, helps(lines.map(\.remove)) {
            (excluding, onlyTogether) = (lines.map(\.text), true)
        }
    }

    private typealias Line = (text: String, remove: (inout DriverChoice) -> Void)

    private static func lines(_ policy: Policy, _ withoutWorkstation: DriverRequirements?) -> [Line] {
        var lines: [Line] = []
        if let version = policy.version { lines.append(("driver.version: \(version)", { $0.policy.version = nil })) }
        if let branch = policy.branch { lines.append(("driver.branch: \(branch)", { $0.policy.branch = nil })) }
        if let channel = policy.channel {
            lines.append(("driver.channel: \(channel.rawValue)", { $0.policy.channel = nil }))
        }
        if let type = policy.kernelModuleType {
            lines.append(("driver.kernelModuleType: \(type.rawValue)", { $0.policy.kernelModuleType = nil }))
        }
        if let withoutWorkstation {
            lines.append(("driver.workstation: true", { $0.requirements = withoutWorkstation }))
        }
        return lines
    }

    /// Describes what the lines do.
    ///
    /// - Parameter drivers: The excluded drivers, such as `every driver that supports these GPUs`.
    /// - Returns: A sentence that ends with a space; empty when no line is the cause.
    func statement(_ drivers: String) -> String {
        guard !excluding.isEmpty else { return "" }
        let quoted = excluding.map { "'\($0)'" }
        if excluding.count == 1 { return "\(quoted[0]) excludes \(drivers). " }
        let list = quoted.dropLast().joined(separator: ", ") + " and " + (quoted.last ?? "")
        return onlyTogether ? "\(list) together exclude \(drivers). " : "Each of \(list) excludes \(drivers). "
    }
}
