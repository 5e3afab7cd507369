/// A metric with its samples; a metric without samples is not printed.
package struct MetricFamily: Sendable {
    package enum Kind: String, Sendable {
        case gauge, counter
        /// Always 1: its labels are what it says.
        case info
    }

    /// The name with the suffix of its kind: `_total` for a counter, `_info` for an info.
    package let name: String
    private let help: String
    private let kind: Kind
    private var samples: [(labels: [(String, String)], value: Double)] = []

    package init(_ name: String, _ help: String, _ kind: Kind = .gauge) {
        self.name = name
        self.help = help
        self.kind = kind
    }

    /// The same family with one more sample.
    ///
    /// Two places can count the same thing, but a metric must have each sample only once, so the first one stays.
    package func sample(_ labels: [(String, String)], _ value: Double) -> MetricFamily {
        guard !samples.contains(where: { $0.labels.elementsEqual(labels, by: ==) }) else { return self }
        var copy = self
        copy.samples.append((labels, value))
        return copy
    }

    /// The same family with one more sample; without it when the value is not known.
    package func sample(_ labels: [(String, String)], _ value: Double?) -> MetricFamily {
        value.map { sample(labels, $0) } ?? self
    }

    package func text(_ format: MetricsFormat) -> String {
        guard !samples.isEmpty else { return "" }
        return header(format).map { $0 + "\n" }.joined() + samples.map { line($0.labels, $0.value) + "\n" }.joined()
    }

    private func header(_ format: MetricsFormat) -> [String] {
        switch format {
        case .text:
            // This format has no type for an info.
            let type = kind == .info ? Kind.gauge : kind
            return ["# HELP \(name) \(escaped(help, quotes: false))", "# TYPE \(name) \(type.rawValue)"]
        case .openMetrics:
            let family = familyName
            let unit = Self.units.first { family.hasSuffix("_\($0)") }
            return ["# TYPE \(family) \(kind.rawValue)"] + (unit.map { ["# UNIT \(family) \($0)"] } ?? [])
                + ["# HELP \(family) \(escaped(help, quotes: true))"]
        }
    }

    /// The name without the suffix of its kind, by which OpenMetrics knows a family.
    private var familyName: String {
        switch kind {
        case .gauge: name
        case .counter: name.hasSuffix("_total") ? String(name.dropLast(6)) : name
        case .info: name.hasSuffix("_info") ? String(name.dropLast(5)) : name
        }
    }

    /// The base units of Prometheus that the names end with.
    private static let units = ["seconds", "bytes", "celsius", "watts", "ratio"]

    private func line(_ labels: [(String, String)], _ value: Double) -> String {
        let pairs = labels.map { "\($0)=\"\(escaped($1, quotes: true))\"" }.joined(separator: ",")
        return pairs.isEmpty ? "\(name) \(number(value))" : "\(name){\(pairs)} \(number(value))"
    }

    private func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        return Int(exactly: value).map(String.init) ?? String(value)
    }

    private func escaped(_ value: String, quotes: Bool) -> String {
        // Iterates over scalars, because Swift treats a carriage return and a line feed as one character.
        value.unicodeScalars.reduce(into: "") { text, scalar in
            switch scalar {
            case "\\": text += "\\\\"
            case "\"" where quotes: text += "\\\""
            case "\n": text += "\\n"
            default: text.unicodeScalars.append(scalar)
            }
        }
    }
}
