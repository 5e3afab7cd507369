import Documents
import GPUNode
import Testing

@Suite struct ConfigDocumentTests {
    private func read(_ body: String) throws -> Result<Config, DocumentProblems> {
        Config.read(try YAMLDocument.parse("apiVersion: gpu-agent/v1\nkind: AgentConfig\n" + body, file: "c"))
    }

    @Test func readsEveryField() throws {
        let config = try read(
            """
            driver: {version: 580.105.08, branch: 580, flavour: proprietary}
            labels: {prefix: gpu.example.com}
            mig: {strategy: mixed}
            catalogs: [/etc/a.yaml, /etc/b.yaml]
            """
        ).get()
        let policy = Policy(
            version: DriverVersion("580.105.08"),
            branch: 580,
            flavour: .proprietary,
            labelPrefix: "gpu.example.com",
            migStrategy: .mixed
        )
        #expect(config == Config(policy: policy, catalogs: ["/etc/a.yaml", "/etc/b.yaml"]))
    }

    @Test func anEmptyConfigurationAsksForNothing() throws {
        let config = try read("").get()
        #expect(config == Config())
        #expect(config.policy.version == nil && config.policy.branch == nil && config.policy.flavour == nil)
    }

    @Test(arguments: [
        ("drivers: {}", ["3:1: unknown key 'drivers' in the configuration; did you mean 'driver'?"]),
        ("driver: 580", ["3:9: driver must be a mapping"]),
        ("driver: {version: latest}", ["3:19: version 'latest' is not a driver version such as 595.91.07"]),
        ("driver: {branch: -580}", ["3:18: branch '-580' is not a whole number above 0"]),
        ("driver: {flavor: open}", ["3:10: unknown key 'flavor' in driver; did you mean 'flavour'?"]),
        ("driver: {flavour: closed}", ["3:19: flavour 'closed' is not one of open, proprietary"]),
        (
            "driver: {version: 580.105.08, branch: 595}",
            ["3:9: version 580.105.08 is not of branch 595: give one of them"]
        ),
        ("labels: []", ["3:9: labels must be a mapping"]),
        ("mig: {strategy: all}", ["3:17: strategy 'all' is not one of none, single, mixed"]),
        ("catalogs: /etc/a.yaml", ["3:11: catalogs must be a list"]),
        ("catalogs: [[]]", ["3:12: a catalog file must be a text"]),
        (
            "mig: {strategy: all}\nlabels: {prefix: A}\ndriver: {branch: x}",
            [
                "5:18: branch 'x' is not a whole number above 0",
                "4:18: prefix 'A' is not a DNS name such as gpu.example.com, without a slash",
                "3:17: strategy 'all' is not one of none, single, mixed",
            ]
        ),
    ])
    func reportsEveryFaultAtItsPlace(_ body: String, _ expected: [String]) throws {
        guard case .failure(let found) = try read(body) else {
            Issue.record("was read")
            return
        }
        #expect(found.problems.map { "\($0.place.line):\($0.place.column): \($0.message)" } == expected)
    }

    @Test(arguments: ["gpu-agent.dev", "a", "x1.y-2.z", "0.0", String(repeating: "a", count: 253)])
    func takesAPrefixThatIsADNSName(_ prefix: String) throws {
        #expect(try read("labels: {prefix: '\(prefix)'}").get().policy.labelPrefix == prefix)
    }

    @Test(arguments: [
        "a/b", "A.b", ".a", "a.", "a..b", "-a", "a-", "a.-b", "a_b", "ä.b", "a b", String(repeating: "a", count: 254),
    ])
    func refusesAPrefixThatIsNone(_ prefix: String) throws {
        guard case .failure(let found) = try read("labels: {prefix: '\(prefix)'}") else {
            Issue.record("was read")
            return
        }
        #expect(found.problems.count == 1)
    }
}
