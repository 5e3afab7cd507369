/// A property of a GPU that NVML reports and that the choice of a driver does not depend on.
///
/// The agent shows every trait in `gpu-agent facts`, and publishes a trait that has a label. A new trait needs its
/// declaration here and its call in `NVMLLibrary+Traits`; the texts, the label and its documentation follow from them.
package enum GPUTrait: String, CodingKey, CaseIterable, Sendable {
    /// Whether ECC protects the memory now.
    ///
    /// A change takes effect only after a reset of the GPU, and this is the mode until then.
    case ecc
    /// The version of the firmware on the GPU's system processor (GSP).
    ///
    /// Absent when the driver does without this processor.
    case gspFirmware
    /// Whether the driver keeps the GPU initialized while no process uses it.
    case persistenceMode

    /// What belongs to the trait.
    package var declaration: Declaration {
        switch self {
        case .ecc:
            Declaration(
                name: "ECC",
                symbol: "nvmlDeviceGetEccMode",
                label: Label("ecc", values: "`enabled` or `disabled`", absence: "no GPU has ECC")
            )
        case .gspFirmware:
            Declaration(
                name: "GSP firmware",
                symbol: "nvmlDeviceGetGspFirmwareVersion",
                label: Label("gsp-firmware", values: "`580.105.08`", absence: "no GPU runs GSP firmware")
            )
        case .persistenceMode:
            Declaration(name: "persistence mode", symbol: "nvmlDeviceGetPersistenceMode", label: nil)
        }
    }
}

extension GPUTrait {
    /// How the agent reads, shows and publishes a trait.
    package struct Declaration: Sendable {
        /// The name in texts, such as `ECC`.
        package let name: String
        /// The function of NVML that reports the trait.
        package let symbol: String
        /// Nil for a trait that the agent does not publish.
        package let label: Label?
    }

    /// The label that publishes a trait, and its description in `docs/labels.md`.
    package struct Label: Sendable {
        /// The name after the prefix, such as `ecc`.
        package let name: String
        /// The values of the label when all GPUs have the same, in Markdown.
        package let values: String
        /// When the Node does not have the label, in Markdown: a clause such as `no GPU has ECC`.
        package let absence: String

        init(_ name: String, values: String, absence: String) {
            self.name = name
            self.values = values
            self.absence = absence
        }
    }
}

extension GPUTrait {
    /// The value of a trait.
    package enum Value: Hashable, Sendable {
        case flag(Bool)
        /// A text from the driver.
        case text(String)

        /// The value of a label, which can still have characters that a label does not allow.
        package var label: String {
            switch self {
            case .flag(let isOn): isOn ? "enabled" : "disabled"
            case .text(let text): text
            }
        }

        /// The value in texts: `on`, `off` or the text.
        package var text: String {
            switch self {
            case .flag(let isOn): isOn ? "on" : "off"
            case .text(let text): text
            }
        }
    }
}

extension GPUTrait.Value: Codable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        self =
            if let flag = try? container.decode(Bool.self) { .flag(flag) } else {
                .text(try container.decode(String.self))
            }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .flag(let flag): try container.encode(flag)
        case .text(let text): try container.encode(text)
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
