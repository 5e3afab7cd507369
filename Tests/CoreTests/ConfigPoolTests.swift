import Catalog
import Documents
import NodeModel
import Testing

/// The pools of the configuration: which one matches a Node, and which settings its nodes get.
@Suite struct ConfigPoolTests {
    private func read(_ body: String) throws -> Result<Config, DocumentProblems> {
        Config.read(try YAMLDocument.parse("apiVersion: gpu-agent/v1\nkind: AgentConfig\n" + body, file: "c"))
    }

    private func config(selector: String) throws -> Config {
        try read("pools: [{name: p, nodeSelector: \(selector), settings: {mode: label}}]").get()
    }

    /// A selector, the labels of a Node, and whether they match.
    static let selectors: [(selector: String, labels: [String: String], matches: Bool)] = [
        ("{matchLabels: {a: x}}", ["a": "x", "b": "y"], true),
        ("{matchLabels: {a: x}}", ["a": "y"], false),
        ("{matchLabels: {a: x}}", [:], false),
        ("{matchLabels: {a: ''}}", ["a": ""], true),
        ("{matchLabels: {a: ''}}", [:], false),
        ("{matchLabels: {a: x, b: y}}", ["a": "x", "b": "y"], true),
        ("{matchLabels: {a: x, b: y}}", ["a": "x"], false),
        ("{matchExpressions: [{key: a, operator: In, values: [x, y]}]}", ["a": "y"], true),
        ("{matchExpressions: [{key: a, operator: In, values: [x, y]}]}", ["a": "z"], false),
        ("{matchExpressions: [{key: a, operator: In, values: [x, y]}]}", [:], false),
        ("{matchExpressions: [{key: a, operator: NotIn, values: [x, y]}]}", ["a": "z"], true),
        ("{matchExpressions: [{key: a, operator: NotIn, values: [x, y]}]}", ["a": "x"], false),
        // As in Kubernetes, a Node without the label does not have one of the values.
        ("{matchExpressions: [{key: a, operator: NotIn, values: [x, y]}]}", [:], true),
        ("{matchExpressions: [{key: example.com/a, operator: Exists}]}", ["example.com/a": ""], true),
        ("{matchExpressions: [{key: a, operator: Exists}]}", ["b": "x"], false),
        ("{matchExpressions: [{key: a, operator: DoesNotExist}]}", ["b": "x"], true),
        ("{matchExpressions: [{key: a, operator: DoesNotExist}]}", ["a": "x"], false),
        ("{matchLabels: {a: x}, matchExpressions: [{key: b, operator: Exists}]}", ["a": "x"], false),
        ("{matchLabels: {a: x}, matchExpressions: [{key: b, operator: Exists}]}", ["a": "x", "b": "1"], true),
    ]

    @Test(arguments: selectors)
    func aSelectorMatchesAsInKubernetes(_ selector: String, _ labels: [String: String], _ matches: Bool) throws {
        let config = try config(selector: selector)
        #expect((config.choice(.present(labels)).name == "p") == matches)
        #expect(config.pools[0].selector.objections(to: labels).isEmpty == matches)
        #expect(config.settings(for: config.choice(.present(labels))).mode == (matches ? .label : .manage))
    }

    private static let twoPools = """
        mode: observe
        pools:
          - {name: a, nodeSelector: {matchLabels: {pool: a}}, settings: {mode: manage}}
          - name: b
            nodeSelector: {matchExpressions: [{key: pool, operator: In, values: [a, b]}]}
            settings: {mode: label}
        """

    @Test func oneOfThePoolsMatches() throws {
        let config = try read(Self.twoPools).get()
        #expect(config.selectorKeys == ["pool"])
        #expect(config.choice(.present(["pool": "b"])).name == "b")
        #expect(config.choice(.present(["pool": "c"])) == .topLevel)
        #expect(config.variants.map(\.mode) == [.observe, .manage, .label])
    }

    @Test func twoMatchingPoolsAreAConflictThatNamesBoth() throws {
        let config = try read(Self.twoPools).get()
        let choice = config.choice(.present(["pool": "a"]))
        #expect(choice == .conflict(config.pools))
        let problem = try #require(choice.problem)
        #expect(problem.code == .poolConflict)
        #expect(problem.observed == "The pools 'a' (c:5:12) and 'b' (c:6:11) of the configuration match this node.")
    }

    @Test(
        arguments: [
            .skipped("nobody asked"), .unreadable(ReadFailure(.io, "nobody asked")),
        ] as [Reading<[String: String]>]
    )
    func nobodyGuessesThePoolWithoutTheLabels(_ labels: Reading<[String: String]>) throws {
        let problem = try #require(try read(Self.twoPools).get().choice(labels).problem)
        #expect(problem.code == .poolUnknown && problem.observed.contains("nobody asked"))
        // Without pools, the labels do not matter.
        #expect(try read("mode: observe").get().choice(labels) == .topLevel)
    }

    /// The top level, the settings of the pool, and a configuration without pools that means the same.
    static let merged: [(top: String, pool: String, same: String)] = [
        ("mode: label", "{}", "mode: label"),
        ("mode: label", "{mode: observe}", "mode: observe"),
        (
            "driver: {branch: 580, takeover: true}", "{driver: {branch: 595}}",
            "driver: {branch: 595, takeover: true}"
        ),
        ("driver: {version: 580.105.08}", "{driver: {branch: 580}}", "driver: {version: 580.105.08, branch: 580}"),
        // A list is replaced.
        (
            "readiness: {waitFor: dra, startupTaints: [{key: e.com/a}]}",
            "{readiness: {startupTaints: [{key: e.com/b}]}}",
            "readiness: {waitFor: dra, startupTaints: [{key: e.com/b}]}"
        ),
        (
            "readiness: {startupTaints: [{key: e.com/a}]}", "{readiness: {startupTaints: []}}",
            "readiness: {startupTaints: []}"
        ),
        // The keys of a mapping with names of your own are merged, too.
        (
            "driver: {moduleParameters: {nvidia: {A: 1, B: 1}}}", "{driver: {moduleParameters: {nvidia: {B: 2}}}}",
            "driver: {moduleParameters: {nvidia: {A: 1, B: 2}}}"
        ),
        (
            "gpus: {'10DE:2BB5': vgpu, '10de:ffff': ignored}", "{gpus: {'10de:2bb5': physical}}",
            "gpus: {'10de:2bb5': physical, '10de:ffff': ignored}"
        ),
        // What follows from another key follows in the pool.
        (
            "license: {tokenFile: /t/a}", "{driver: {workstation: true}}",
            "{license: {tokenFile: /t/a}, driver: {workstation: true}}"
        ),
        (
            "catalogs: [/a.yaml]", "{catalogs: [/b.yaml], health: {nvmlEvents: on}}",
            "{catalogs: [/b.yaml], health: {nvmlEvents: on}}"
        ),
    ]

    @Test(arguments: merged)
    func thePoolIsLaidOverTheTopLevel(_ top: String, _ pool: String, _ same: String) throws {
        let config = try read(
            "\(top)\npools: [{name: p, nodeSelector: {matchLabels: {a: x}}, settings: \(pool)}]"
        ).get()
        let wanted = Config.read(
            try YAMLDocument.parse(
                same.hasPrefix("{")
                    ? "{apiVersion: gpu-agent/v1, kind: AgentConfig, \(same.dropFirst())"
                    : "apiVersion: gpu-agent/v1\nkind: AgentConfig\n\(same)",
                file: "c"
            )
        )
        #expect(config.pools.map(\.config) == [try wanted.get()])
        var base = config
        base.pools = []
        #expect(try base == read(top).get())
    }
}
