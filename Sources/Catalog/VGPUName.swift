import Support

/// The parts of the name of a vGPU type, such as `NVIDIA RTX Pro 6000 Blackwell DC-4-96Q`.
///
/// A name consists of the brand, the board, `-` and the number of slices for a MIG-backed type, `-` and the frame
/// buffer in GB, and a letter for the series. Some gaming types have the name of a consumer card instead, which says
/// nothing about the type.
package struct VGPUName: Sendable, Equatable {
    /// The first word of the name.
    package enum Brand: String, Sendable, CaseIterable {
        case nvidia = "NVIDIA"
        case grid = "GRID"
        case quadro = "Quadro"
        case geForce = "GeForce"
    }

    /// The series of a vGPU type, which is the letter after the frame buffer.
    ///
    /// It decides which license a guest needs.
    package enum Series: String, Sendable, CaseIterable {
        case workstation = "Q"
        case compute = "C"
        case desktop = "B"
        case applications = "A"
        /// The series without a letter.
        case gaming = ""

        /// The licensed product that a guest needs.
        package var licenseProduct: String {
            switch self {
            case .workstation: "NVIDIA RTX Virtual Workstation"
            case .compute: "NVIDIA Virtual Compute Server"
            case .desktop: "NVIDIA Virtual PC"
            case .applications: "NVIDIA Virtual Applications"
            case .gaming: "NVIDIA Cloud Gaming"
            }
        }
    }

    /// How a vGPU shares the card with other vGPUs.
    package enum Mode: String, Codable, Sendable, CaseIterable {
        /// The vGPUs use the whole card in turns.
        case timeSliced = "time-sliced"
        /// The vGPU has a GPU instance of its own.
        case migBacked = "mig-backed"
        /// The vGPUs use a GPU instance in turns.
        case timeSlicedMIGBacked = "time-sliced-mig-backed"
    }

    package var brand: Brand
    /// The board, such as `RTX Pro 6000 Blackwell DC` or `A100DX`.
    ///
    /// For a type with the name of a consumer card, it is the whole name without the brand.
    package var board: String
    /// The number of slices of the GPU instance; nil for a type without a GPU instance.
    package var slices: Int?
    /// The nominal frame buffer in GB, where 0 means half a GB; nil when the name does not contain it.
    package var frameBufferGB: Int?
    package var series: Series
    /// Whether the GPU instance also has the media engines (`ME`).
    package var hasMediaEngines: Bool
    /// The digit after the letter, which distinguishes variants of a type: 4 in `T4-2B4`.
    package var variant: Int?

    /// Whether the type has the name of a consumer card, which says nothing about the type.
    package var isMasked: Bool { frameBufferGB == nil }

    /// The boards on which several vGPUs can use one GPU instance in turns, with the GB of one slice.
    ///
    /// On every other board, a MIG-backed type has a GPU instance of its own.
    private static let sharedInstances = ["RTX Pro 6000 Blackwell DC": 24, "RTX 6000D": 42]

    package var mode: Mode {
        guard let slices else { return .timeSliced }
        guard let perSlice = Self.sharedInstances[board], let frameBufferGB else { return .migBacked }
        return frameBufferGB < slices * perSlice ? .timeSlicedMIGBacked : .migBacked
    }

    /// Nil when the text is not the name of a vGPU type.
    ///
    /// A suffix such as `-MIG 1g.24gb`, which management software appends, is ignored.
    package init?(_ text: String) {
        let words = text.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: false)
        guard words.count == 2, let brand = Brand(rawValue: String(words[0])), let first = words[1].first,
            first != " ", first != "-"
        else { return nil }
        self.brand = brand
        var rest = words[1]
        if let appended = rest.firstRange(of: "-MIG ") { rest = rest[..<appended.lowerBound] }
        guard !rest.hasPrefix("GeForce ") else {
            // This is the name of a consumer card, such as `NVIDIA GeForce RTX 3060`.
            (board, series, hasMediaEngines) = (String(rest), .gaming, false)
            return
        }
        // `AC AD102 12Q` has a space where other names have a hyphen.
        let separator: Character = rest.hasPrefix("AC ") ? " " : "-"
        guard let mark = rest.lastIndex(of: separator), let tail = Tail(rest[rest.index(after: mark)...]) else {
            return nil
        }
        (frameBufferGB, series, hasMediaEngines, variant) = (tail.gigabytes, tail.series, tail.media, tail.variant)
        let front = rest[..<mark]
        guard separator == "-" || front.count > "AC ".count else { return nil }
        if separator == "-", let hyphen = front.lastIndex(of: "-"),
            let slices = number(front[front.index(after: hyphen)...])
        {
            self.slices = slices
            board = String(front[..<hyphen])
        } else {
            board = String(front)
        }
        guard !board.isEmpty else { return nil }
    }

    /// The last part of a name, such as `96Q`, `10CME`, `2B4` or `24`.
    private struct Tail {
        var gigabytes: Int
        var series: Series
        var media = false
        var variant: Int?

        init?(_ text: Substring) {
            let digits = text.prefix { $0.isASCII && $0.isNumber }
            guard let gigabytes = number(digits) else { return nil }
            self.gigabytes = gigabytes
            var rest = text[digits.endIndex...]
            series = rest.first.flatMap { Series(rawValue: String($0)) } ?? .gaming
            guard series != .gaming else {
                guard rest.isEmpty else { return nil }
                return
            }
            rest = rest.dropFirst()
            if rest.hasPrefix("ME") {
                media = true
                rest = rest.dropFirst(2)
            }
            guard rest.isEmpty || rest.count == 1 else { return nil }
            variant = number(rest)
            guard rest.isEmpty || variant != nil else { return nil }
        }
    }
}

/// The value of a text of one to four ASCII digits; otherwise nil.
private func number(_ text: Substring) -> Int? {
    (1...4).contains(text.utf8.count) && isDigits(text, radix: 10) ? Int(text) : nil
}

extension CatalogVGPUType {
    /// The parts of the name; nil for a name in an unknown form.
    package var parsedName: VGPUName? { VGPUName(name) }
}
