import CoreSupport
import Health
import NodeModel
import Reporting
import Support
import TestSupport
import Testing

/// What each group of the metrics says about a node, and what it leaves out.
@Suite struct MetricGroupsTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var facts: NodeFacts = .h100Ready
        var change: @Sendable (inout Metrics) -> Void = { _ in }
        var families: [String]
        var samples: [String]
    }

    static let failure = ReadFailure(.io, "no answer")

    static func findings(_ findings: (ReasonCode, Finding.State)...) -> @Sendable (inout Metrics) -> Void {
        let all = findings.map { Finding($0, $1, observed: "o", expected: "e") }
        return { $0.report.findings = all }
    }

    static let verdict = [
        Case(
            testDescription: "failed, warning and unknown are told apart",
            change: findings(
                (.cudaFailed, .failed),
                (.gpuCount, .warning),
                (.gpuLost, .unknown),
                (.noGPU, .pass),
                (.diskSpace, .notice),
                (.secureBoot, .skipped)
            ),
            families: ["gpu_agent_findings"],
            samples: [
                #"gpu_agent_findings{code="gpu-lost",state="unknown"} 1"#,
                #"gpu_agent_findings{code="gpu-count",state="warning"} 1"#,
                #"gpu_agent_findings{code="cuda-failed",state="failed"} 1"#,
            ]
        ),
        Case(
            testDescription: "several findings with a code are counted",
            change: findings((.diskSpace, .failed), (.diskSpace, .failed), (.diskSpace, .unknown)),
            families: ["gpu_agent_findings"],
            samples: [
                #"gpu_agent_findings{code="disk-space",state="failed"} 2"#,
                #"gpu_agent_findings{code="disk-space",state="unknown"} 1"#,
            ]
        ),
        Case(
            testDescription: "the publication is a check",
            change: { $0.published = PublishedState(node: "n", failure: "refused") },
            families: ["gpu_agent_findings"],
            samples: [#"gpu_agent_findings{code="publication-failed",state="warning"} 1"#]
        ),
    ]

    static let gpus = [
        Case(
            testDescription: "MIG devices by profile",
            facts: .rtxProReady,
            families: ["gpu_agent_mig_devices"],
            samples: [#"gpu_agent_mig_devices{profile="4g.96gb"} 1"#]
        ),
        Case(
            testDescription: "a part of the MIG devices would look like a loss",
            facts: .rtxProReady.withNVML { $0.gpus.append(.lost(index: 1)) },
            families: ["gpu_agent_mig_devices"],
            samples: []
        ),
        Case(
            testDescription: "a license without an end",
            facts: .rtxProReady,
            families: ["gpu_agent_licenses", "gpu_agent_license_expiry_timestamp_seconds"],
            samples: [
                #"gpu_agent_licenses{state="licensed"} 1"#, #"gpu_agent_licenses{state="unlicensed"} 0"#,
                #"gpu_agent_licenses{state="unknown"} 0"#,
            ]
        ),
        Case(
            testDescription: "the first end of a license",
            facts: .rtxProReady.withNVML { nvml in
                nvml.gpus[0].license = .ending(["2027-02-01T00:00:00Z", "2027-01-31T00:00:00Z", "soon"])
                nvml.gpus.append(nvml.gpus[0])
                nvml.gpus[1].license = .unreadable(failure)
            },
            families: ["gpu_agent_licenses", "gpu_agent_license_expiry_timestamp_seconds"],
            samples: [
                #"gpu_agent_licenses{state="licensed"} 1"#, #"gpu_agent_licenses{state="unlicensed"} 0"#,
                #"gpu_agent_licenses{state="unknown"} 1"#, "gpu_agent_license_expiry_timestamp_seconds 1801353600",
            ]
        ),
        Case(
            testDescription: "a GPU without a license has no such metric",
            families: ["gpu_agent_licenses", "gpu_agent_license_expiry_timestamp_seconds"],
            samples: []
        ),
    ]

    private static let address = PCIFunction.h100.address

    static let errors = [
        Case(
            testDescription: "by class and code; an unknown code is `other`",
            facts: .h100Ready.with {
                $0.gpuEvents = .reporting([
                    .xid(13, at: address, count: 4), .xid(79, at: address), .xid(9001, at: address, count: 2),
                    .xid(9002, at: address), .xid(13, at: address, boot: "before"),
                ])
            },
            families: ["gpu_agent_gpu_errors", "gpu_agent_gpu_error_reports_total"],
            samples: [
                #"gpu_agent_gpu_errors{kind="xid",class="application",code="13"} 1"#,
                #"gpu_agent_gpu_errors{kind="xid",class="reboot",code="79"} 1"#,
                #"gpu_agent_gpu_errors{kind="xid",class="watch",code="other"} 2"#,
                #"gpu_agent_gpu_error_reports_total{kind="xid",code="13"} 4"#,
                #"gpu_agent_gpu_error_reports_total{kind="xid",code="79"} 1"#,
                #"gpu_agent_gpu_error_reports_total{kind="xid",code="other"} 3"#,
            ]
        ),
        Case(
            testDescription: "a log that cannot be read counts nothing",
            facts: .h100Ready.with { $0.gpuEvents = .unreadable(failure) },
            families: ["gpu_agent_gpu_errors", "gpu_agent_gpu_error_reports_total"],
            samples: []
        ),
    ]

    static let versions = [
        Case(
            testDescription: "what is not known is no label",
            facts: .h100Ready.with {
                $0.host.kernelRelease = .unreadable(failure)
                $0.host.osRelease = .present(OSRelease(id: "arch", versionID: nil, prettyName: nil))
                $0.vendor = .unreadable(failure)
            },
            families: ["gpu_agent_build_info", "gpu_agent_node_info", "gpu_agent_nvml_info"],
            samples: [#"gpu_agent_node_info{architecture="x86_64",os="arch"} 1"#]
        ),
        Case(
            testDescription: "the agent",
            change: { $0.version = "1.2.3" },
            families: ["gpu_agent_build_info"],
            samples: [#"gpu_agent_build_info{version="1.2.3"} 1"#]
        ),
    ]

    static let cluster = [
        Case(
            testDescription: "the taint and its age",
            change: { metrics in
                var state = PublishedState(node: "n")
                state.setTainted(true, at: Timestamp(100))
                state.setTainted(true, at: Timestamp(200))
                metrics.published = state
            },
            families: ["gpu_agent_tainted", "gpu_agent_taint_timestamp_seconds"],
            samples: ["gpu_agent_tainted 1", "gpu_agent_taint_timestamp_seconds 100"]
        ),
        Case(
            testDescription: "without a taint",
            change: { metrics in
                var state = PublishedState(node: "n")
                state.setTainted(true, at: Timestamp(100))
                state.setTainted(false, at: Timestamp(200))
                metrics.published = state
            },
            families: ["gpu_agent_tainted", "gpu_agent_taint_timestamp_seconds"],
            samples: ["gpu_agent_tainted 0"]
        ),
        Case(
            testDescription: "before the first read of the Node",
            change: { $0.published = PublishedState(node: "n", taintedSince: Timestamp(100)) },
            families: ["gpu_agent_tainted", "gpu_agent_taint_timestamp_seconds"],
            samples: []
        ),
    ]

    static let usage = [
        Case(
            testDescription: "only when the configuration asks for it",
            facts: .rtxProReady.busy,
            families: ["gpu_agent_gpu_temperature_celsius"],
            samples: []
        ),
        Case(
            testDescription: "in base units, without what NVML does not know",
            facts: .h100Ready.busy.withNVML { nvml in
                nvml.gpus[0].traits[.temperature] = .unreadable(failure)
                nvml.gpus[0].uuid = .present("GPU-1")
                nvml.gpus[0].memoryMiB = .present(2)
                nvml.gpus.append(.lost(index: 1))
            },
            change: { $0.showsGPUs = true },
            families: [
                "gpu_agent_gpu_temperature_celsius", "gpu_agent_gpu_power_watts", "gpu_agent_gpu_utilization_ratio",
                "gpu_agent_gpu_memory_used_bytes", "gpu_agent_gpu_memory_total_bytes",
            ],
            samples: [
                #"gpu_agent_gpu_power_watts{gpu="0",uuid="GPU-1"} 271.5"#,
                #"gpu_agent_gpu_utilization_ratio{gpu="0",uuid="GPU-1"} 0.37"#,
                #"gpu_agent_gpu_memory_used_bytes{gpu="0",uuid="GPU-1"} 1073741824"#,
                #"gpu_agent_gpu_memory_total_bytes{gpu="0",uuid="GPU-1"} 2097152"#,
            ]
        ),
    ]

    @Test(arguments: verdict + gpus + errors + versions + cluster + usage)
    func saysWhatIsKnown(_ row: Case) throws {
        let metrics = try Metrics.of(row.facts, row.change)
        let lines = metrics.families.filter { row.families.contains($0.name) }.map { $0.text(.text) }.joined()
        #expect(lines.split(separator: "\n").filter { !$0.hasPrefix("#") }.map(String.init) == row.samples)
    }

    @Test func boundTheLabelsOfProfilesAndGPUs() throws {
        let facts = NodeFacts.rtxProReady.busy.withNVML { nvml in
            let device = nvml.gpus[0].migDevices.value?.first
            nvml.gpus[0].migDevices = .present(
                (0..<500).compactMap { number in
                    var device = device
                    device?.profile = "\(number)g"
                    return device
                }
            )
            for index in 1..<200 {
                var gpu = nvml.gpus[0]
                (gpu.index, gpu.uuid) = (index, .present("GPU-\(index)"))
                nvml.gpus.append(gpu)
            }
        }
        let metrics = try Metrics.of(facts) { $0.showsGPUs = true }
        #expect(metrics.samples("gpu_agent_mig_devices").count == 64)
        #expect(metrics.samples("gpu_agent_gpu_power_watts").count == 64)
    }
}
