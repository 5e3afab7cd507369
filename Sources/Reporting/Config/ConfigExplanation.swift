package import Catalog
package import Documents
package import NodeModel
import Support

/// The settings that apply to a node, where each comes from, and why the other pools do not match.
package struct ConfigExplanation: Encodable, Sendable, Equatable {
    package var apiVersion = NodeFacts.currentAPIVersion
    package var kind = "ConfigExplanation"
    /// The configuration file; nil when there is none.
    package var file: String?
    /// Where the labels of the Node come from, such as `--labels`; nil when they are not known or do not matter.
    package var labelsFrom: String?
    package var pools: [Pool]
    /// The name of the pool that applies; nil when the settings of the top level apply, or nobody can tell.
    package var pool: String?
    /// Why nobody can tell which settings apply; nil when it is known.
    package var problem: Problem?
    /// The settings, sorted by key; empty when nobody can tell which apply.
    package var settings: [Setting]

    /// Why nobody can tell which settings apply.
    package struct Problem: Encodable, Sendable, Equatable {
        package var code: ReasonCode
        package var observed: String
        package var remedy: String
    }

    /// A pool, and whether it matches the node.
    package struct Pool: Encodable, Sendable, Equatable {
        package var name: String
        /// The place of its name: `FILE:LINE`.
        package var place: String
        /// Nil when the labels of the Node are not known.
        package var matches: Bool?
        /// The requirements of the selector that the labels do not meet.
        package var objections: [String]
    }

    /// One setting.
    package struct Setting: Encodable, Sendable, Equatable {
        /// Where a value comes from.
        package enum Source: String, Encodable, Sendable {
            case `default`, topLevel, pool
        }

        package var key: String
        package var value: String
        package var source: Source
        /// `FILE:LINE`; nil for a default.
        package var place: String?
    }

    /// - Parameters:
    ///   - document: The configuration file, which has no problems; nil when there is none.
    ///   - config: The same file, as it was read.
    ///   - labels: The labels of the Node.
    ///   - source: Where the labels come from, such as `--labels`.
    package init(
        _ document: DocumentNode?,
        _ config: Config,
        labels: Reading<[String: String]>,
        from source: String
    ) {
        let choice = config.choice(labels)
        file = document?.place.file
        labelsFrom = config.pools.isEmpty || labels.value == nil ? nil : source
        pool = choice.name
        pools = config.pools.map { pool in
            Pool(
                name: pool.name,
                place: pool.place.inFile,
                matches: labels.value.map(pool.selector.matches),
                objections: labels.value.map(pool.selector.objections) ?? []
            )
        }
        problem = choice.problem.map { Problem(code: $0.code, observed: $0.observed, remedy: $0.remedy.text) }
        settings = problem == nil ? ConfigSetting.all(document, pool: choice.name).map(Setting.init) : []
    }
}

extension ConfigExplanation.Setting {
    fileprivate init(_ setting: ConfigSetting) {
        key = setting.key
        // The URL of a proxy can have a password.
        value = redacted(setting.value)
        switch setting.origin {
        case .unset: (source, place) = (.default, nil)
        case .topLevel(let found): (source, place) = (.topLevel, found.inFile)
        case .pool(_, let found): (source, place) = (.pool, found.inFile)
        }
    }
}

extension DocumentPlace {
    fileprivate var inFile: String { "\(file):\(line)" }
}

extension ConfigExplanation {
    /// The explanation for people: the pools, and one line for each setting.
    package func text(_ style: Style) -> String {
        ([headline(style)] + poolLines(style) + settingLines(style)).map { "\($0)\n" }.joined()
    }

    private func headline(_ style: Style) -> String {
        if let problem {
            return "\(style.red("×")) \(style.bold(problem.code.rawValue)): \(problem.observed)\n  → \(problem.remedy)"
        }
        let from = labelsFrom.map { " (labels: \($0))" } ?? ""
        if let pool { return "The settings of the pool \(style.bold(pool)) apply\(from)." }
        return pools.isEmpty
            ? "The configuration has no pools: the same settings apply to all nodes."
            : "No pool matches, so the settings of the top level apply\(from)."
    }

    private func poolLines(_ style: Style) -> [String] {
        guard !pools.isEmpty else { return [] }
        let width = pools.map(\.name.count).max() ?? 0
        return ["", style.bold("pools")]
            + pools.map { pool in
                let result =
                    switch pool.matches {
                    case true?: "matches"
                    case false?: "does not match: \(pool.objections.joined(separator: "; "))"
                    case nil: "not known"
                    }
                return "  \(padded(pool.name, width))  \(style.faint(pool.place))  \(result)"
            }
    }

    private func settingLines(_ style: Style) -> [String] {
        guard !settings.isEmpty else { return [] }
        let width = settings.map(\.key.count).max() ?? 0
        let valueWidth = min(settings.map(\.value.count).max() ?? 0, 40)
        return ["", style.bold("settings")]
            + settings.map { setting in
                let source =
                    switch setting.source {
                    case .default: "default"
                    case .topLevel: "top level, \(setting.place ?? "")"
                    case .pool: "pool \(pool ?? ""), \(setting.place ?? "")"
                    }
                return "  \(padded(setting.key, width))  \(padded(setting.value, valueWidth))  \(style.faint(source))"
            }
    }
}
