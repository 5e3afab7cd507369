import Catalog
import Documents
import NodeModel
import Reporting
import Testing

/// What `config explain` and `config check` print.
@Suite struct ConfigExplanationTests {
    private static let text = """
        apiVersion: gpu-agent/v1
        kind: AgentConfig
        driver:
          branch: 580
          takeover: true
        download: {httpsProxy: http://user:secret@proxy:3128}
        pools:
          - name: grid
            nodeSelector:
              matchLabels: {example.com/pool: grid}
            settings:
              driver:
                branch: 595
              gpus: {'10de:2bb5': vgpu}
          - name: passthrough
            nodeSelector:
              matchExpressions:
                - {key: example.com/pool, operator: NotIn, values: [grid, none]}
                - {key: zone, operator: Exists}
            settings: {mode: label}
        """

    private func explanation(
        _ labels: Reading<[String: String]>,
        _ text: String = Self.text
    ) throws -> ConfigExplanation {
        let document = try YAMLDocument.parse(text, file: "c.yaml")
        return ConfigExplanation(document, try Config.read(document).get(), labels: labels, from: "--labels")
    }

    private func lines(_ explanation: ConfigExplanation) -> [String] {
        explanation.text(Style(color: false)).split(separator: "\n").map(String.init)
    }

    @Test func namesThePoolAndWhereEachValueComesFrom() throws {
        let explanation = try explanation(.present(["example.com/pool": "grid"]))
        let lines = lines(explanation)
        #expect(
            lines.prefix(5) == [
                "The settings of the pool grid apply (labels: --labels).",
                "pools",
                "  grid         c.yaml:8  matches",
                "  passthrough  c.yaml:15  does not match: the label example.com/pool is 'grid', and must not be 'grid' or "
                    + "'none'; the label zone is missing",
                "settings",
            ]
        )
        func setting(_ key: String) -> [String]? {
            explanation.settings.first { $0.key == key }.map {
                [$0.value, $0.source.rawValue, $0.place].compactMap(\.self)
            }
        }
        #expect(setting("driver.branch") == ["595", "pool", "c.yaml:13"])
        #expect(setting("driver.takeover") == ["true", "topLevel", "c.yaml:5"])
        #expect(setting("gpus.10de:2bb5") == ["vgpu", "pool", "c.yaml:14"])
        #expect(setting("mode") == ["manage", "default"])
        #expect(setting("gpus") == nil)
        #expect(setting("download.httpsProxy") == ["http://***@proxy:3128", "topLevel", "c.yaml:6"])
        #expect(lines.contains { $0.hasPrefix("  driver.branch ") && $0.hasSuffix("  pool grid, c.yaml:13") })
        #expect(lines.contains { $0.hasPrefix("  driver.takeover ") && $0.hasSuffix("  top level, c.yaml:5") })
        #expect(lines.contains { $0.hasPrefix("  mode ") && $0.hasSuffix("  default") })
    }

    @Test func withoutAMatchTheTopLevelApplies() throws {
        let explanation = try explanation(.present(["example.com/pool": "none"]))
        #expect(lines(explanation)[0] == "No pool matches, so the settings of the top level apply (labels: --labels).")
        #expect(explanation.settings.first { $0.key == "driver.branch" }?.value == "580")
        #expect(explanation.settings.allSatisfy { $0.source != .pool })
    }

    @Test(
        arguments: [
            (
                Reading.skipped("nobody asked"),
                "× pool-unknown: The configuration has pools, and the agent does not know"
            ),
            (.present(["zone": "z"]), nil),
        ] as [(Reading<[String: String]>, String?)]
    )
    func nothingIsSaidAboutSettingsThatNobodyKnows(_ labels: Reading<[String: String]>, _ start: String?) throws {
        let explanation = try explanation(labels)
        #expect(explanation.settings.isEmpty == (start != nil))
        if let start {
            #expect(lines(explanation)[0].hasPrefix(start))
            #expect(explanation.pools.allSatisfy { $0.matches == nil } && explanation.labelsFrom == nil)
        }
    }

    @Test func aConflictHasNoSettings() throws {
        let both = Self.text.replacing("{example.com/pool: grid}", with: "{zone: z}")
        let explanation = try explanation(.present(["zone": "z"]), both)
        #expect(explanation.settings.isEmpty && explanation.pools.map(\.matches) == [true, true])
        #expect(explanation.problem?.code == .poolConflict)
        #expect(explanation.problem?.observed.contains("'grid' (c.yaml:8:11) and 'passthrough' (c.yaml:15:11)") == true)
    }

    @Test func withoutPoolsTheLabelsDoNotMatter() throws {
        let explanation = try explanation(.skipped("nobody asked"), "apiVersion: gpu-agent/v1\nkind: AgentConfig\n")
        #expect(explanation.settings.count == ConfigSetting.defaults.count && explanation.problem == nil)
        #expect(ConfigSetting.all(nil, pool: nil).map(\.key) == ConfigSetting.defaults.map(\.key).sorted())
        let none = try self.explanation(
            .skipped(""),
            "apiVersion: gpu-agent/v1\nkind: AgentConfig\nconditions: none\n"
        )
        #expect(none.settings.filter { $0.key.hasPrefix("conditions") }.map(\.value) == ["none"])
    }

    /// A default that can be written into the file changes nothing there, so the list says what the agent does.
    @Test(arguments: ConfigSetting.defaults.filter { !$0.value.hasPrefix("(") })
    func theDefaultsAreTrue(_ key: String, _ value: String) throws {
        let parts = key.split(separator: ".")
        let body = parts.count == 1 ? "\(key): \(value)" : "\(parts[0]): {\(parts[1]): \(value)}"
        let text = "apiVersion: gpu-agent/v1\nkind: AgentConfig\n\(body)\n"
        #expect(try Config.read(YAMLDocument.parse(text, file: "c")).get() == Config())
    }

    /// Two selectors, and the labels of a Node that both match.
    @Test(
        arguments: [
            ("{matchLabels: {a: x}}", "{matchLabels: {a: y}}", nil),
            ("{matchLabels: {a: x}}", "{matchLabels: {b: y}}", "the labels a=x,b=y"),
            ("{matchLabels: {a: x}}", "{matchExpressions: [{key: a, operator: NotIn, values: [x]}]}", nil),
            (
                "{matchExpressions: [{key: a, operator: NotIn, values: [x]}]}",
                "{matchExpressions: [{key: a, operator: DoesNotExist}]}", "none of their labels"
            ),
            (
                "{matchExpressions: [{key: a, operator: NotIn, values: [x, other]}]}",
                "{matchExpressions: [{key: a, operator: Exists}]}", "the labels a=other-1"
            ),
            (
                "{matchExpressions: [{key: a, operator: In, values: [x, y]}]}",
                "{matchExpressions: [{key: a, operator: In, values: [y, z]}]}", "the labels a=y"
            ),
            (
                "{matchExpressions: [{key: a, operator: Exists}]}",
                "{matchExpressions: [{key: a, operator: DoesNotExist}]}", nil
            ),
        ] as [(String, String, String?)]
    )
    func namesPoolsThatCanMatchTheSameNode(_ first: String, _ second: String, _ labels: String?) throws {
        let text = """
            apiVersion: gpu-agent/v1
            kind: AgentConfig
            pools:
              - {name: p, nodeSelector: \(first), settings: {}}
              - {name: q, nodeSelector: \(second), settings: {}}
            """
        let check = ConfigCheck(try Config.read(YAMLDocument.parse(text, file: "c")).get())
        #expect(check.pools == ["p", "q"])
        guard let labels else {
            #expect(check.notes == [])
            #expect(check.text(Style(color: false)) == "√ the configuration can be used: 2 pools\n")
            return
        }
        #expect(
            check.notes == [
                "The pools 'p' (c:4:12) and 'q' (c:5:12) both match a Node with \(labels). The agent changes nothing on "
                    + "such a node."
            ]
        )
    }
}
