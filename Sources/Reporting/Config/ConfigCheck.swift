package import Catalog
import NodeModel

/// What is unusual about a configuration that has no problems.
package struct ConfigCheck: Encodable, Sendable, Equatable {
    package var apiVersion = NodeFacts.currentAPIVersion
    package var kind = "ConfigCheck"
    /// The names of the pools, in the order of the file.
    package var pools: [String]
    /// Sentences about what the operator may not have intended.
    package var notes: [String]

    /// - Parameters:
    ///   - config: The configuration.
    ///   - warnings: What the agent warns about when it starts.
    package init(_ config: Config, warnings: [String] = []) {
        pools = config.pools.map(\.name)
        notes = warnings + Self.overlaps(config.pools)
    }

    /// The pairs of pools that can match the same Node, each with the labels of such a Node.
    private static func overlaps(_ pools: [ConfigPool]) -> [String] {
        pools.indices.flatMap { first in
            pools[(first + 1)...].compactMap { second in
                guard let labels = pools[first].selector.commonLabels(with: second.selector) else { return nil }
                let list = labels.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: ",")
                let names = [pools[first], second].map { "'\($0.name)' (\($0.place))" }.joined(separator: " and ")
                let common = list.isEmpty ? "none of their labels" : "the labels \(list)"
                return "The pools \(names) both match a Node with \(common). The agent changes nothing on such a node."
            }
        }
    }

    package func text(_ style: Style) -> String {
        let count = pools.count == 1 ? "1 pool" : "\(pools.count) pools"
        return notes.map { "\(style.yellow("!")) \($0)\n" }.joined()
            + "\(style.green("√")) the configuration can be used: \(pools.isEmpty ? "no pools" : count)\n"
    }
}
