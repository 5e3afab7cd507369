import Catalog
import Documents
import NodeModel
import Testing

@Suite struct ConfigDocumentTests {
    private func read(_ body: String) throws -> Result<Config, DocumentProblems> {
        Config.read(try YAMLDocument.parse("apiVersion: gpu-agent/v1\nkind: AgentConfig\n" + body, file: "c"))
    }

    @Test func readsEveryField() throws {
        let config = try read(
            """
            driver:
              version: 580.105.08
              branch: 580
              kernelModuleType: proprietary
              workstation: true
              takeover: true
              source: file:///mnt/drivers
              buildPackages: false
              moduleParameters:
                nvidia: {NVreg_RegistryDwords: a=1;b=0x2, NVreg_EnableMSI: 1}
                nvidia-uvm: {}
              signing: {key: /root/MOK.priv, certificate: /root/MOK.der}
              persistenced: false
            gpus:
              10de:2bb5/1414:2187: vgpu
              10DE:FFFF: physical
              10de:1DB4/10de:1212: ignored
            labels: {prefix: gpu.example.com, nvidia: never, deprecated: true}
            conditions: {ready: nvidia.com/GPUReady, healthy: AcceleratedHardwareReady}
            mig: {strategy: mixed, configFile: /etc/mig.yaml}
            catalogs: [/etc/a.yaml, /etc/b.yaml]
            cluster: none
            mode: label
            license: {tokenFile: /etc/gpu-agent-license/token.tok, featureType: 4, grace: 20m}
            checks: {vulkan: true}
            health: {nvmlEvents: on}
            metrics: {gpus: true}
            handover: {operator: never}
            download:
              caFile: /etc/ca.pem
              sizeLimit: 1536MiB
              httpsProxy: http://a:3128
              httpProxy: http://user:secret@b:80/
              noProxy: [.example.com, 10.0.0.0/8]
            """
        ).get()
        let policy = Policy(
            version: DriverVersion("580.105.08"),
            branch: 580,
            kernelModuleType: .proprietary,
            workstation: true,
            takeover: true,
            source: .directory("/mnt/drivers"),
            buildPackages: false,
            surroundings: SurroundingsPolicy(
                moduleParameters: ModuleParameters([
                    "nvidia": ["NVreg_RegistryDwords": "a=1;b=0x2", "NVreg_EnableMSI": "1"]
                ]),
                license: LicensePolicy(tokenFile: "/etc/gpu-agent-license/token.tok", feature: .compute),
                licenseGrace: 1200,
                persistenced: false
            ),
            signing: ModuleSigning(key: "/root/MOK.priv", certificate: "/root/MOK.der"),
            hardware: [
                HardwareOverride(
                    id: PCIID(vendor: 0x10de, device: 0x2bb5),
                    subsystem: PCIID(vendor: 0x1414, device: 0x2187),
                    treatment: .vgpu
                ),
                HardwareOverride(
                    id: PCIID(vendor: 0x10de, device: 0x1db4),
                    subsystem: PCIID(vendor: 0x10de, device: 0x1212),
                    treatment: .ignored
                ),
                HardwareOverride(id: PCIID(vendor: 0x10de, device: 0xffff), treatment: .physical),
            ],
            checksVulkan: true,
            labelPrefix: "gpu.example.com",
            nvidiaLabels: .never,
            deprecatedLabels: true,
            migStrategy: .mixed,
            migConfigFile: "/etc/mig.yaml",
            conditions: ConditionTypes(ready: "nvidia.com/GPUReady", healthy: "AcceleratedHardwareReady"),
            handover: .never
        )
        #expect(
            config
                == Config(
                    policy: policy,
                    catalogs: ["/etc/a.yaml", "/etc/b.yaml"],
                    cluster: .none,
                    mode: .label,
                    nvmlEvents: .on,
                    gpuMetrics: true,
                    downloadCAFile: "/etc/ca.pem",
                    downloadSizeLimit: 1536 << 20,
                    downloadProxies: DownloadProxies(
                        https: "http://a:3128",
                        http: "http://user:secret@b:80/",
                        exclusions: [".example.com", "10.0.0.0/8"]
                    )
                )
        )
    }

    @Test(
        arguments: [
            ("512MiB", 512 << 20), ("1GiB", 1 << 30), ("4GiB", 4 << 30), ("64GiB", 64 << 30), ("65536MiB", 64 << 30),
        ]
            as [(String, Int)]
    )
    func readsALimitOfDownloads(_ text: String, _ bytes: Int) throws {
        #expect(try read("download: {sizeLimit: \(text)}").get().downloadSizeLimit == bytes)
    }

    @Test(arguments: [
        "0", "4", "4294967296", "4GB", "4 GiB", "4gib", "-4GiB", "+4GiB", "4.5GiB", "GiB", "0GiB", "511MiB", "65GiB",
        "65537MiB", "4TiB", "9223372036854775807GiB", "99999999999999999999GiB",
    ])
    func refusesALimitOfDownloadsOutOfBounds(_ text: String) throws {
        guard case .failure(let found) = try read("download: {sizeLimit: '\(text)'}") else {
            Issue.record("was read")
            return
        }
        let message = "sizeLimit '\(text)' is not a size from 512MiB to 64GiB, such as 4GiB"
        #expect(found.problems.map(\.message) == [message])
    }

    @Test(
        arguments: [("production", .production), ("lts", .lts), ("new-feature", .newFeature)]
            as [(String, DriverChannel)]
    )
    func readsAChannel(_ text: String, _ channel: DriverChannel) throws {
        #expect(
            try read("driver: {channel: \(text), branch: 580}").get().policy == Policy(branch: 580, channel: channel)
        )
    }

    @Test(arguments: [
        ("file:///mnt/drivers", "/mnt/drivers"), ("file:///mnt//gpu%20drivers/", "/mnt/gpu drivers"),
        ("file:///a%C3%A9", "/aé"),
    ])
    func readsADirectoryOfPackages(_ text: String, _ path: String) throws {
        #expect(try read("driver: {source: '\(text)'}").get().policy.source == .directory(path))
    }

    @Test(arguments: [("runfile", .runfile), ("packages", .packages), ("auto", .auto)] as [(String, PackageSource)])
    func readsTheNameOfASource(_ text: String, _ source: PackageSource) throws {
        #expect(try read("driver: {source: \(text)}").get().policy.source == source)
    }

    @Test(arguments: [
        "/mnt/drivers", "mnt/drivers", "file:/mnt", "file://server/drivers", "file:///", "file:///.", "file:///a/../b",
        "file:///a?b", "file:///a#b", "file:///a%2", "file:///a%zz", "file:///a%00", "file:///a%0Ab", "file:///%ff",
        "https://example.com/drivers", "Auto", "package",
    ])
    func refusesWhatIsNoDirectoryOfPackages(_ text: String) throws {
        guard case .failure(let found) = try read("driver: {source: '\(text)'}") else {
            Issue.record("was read")
            return
        }
        let message =
            "source '\(text)' is not runfile, packages, auto or a directory of the host such as file:///mnt/drivers"
        #expect(found.problems.map(\.message) == [message])
    }

    /// The URL can have a password, so the message does not repeat it.
    @Test(arguments: ["https://a", "socks5://a:1080", "http://", "http://user:secret@", "http://:3128", "a b"])
    func refusesWhatIsNoProxy(_ text: String) throws {
        guard case .failure(let found) = try read("download: {httpsProxy: '\(text)'}") else {
            Issue.record("was read")
            return
        }
        let message = "httpsProxy is not the URL of an HTTP proxy such as http://proxy.example.com:3128"
        #expect(found.problems.map(\.message) == [message])
    }

    @Test func readsTheConditions() throws {
        #expect(try read("").get().policy.conditions == ConditionTypes(ready: "GPUReady", healthy: "GPUHealthy"))
        #expect(try read("conditions: {healthy: a.b/C}").get().policy.conditions == ConditionTypes(healthy: "a.b/C"))
        #expect(try read("conditions: none").get().policy.conditions == nil)
    }

    @Test func anEmptyConfigurationAsksForNothing() throws {
        let config = try read("").get()
        #expect(config == Config())
        #expect(config.policy.version == nil && config.policy.branch == nil && config.policy.kernelModuleType == nil)
    }

    @Test(arguments: [
        ("conditions: off", ["3:13: conditions must be a mapping, or none"]),
        (
            "conditions: {redy: GPUReady}",
            ["3:14: unknown key 'redy' in conditions; did you mean 'ready'?"]
        ),
        (
            "conditions: {ready: Ready, healthy: 'GPU Healthy'}",
            [
                "3:21: ready 'Ready' is a condition of Kubernetes itself",
                "3:37: healthy 'GPU Healthy' is not a condition type such as GPUReady or nvidia.com/GPUReady",
            ]
        ),
        (
            "conditions: {ready: A_b/C, healthy: a.b/C/D}",
            [
                "3:21: ready 'A_b/C' is not a condition type such as GPUReady or nvidia.com/GPUReady",
                "3:37: healthy 'a.b/C/D' is not a condition type such as GPUReady or nvidia.com/GPUReady",
            ]
        ),
        ("conditions: {ready: GPUHealthy}", ["3:13: ready and healthy are the same condition 'GPUHealthy'"]),
        ("drivers: {}", ["3:1: unknown key 'drivers' in the configuration; did you mean 'driver'?"]),
        ("driver: 580", ["3:9: driver must be a mapping"]),
        ("driver: {version: latest}", ["3:19: version 'latest' is not a driver version such as 595.91.07"]),
        ("driver: {branch: -580}", ["3:18: branch '-580' is not a whole number greater than 0"]),
        (
            "driver: {kernelModuleTyp: open}",
            ["3:10: unknown key 'kernelModuleTyp' in driver; did you mean 'kernelModuleType'?"]
        ),
        ("driver: {kernelModuleType: closed}", ["3:28: kernelModuleType 'closed' is not one of open, proprietary"]),
        (
            "driver: {version: 580.105.08, branch: 595}",
            ["3:9: version 580.105.08 does not belong to branch 595; set only one of them"]
        ),
        ("driver: {channel: beta}", ["3:19: channel 'beta' is not one of production, lts, new-feature"]),
        (
            "driver: {version: 580.105.08, channel: lts}",
            ["3:40: remove 'channel': version 580.105.08 already selects one driver"]
        ),
        (
            "driver: {version: 580.105.08, branch: 595, channel: lts, workstation: yes, takeover: 1, buildPackages: no}",
            [
                "3:71: workstation 'yes' is not true or false",
                "3:86: takeover '1' is not true or false",
                "3:104: buildPackages 'no' is not true or false",
                "3:9: version 580.105.08 does not belong to branch 595; set only one of them",
                "3:53: remove 'channel': version 580.105.08 already selects one driver",
            ]
        ),
        (
            "driver: {moduleParameters: {nvidia: {1x: 1, A: a b, B: '', A: 2, A: 3}, nouveau: {}, nvidia-uvm: []}}",
            [
                "3:73: unknown key 'nouveau' in moduleParameters",
                "3:38: a parameter of nvidia '1x' is not the name of a module parameter such as NVreg_EnableMSI",
                "3:48: the value of A 'a b' is not 1 to 1024 letters, digits and characters of _.,:;=/+-",
                "3:56: the value of B must be a non-empty string",
                "3:66: duplicate parameter 'A' of nvidia",
                "3:98: the parameters of nvidia-uvm must be a mapping",
            ]
        ),
        (
            "driver:\n  signing: {key: MOK.priv, cert: /root/MOK.der}",
            [
                "4:28: unknown key 'cert' in signing",
                "4:18: key 'MOK.priv' is not the absolute path of a file of the host such as /root/MOK.priv",
                "4:12: signing needs 'certificate', a file of the host such as /root/MOK.der",
            ]
        ),
        (
            "driver:\n  signing: {key: /root/../MOK.priv, certificate: /}",
            [
                "4:18: key '/root/../MOK.priv' is not the absolute path of a file of the host such as /root/MOK.priv",
                "4:50: certificate '/' is not the absolute path of a file of the host such as /root/MOK.der",
            ]
        ),
        ("license: {}", ["3:10: license needs 'tokenFile', 'featureType' or 'grace'"]),
        (
            "license: {grace: 20}",
            ["3:18: grace '20' is not a duration of at most 8760 hours such as 90s, 20m or 24h"]
        ),
        (
            "license: {grace: 8761h}",
            ["3:18: grace '8761h' is not a duration of at most 8760 hours such as 90s, 20m or 24h"]
        ),
        (
            "license: {tokenFile: token.tok, featureType: 3, server: a}",
            [
                "3:49: unknown key 'server' in license",
                "3:22: tokenFile 'token.tok' is not the absolute path of a file in the agent's container such as "
                    + "/etc/gpu-agent-license/token.tok",
                "3:46: featureType '3' is not 0, 1, 2 or 4, as in NVIDIA's gridd.conf",
            ]
        ),
        ("gpus: [10de:2bb5]", ["3:7: gpus must be a mapping of PCI IDs to physical, vgpu or ignored"]),
        ("gpus:", ["3:6: gpus must be a mapping of PCI IDs to physical, vgpu or ignored"]),
        (
            "gpus:\n  10de:2bb5: passthrough\n  2bb5: vgpu\n  10de:2bb5/2187: vgpu\n  10de:1/10de:2: vgpu",
            [
                "4:14: treatment 'passthrough' is not one of physical, vgpu, ignored",
                "5:3: a key of gpus '2bb5' is not a PCI ID such as 10de:2bb5 or 10de:2bb5/1414:2187",
                "6:3: a key of gpus '10de:2bb5/2187' is not a PCI ID such as 10de:2bb5 or 10de:2bb5/1414:2187",
                "7:3: a key of gpus '10de:1/10de:2' is not a PCI ID such as 10de:2bb5 or 10de:2bb5/1414:2187",
            ]
        ),
        (
            "gpus:\n  10de:2bb5/1414:2187/10de:1: vgpu\n  10de:2bb5/: vgpu\n  [10de:2bb5]: vgpu",
            [
                "4:3: a key of gpus '10de:2bb5/1414:2187/10de:1' is not a PCI ID such as 10de:2bb5 or "
                    + "10de:2bb5/1414:2187",
                "5:3: a key of gpus '10de:2bb5/' is not a PCI ID such as 10de:2bb5 or 10de:2bb5/1414:2187",
                "6:3: a key of gpus must be a non-empty string",
            ]
        ),
        ("gpus: {1002:73bf: physical}", ["3:8: 1002:73bf is not a PCI ID of NVIDIA, whose vendor ID is 10de"]),
        (
            "gpus:\n  10de:2bb5/1414:2187: vgpu\n  10de:2bb5: physical\n  10DE:2BB5/1414:2187: physical\n"
                + "  10de:2bB5: what",
            [
                "6:3: duplicate entry '10de:2bb5/1414:2187' in gpus; the first one is on line 4",
                "7:14: treatment 'what' is not one of physical, vgpu, ignored",
                "7:3: duplicate entry '10de:2bb5' in gpus; the first one is on line 5",
            ]
        ),
        ("metrics: {gpus: often}", ["3:17: gpus 'often' is not true or false"]),
        ("health: {nvmlEvents: yes}", ["3:22: nvmlEvents 'yes' is not one of auto, on, off"]),
        ("download: {sizeLimt: 4GiB}", ["3:12: unknown key 'sizeLimt' in download; did you mean 'sizeLimit'?"]),
        ("download: {noProxy: a}", ["3:21: noProxy must be a list"]),
        ("labels: []", ["3:9: labels must be a mapping"]),
        ("labels: {nvidia: off}", ["3:18: nvidia 'off' is not one of auto, always, never"]),
        ("mig: {strategy: all}", ["3:17: strategy 'all' is not one of none, single, mixed"]),
        (
            "mig: {configFile: mig.yaml}",
            [
                "3:19: configFile 'mig.yaml' is not 'standard', or the absolute path of a file in the agent's "
                    + "container such as /etc/gpu-agent-mig/config.yaml"
            ]
        ),
        ("catalogs: /etc/a.yaml", ["3:11: catalogs must be a list"]),
        ("catalogs: [[]]", ["3:12: a catalog file must be a non-empty string"]),
        (
            "mig: {strategy: all}\nlabels: {prefix: A}\ndriver: {branch: x}",
            [
                "5:18: branch 'x' is not a whole number greater than 0",
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
