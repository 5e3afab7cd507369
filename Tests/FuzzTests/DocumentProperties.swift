import Catalog
import Documents
import MIG
import NodeModel
import Selection
import Support
import TestSupport

extension Properties {
    mutating func checkDocument(_ bytes: [UInt8]) {
        let lines = LineLengths(bytes)
        let root: DocumentNode
        do throws(DocumentProblems) { root = try YAMLDocument.parse(bytes, file: "f") } catch {
            checkProblems(error.problems, lines)
            return
        }
        checkTree(root, lines)
        checkPrinting(root)
        switch CatalogDocument.read(root) {
        case .success(let read): checkCatalog(read, lines)
        case .failure(let found): checkProblems(found.problems, lines)
        }
        switch Config.read(root) {
        case .success(let config): checkConfig(config)
        case .failure(let found): checkProblems(found.problems, lines)
        }
        switch MIGConfigFile.read(root) {
        case .success(let file): checkMIGConfig(file)
        case .failure(let found): checkProblems(found.problems, lines)
        }
    }

    private mutating func checkMIGConfig(_ file: MIGConfigFile) {
        for entry in file.layouts.flatMap(\.entries) {
            expect(entry.isEnabled || entry.migDevices.isEmpty, "MIG devices without MIG mode at \(entry.place)")
            for device in entry.migDevices {
                expect((1...64).contains(device.count), "\(device.count) devices \(device.profile)")
                expect(MIGProfileName("\(device.profile)") == device.profile, "\(device.profile) reads as another")
            }
        }
    }

    private mutating func checkProblems(_ problems: [DocumentProblem], _ lines: LineLengths) {
        expect(!problems.isEmpty, "what is refused has a problem")
        for problem in problems {
            expect(!problem.message.isEmpty, "a problem says what it is")
            expect(lines.contain(problem.place), "outside the document: \(problem)")
        }
    }

    private mutating func checkTree(_ node: DocumentNode, _ lines: LineLengths) {
        expect(lines.contain(node.place), "a value outside the document, at \(node.place)")
        let children: [DocumentNode] =
            switch node.content {
            case .scalar: []
            case .sequence(let items): items
            case .mapping(let entries): entries.flatMap { [$0.key, $0.value] }
            }
        var last = node.place
        for child in children {
            let follows = (last.line, last.column) <= (child.place.line, child.place.column)
            expect(follows, "\(child.place) comes before \(last)")
            last = child.place
            checkTree(child, lines)
        }
    }

    /// Checks that `-o yaml` writes a document that reads back as the same values.
    private mutating func checkPrinting(_ root: DocumentNode) {
        guard let value = JSONValue(texts: root) else { return }
        let printed = YAMLText.render(value)
        guard printed.utf8.count <= YAMLDocument.sizeLimit else { return }
        do throws(DocumentProblems) {
            let again = JSONValue(texts: try YAMLDocument.parse(printed, file: "f"))
            expect(again == value, "written and read again it is something else: \(printed)")
        } catch {
            expect(false, "written, it cannot be read again: \(error): \(printed)")
        }
    }

    private mutating func checkConfig(_ config: Config) {
        if let version = config.policy.version, let branch = config.policy.branch {
            expect(version.branch == branch, "a version and another branch")
        }
        for node in [NodeFacts.h100, .rtxProVGPU] {
            let decision = Selection(catalog: SmallCatalog.catalog, policy: config.policy).decide(node)
            checkDecision(decision, SmallCatalog.catalog)
        }
    }

    private mutating func checkCatalog(_ read: CatalogDocument, _ lines: LineLengths) {
        let catalog = read.catalog
        expect(catalog.merged(with: catalog) == catalog, "merged with itself it is another catalog")
        let entries =
            catalog.gpus.count + catalog.vgpuTypes.count + catalog.platforms.count + catalog.drivers.count
            + catalog.xids.count + catalog.sxids.count
        expect(read.places.count == entries, "every entry has one place")
        for place in read.places.values { expect(lines.contain(place), "an entry outside the document: \(place)") }
        for review in [CatalogReview([read]), CatalogReview([read, read])] {
            expect(review.catalog == catalog, "laid over itself it is another catalog")
            for note in review.notes { expect(lines.contain(note.place), "a note outside the document: \(note)") }
        }
        for driver in catalog.drivers { checkArtifact(driver.artifact) }
        for node in [NodeFacts.noGPU, .h100, .rtxProVGPU, .h100Ready] {
            checkDecision(Selection(catalog: catalog, policy: Policy()).decide(node), catalog)
        }
    }

    private mutating func checkArtifact(_ artifact: Artifact) {
        for url in artifact.urls {
            expect(url.utf8.allSatisfy { (0x21...0x7e).contains($0) }, "a URL is printable: \(url)")
            let name = Artifact(urls: [url], digest: nil).fileName
            let safe = name.utf8.allSatisfy { isASCIILetterOrDigit($0) || "._-+".utf8.contains($0) }
            expect(!name.isEmpty && safe && !name.hasPrefix("."), "'\(name)' of \(url) is no safe name of a file")
        }
        if let digest = artifact.digest {
            expect(digest.hex.utf8.count == digest.algorithm.hexLength, "a checksum is whole: \(digest)")
        }
    }

    private func isASCIILetterOrDigit(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
        case UInt8(ascii: "a")...UInt8(ascii: "z"): true
        default: false
        }
    }
}

/// The number of characters in each line.
///
/// It does not use the code that computes places for messages.
private struct LineLengths {
    private var lengths = [0]

    /// Splits the text into lines by the rules of YAML 1.1.
    init(_ bytes: [UInt8]) {
        var previous: Unicode.Scalar = " "
        for scalar in String(decoding: bytes, as: UTF8.self).unicodeScalars {
            if ["\n", "\r", "\u{85}", "\u{2028}", "\u{2029}"].contains(scalar) {
                if previous != "\r" || scalar != "\n" { lengths.append(0) }
            } else {
                lengths[lengths.count - 1] += 1
            }
            previous = scalar
        }
    }

    /// Whether the text has this place.
    ///
    /// The end of a line is a place.
    func contain(_ place: DocumentPlace) -> Bool {
        guard place.file == "f", (1...lengths.count).contains(place.line) else { return false }
        return (1...(lengths[place.line - 1] + 1)).contains(place.column)
    }
}

extension JSONValue {
    /// The tree with its scalars as text; nil when a key is not a scalar or is a duplicate, which JSON cannot express.
    fileprivate init?(texts node: DocumentNode) {
        switch node.content {
        case .scalar(let text, _):
            self = .string(text)
        case .sequence(let items):
            let values = items.compactMap(JSONValue.init(texts:))
            guard values.count == items.count else { return nil }
            self = .array(values)
        case .mapping(let entries):
            var members: [String: JSONValue] = [:]
            for entry in entries {
                guard case .scalar(let key, _) = entry.key.content else { return nil }
                members[key] = JSONValue(texts: entry.value)
            }
            guard members.count == entries.count else { return nil }
            self = .object(members)
        }
    }
}
