import Support

/// What the name of a vGPU type says: `NVIDIA RTX Pro 6000 Blackwell DC-4-96Q`.
///
/// The general form is brand, board, then `-slices` for a type on a MIG device, `-gigabytes`, and a letter for what it
/// is licensed for. A few types for games carry the name of a consumer card instead; they are told by their id only.
package struct VGPUName: Sendable, Equatable {
    /// The word the name begins with.
    package enum Brand: String, Sendable, CaseIterable {
        case nvidia = "NVIDIA"
        case grid = "GRID"
        case quadro = "Quadro"
        case geForce = "GeForce"
    }

    /// What a type is made and licensed for, by the letter behind its frame buffer.
    package enum Series: String, Sendable, CaseIterable {
        case workstation = "Q"
        case compute = "C"
        case desktop = "B"
        case applications = "A"
        /// No letter.
        case gaming = ""

        /// The product that a license for the type names.
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

    /// How a type shares the card with others.
    package enum Mode: String, Codable, Sendable, CaseIterable {
        /// The whole card, in turns.
        case timeSliced = "time-sliced"
        /// A GPU instance of its own.
        case migBacked = "mig-backed"
        /// A GPU instance, in turns.
        case timeSlicedMIGBacked = "time-sliced-mig-backed"
    }

    package var brand: Brand
    /// `RTX Pro 6000 Blackwell DC`, `A100DX`; of a type with a consumer card's name all behind the brand.
    package var board: String
    /// How many slices of the card its GPU instance has; nil for a type of the whole card.
    package var slices: Int?
    /// The nominal frame buffer in GB, 0 for half of one; nil where the name does not tell it.
    package var frameBufferGB: Int?
    package var series: Series
    /// The one instance of a card that has the media engines too (`ME`).
    package var hasMediaEngines: Bool
    /// The digit behind the letter that tells variants of a type apart: 4 in `T4-2B4`.
    package var variant: Int?

    /// Whether it carries the name of a consumer card, which says nothing of the type.
    package var isMasked: Bool { frameBufferGB == nil }

    /// Boards whose GPU instances can be shared in turns, with the GB of one slice.
    ///
    /// On every other board a type with slices has its GPU instance to itself.
    private static let sharedInstances = ["RTX Pro 6000 Blackwell DC": 24, "RTX 6000D": 42]

    package var mode: Mode {
        guard let slices else { return .timeSliced }
        guard let perSlice = Self.sharedInstances[board], let frameBufferGB else { return .migBacked }
        return frameBufferGB < slices * perSlice ? .timeSlicedMIGBacked : .migBacked
    }

    /// Nil when the text is no name of a vGPU type.
    ///
    /// What management software appends behind `-MIG` is ignored.
    package init?(_ text: String) {
        let words = text.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: false)
        guard words.count == 2, let brand = Brand(rawValue: String(words[0])), let first = words[1].first,
            first != " ", first != "-"
        else { return nil }
        self.brand = brand
        var rest = words[1]
        if let appended = rest.firstRange(of: "-MIG ") { rest = rest[..<appended.lowerBound] }
        guard !rest.hasPrefix("GeForce ") else {
            // `NVIDIA GeForce RTX 3060`: a consumer card's name.
            (board, series, hasMediaEngines) = (String(rest), .gaming, false)
            return
        }
        // `AC AD102 12Q` has a space where the others have a hyphen.
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

    /// The last part of a name: `96Q`, `10CME`, `2B4`, `24`.
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

/// A number in at most four ASCII digits.
private func number(_ text: Substring) -> Int? {
    (1...4).contains(text.utf8.count) && isDigits(text, radix: 10) ? Int(text) : nil
}

extension CatalogVGPUType {
    /// What its name says; nil for a name of a form that is not known.
    package var parsedName: VGPUName? { VGPUName(name) }
}
