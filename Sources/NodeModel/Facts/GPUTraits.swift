extension GPUTrait {
    /// The value of a trait.
    package enum Value: Hashable, Sendable {
        case flag(Bool)
        /// A count, or a measured value in the unit of the trait's declaration.
        case number(Int)
        /// A text from the driver, or a name that the agent gives to one of its numbers.
        case text(String)
        /// The names of the bits that are set, in the order of the bits.
        case names([String])

        /// The value of a label, which can still have characters that a label does not allow.
        package var label: String {
            switch self {
            case .flag(let isOn): isOn ? "enabled" : "disabled"
            case .number(let number): "\(number)"
            case .text(let text): text
            case .names(let names): names.joined(separator: "_")
            }
        }

        /// The value in texts: `on`, `off`, the number, the text or the names.
        package var text: String {
            switch self {
            case .flag(let isOn): isOn ? "on" : "off"
            case .number(let number): "\(number)"
            case .text(let text): text
            case .names(let names): names.isEmpty ? "none" : names.joined(separator: ", ")
            }
        }
    }
}

extension GPUTrait.Value: Codable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        self =
            if let flag = try? container.decode(Bool.self) {
                .flag(flag)
            } else if let number = try? container.decode(Int.self) {
                .number(number)
            } else if let text = try? container.decode(String.self) {
                .text(text)
            } else {
                .names(try container.decode([String].self))
            }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .flag(let flag): try container.encode(flag)
        case .number(let number): try container.encode(number)
        case .text(let text): try container.encode(text)
        case .names(let names): try container.encode(names)
        }
    }
}

/// The traits of one GPU: a reading for each.
package struct GPUTraits: Sendable, Equatable {
    private var readings: [GPUTrait: Reading<GPUTrait.Value>]

    /// The same reading for every trait.
    package init(_ reading: Reading<GPUTrait.Value>) {
        readings = Dictionary(uniqueKeysWithValues: GPUTrait.allCases.map { ($0, reading) })
    }

    package subscript(trait: GPUTrait) -> Reading<GPUTrait.Value> {
        get { readings[trait] ?? .absent }
        set { readings[trait] = newValue }
    }

    /// The readings in the order of the traits.
    package var all: [Reading<GPUTrait.Value>] { GPUTrait.allCases.map { self[$0] } }

    /// The traits with changed readings.
    package func map(_ change: (Reading<GPUTrait.Value>) -> Reading<GPUTrait.Value>) -> GPUTraits {
        var copy = self
        copy.readings = readings.mapValues(change)
        return copy
    }
}

/// The traits stand beside the other facts of their GPU.
extension GPUTraits: Codable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: GPUTrait.self)
        readings = [:]
        for trait in GPUTrait.allCases {
            readings[trait] = try container.decode(Reading<GPUTrait.Value>.self, forKey: trait)
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: GPUTrait.self)
        for trait in GPUTrait.allCases { try container.encode(self[trait], forKey: trait) }
    }
}
