import Catalog
import Documents
import Testing

/// The problems of pools: all of them at once, each with its place.
@Suite struct ConfigPoolProblemsTests {
    private func problems(_ body: String) throws -> [String] {
        let text = "apiVersion: gpu-agent/v1\nkind: AgentConfig\n" + body
        guard case .failure(let found) = Config.read(try YAMLDocument.parse(text, file: "c")) else { return [] }
        return found.problems.map(\.description)
    }

    /// The keys of one pool, and the only problem, without its file.
    static let pools: [(pool: String, problem: String)] = [
        ("{nodeSelector: {matchLabels: {a: x}}, settings: {}}", "3:9: a pool needs 'name'"),
        ("{name: p, settings: {}}", "3:9: a pool needs 'nodeSelector'"),
        ("{name: p, nodeSelector: {matchLabels: {a: x}}}", "3:9: a pool needs 'settings'"),
        ("{name: p, nodeSelector: {matchLabels: {a: x}}, settings: []}", "3:66: settings must be a mapping"),
        (
            "{name: P q, nodeSelector: {matchLabels: {a: x}}, settings: {}}",
            "3:16: name 'P q' is not a name of up to 63 lower-case letters, digits and '-' such as grid"
        ),
        (
            "{name: p, nodeSelector: {}, settings: {}}",
            "3:33: nodeSelector needs a label: an empty one would match every node"
        ),
        (
            "{name: p, nodeSelector: {matchLabels: {}, matchExpressions: []}, settings: {}}",
            "3:33: nodeSelector needs a label: an empty one would match every node"
        ),
        (
            "{name: p, nodeSelector: {matchLabels: {a b: x}}, settings: {}}",
            "3:48: a label 'a b' is not the key of a label such as example.com/pool"
        ),
        (
            "{name: p, nodeSelector: {matchLabels: {a: x y}}, settings: {}}",
            "3:51: the value of a label has up to 63 letters, digits and characters of -_."
        ),
        (
            "{name: p, nodeSelector: {matchExpressions: [{key: a, operator: Gt, values: ['1']}]}, settings: {}}",
            "3:72: operator 'Gt' is not one of In, NotIn, Exists, DoesNotExist"
        ),
        (
            "{name: p, nodeSelector: {matchExpressions: [{key: a, operator: In}]}, settings: {}}",
            "3:53: the operator In needs 'values'"
        ),
        (
            "{name: p, nodeSelector: {matchExpressions: [{key: a, operator: Exists, values: [x]}]}, settings: {}}",
            "3:88: the operator Exists takes no 'values'"
        ),
        (
            "{name: p, nodeSelector: {matchLabels: {a: x}}, settings: {mod: label}}",
            "3:67: in pool 'p': unknown key 'mod' in the configuration; did you mean 'mode'?"
        ),
        (
            "{name: p, nodeSelector: {matchLabels: {a: x}}, settings: {mode: all}}",
            "3:73: in pool 'p': mode 'all' is not one of observe, label, manage"
        ),
        (
            "{name: p, nodeSelector: {matchLabels: {a: x}}, settings: {mode: label, mode: label}}",
            "3:80: in pool 'p': duplicate key 'mode' in the configuration"
        ),
    ]

    @Test(arguments: pools)
    func namesTheProblemOfAPool(_ pool: String, _ problem: String) throws {
        #expect(try problems("pools: [\(pool)]") == ["c:\(problem)"])
    }

    /// The labels that the agent or NVIDIA's programs write, and others that look like them.
    @Test(arguments: [
        ("gpu-agent.dev/verdict", false), ("gpu.example.com/kind", true), ("nvidia.com/gpu.present", false),
        ("nvidia.com/mig.config", false), ("feature.nvidia.com/x", false), ("notnvidia.com/x", true),
        ("example.com/nvidia.com", true), ("pool", true), ("kubernetes.azure.com/accelerator", true),
    ])
    func aLabelOfTheAgentSelectsNoPool(_ key: String, _ isAllowed: Bool) throws {
        for selector in ["{matchLabels: {\(key): x}}", "{matchExpressions: [{key: \(key), operator: Exists}]}"] {
            let found = try problems("pools: [{name: p, nodeSelector: \(selector), settings: {}}]")
            #expect(found.isEmpty == isAllowed, "\(found)")
            #expect(found.allSatisfy { $0.contains("the label '\(key)' cannot select a pool, because") })
        }
    }

    @Test func thePrefixOfTheConfigurationSelectsNoPool() throws {
        let pools = "pools: [{name: p, nodeSelector: {matchLabels: {gpu.example.com/kind: x}}, settings: {}}]"
        #expect(try problems("labels: {prefix: gpu.example.com}\n\(pools)").count == 1)
    }

    @Test(arguments: [
        ("apiVersion: gpu-agent/v1", "apiVersion"), ("kind: AgentConfig", "kind"), ("pools: []", "pools"),
        ("cluster: none", "cluster"), ("conditions: none", "conditions"), ("labels: {prefix: a.b}", "labels.prefix"),
    ])
    func someSettingsAreTheSameOnAllNodes(_ setting: String, _ key: String) throws {
        let found = try problems("pools: [{name: p, nodeSelector: {matchLabels: {a: x}}, settings: {\(setting)}}]")
        #expect(found.count == 1 && found[0].contains("'\(key)' cannot be set for a pool, because "), "\(found)")
    }

    @Test func reportsTheProblemsOfAllPoolsAtOnce() throws {
        let found = try problems(
            """
            mode: all
            driver:
              version: 595.71.05
            pools:
              - name: a
                nodeSelector: {matchLabels: {x: a}}
                settings:
                  driver: {branch: 580}
              - name: a
                nodeSelector: {matchLabels: {x: b}}
                settings:
                  driver: {channel: lts}
                  mode: label
              - name: c
                nodeSelector: {matchLabels: {nvidia.com/gpu.count: '1'}}
                settings: {gpus: {'10de:zzzz': vgpu}}
            """
        )
        // The wrong mode of the top level is reported once, although the pool 'a' takes it over.
        #expect(
            found.map { String($0.prefix(75)) } == [
                "c:3:7: mode 'all' is not one of observe, label, manage",
                "c:10:15: in pool 'a': version 595.71.05 does not belong to branch 580; set ",
                "c:14:25: in pool 'a': remove 'channel': version 595.71.05 already selects o",
                "c:11:11: duplicate pool 'a'; the first one is on line 7",
                "c:17:34: the label 'nvidia.com/gpu.count' cannot select a pool, because the",
                "c:18:23: in pool 'c': a key of gpus '10de:zzzz' is not a PCI ID such as 10d",
            ]
        )
    }

    @Test func poolsNeedACluster() throws {
        let pool = "{name: p, nodeSelector: {matchLabels: {a: x}}, settings: {}}"
        #expect(
            try problems("cluster: none\npools: [\(pool)]") == ["c:4:8: pools need a cluster, and 'cluster' is none"]
        )
        #expect(try problems("cluster: none\npools: []").isEmpty)
        let many = Array(repeating: pool, count: 65).joined(separator: ", ")
        #expect(try problems("pools: [\(many)]") == ["c:3:8: pools has more than 64 entries"])
    }
}
