import Catalog
import CoreSupport
import Documents
import FoundationEssentials
import MIG
import Reporting
import TestSupport
import Testing

/// The examples of the documentation are read by the agent, with a header where they are only a part of a file.
@Suite struct DocumentedExampleTests {
    private static let configHeader = "apiVersion: gpu-agent/v1\nkind: AgentConfig\n"

    /// The first keys of the examples that are for others: kubectl, Karpenter, and the list of the rules.
    private static let foreign: Set<String> = [
        "configMapGenerator", "images", "initContainers", "patches", "resources", "rule", "spec", "tolerations",
    ]

    private struct Example {
        var page: String
        var text: String

        /// The key of its first line, when that line is a key of YAML.
        var firstKey: String? {
            let line = text.drop { $0.isNewline }.prefix { !$0.isNewline }
            guard let colon = line.firstIndex(of: ":") else { return nil }
            let rest = line[line.index(after: colon)...]
            let isKey = line[..<colon].allSatisfy { $0.isASCII && $0.isLetter }
            return isKey && (rest.isEmpty || rest.hasPrefix(" ")) ? String(line[..<colon]) : nil
        }

        var isCatalog: Bool {
            text.contains("kind: DriverCatalog") || text.hasPrefix("gpus:\n  - ")
                || ["vgpuTypes", "platforms", "drivers", "xids", "sxids"].contains(firstKey)
        }

        /// Whether it is a file with MIG layouts.
        var isMIG: Bool { firstKey == "version" }

        func withHeader(_ header: String) -> String { text.contains("apiVersion:") ? text : header + text }
    }

    /// The examples of all pages that are YAML for the agent.
    private static func examples() throws -> [Example] {
        let documents = fixture("../../docs")
        let pages = try FileManager.default.subpathsOfDirectory(atPath: documents).filter { $0.hasSuffix(".md") }
        return try (pages.map { "docs/\($0)" } + ["README.md"]).sorted().flatMap { page in
            let text = try String(contentsOfFile: fixture("../../\(page)"), encoding: .utf8)
            return blocks(of: text).map { Example(page: page, text: $0) }
        }
        .filter { $0.firstKey.map { !foreign.contains($0) } ?? false }
    }

    /// The examples are catalogs that take nothing away.
    @Test func catalogsAreValid() throws {
        let base = try repositoryCatalog()
        let catalogs = try Self.examples().filter(\.isCatalog)
        for example in catalogs {
            let document = try readCatalog([UInt8](example.withHeader(catalogHeader).utf8), file: example.page)
            let changes = CatalogChange.between(base, base.applying(document))
            #expect(changes.compactMap(\.loss) == [], "\(example)")
        }
        #expect(Set(catalogs.map(\.page)) == ["docs/catalog.md", "docs/quick-start.md"])
        #expect(catalogs.count >= 3)
    }

    @Test func migLayoutsAreValid() throws {
        let layouts = try Self.examples().filter(\.isMIG)
        for example in layouts {
            let file = MIGConfigFile.read(try YAMLDocument.parse(example.text, file: example.page))
            #expect(throws: Never.self, "\(example)") { try file.get() }
        }
        #expect(layouts.map(\.page) == ["docs/mig.md"])
    }

    /// Every other block that begins with a key is a configuration or a part of one, so a wrong key is a mistake.
    @Test func configurationsAreValid() throws {
        let configurations = try Self.examples().filter { !$0.isCatalog && !$0.isMIG }
        for example in configurations {
            let text = example.withHeader(Self.configHeader)
            switch Config.read(try YAMLDocument.parse(text, file: example.page)) {
            case .success: break
            case .failure(let found): Issue.record("\(found) in \(example)")
            }
        }
        #expect(
            Set(configurations.map(\.page)).isSuperset(of: [
                "docs/catalog.md", "docs/conditions.md", "docs/selection.md",
            ])
        )
    }

    /// The indented blocks and the fenced blocks of a page, each without the indentation of its first line.
    private static func blocks(of page: String) -> [String] {
        var blocks: [String] = []
        var block: [Substring] = []
        var isFenced = false
        func end() {
            let indentation = block.first?.prefix { $0 == " " }.count ?? 0
            blocks.append(block.map { $0.dropFirst(indentation) }.joined(separator: "\n"))
            block = []
        }
        for line in (page + "\n").split(separator: "\n" as Character, omittingEmptySubsequences: false) {
            if line.hasPrefix("```") {
                end()
                isFenced.toggle()
            } else if isFenced {
                block.append(line)
            } else if line.hasPrefix("    ") {
                block.append(line.dropFirst(4))
            } else if !block.isEmpty, !line.isEmpty {
                end()
            }
        }
        end()
        return blocks
    }
}
