import CoreSupport
import Health
import NodeModel
import Planning
import Reporting
import TestSupport
import Testing

/// The agent's own labels about vGPUs, licenses and the reason, with a row for each rule.
@Suite struct OwnLabelTests {
    private static let prefix = "gpu-agent.dev/"
    private static let keys = ["vgpu-mode", "vgpu-type", "vgpu-host-driver-version", "license"]

    struct Row: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var facts: NodeFacts
        var labels: [String: String]
        /// The keys that stay as they are on the Node.
        var left: Set<String>

        init(_ name: String, _ facts: NodeFacts, _ labels: [String: String], left: Set<String> = []) {
            (testDescription, self.facts, self.labels, self.left) = (name, facts, labels, left)
        }
    }

    private static let whole = [
        "vgpu-mode": "guest", "vgpu-type": "NVIDIA-RTX-Pro-6000-Blackwell-DC-4-96Q",
        "vgpu-host-driver-version": "595.58.03", "license": "licensed",
    ]
    private static let bus = ["vgpu-mode": "guest", "vgpu-host-driver-version": "595.58.03"]

    /// A node with two vGPUs, of which the second one is changed.
    private static func two(
        _ function: (inout PCIFunction) -> Void = { _ in },
        _ gpu: (inout GPUFacts) -> Void = { _ in }
    ) -> NodeFacts {
        var (secondFunction, second) = (PCIFunction.rtxProVGPU.at(bus: 1), GPUFacts.rtxProVGPU.at(index: 1))
        function(&secondFunction)
        gpu(&second)
        return NodeFacts.rtxProReady.with { $0.pci = .present([.rtxProVGPU, secondFunction]) }
            .withNVML { $0.gpus.append(second) }
    }

    private static func changed(_ gpu: (inout GPUFacts) -> Void) -> NodeFacts {
        NodeFacts.rtxProReady.withNVML { gpu(&$0.gpus[0]) }
    }

    /// An H100 in this mode.
    private static func h100(_ mode: Reading<VirtualizationMode>) -> NodeFacts {
        NodeFacts.h100Ready.withNVML { $0.gpus[0].virtualization = mode }
    }

    private static let unlicensed = Reading.present(LicenseFacts(licensed: false, product: nil))

    static let rows: [Row] = [
        Row("a vGPU", .rtxProReady, whole),
        Row("two equal vGPUs", two(), whole),
        Row("a vGPU before its driver is loaded", .rtxProVGPU, bus),
        Row("a whole GPU", .h100Ready, [:]),
        Row("a whole GPU on bare metal", h100(.present(.none)), [:]),
        Row("a whole GPU before its driver is loaded", .h100, [:]),
        Row("no GPU", .noGPU, [:]),
        Row("a host of vGPUs", h100(.present(.hostVgpu)), ["vgpu-mode": "host"]),
        Row("a host of vSGA", h100(.present(.hostVsga)), ["vgpu-mode": "host"]),
        Row(
            "a vGPU that only NVML knows",
            changed { $0.license = .absent }.withGPU { $0.vgpuCapability = .absent },
            ["vgpu-mode": "guest", "vgpu-type": "NVIDIA-RTX-Pro-6000-Blackwell-DC-4-96Q"]
        ),
        Row("no license", changed { $0.license = unlicensed }, whole.merging(["license": "unlicensed"]) { $1 }),
        Row(
            "one license of two",
            two({ _ in }, { $0.license = unlicensed }),
            whole.merging(["license": "mixed"]) { $1 }
        ),
        Row(
            "two types of two hosts",
            two(
                { $0.vgpuCapability = .present(VGPUCapability(hostDriverVersion: "1.2", hostDriverBranch: nil)) },
                { $0.name = .present("NVIDIA A10-8Q") }
            ),
            whole.merging(["vgpu-type": "mixed", "vgpu-host-driver-version": "mixed"]) { $1 }
        ),
        Row(
            "a host that does not name its driver",
            NodeFacts.rtxProReady.withGPU {
                $0.vgpuCapability = .present(VGPUCapability(hostDriverVersion: nil, hostDriverBranch: nil))
            },
            whole.filter { $0.key != "vgpu-host-driver-version" }
        ),
        Row("the bus is not known", NodeFacts.rtxProReady.with { $0.pci = .unreadable(.denied) }, [:], left: Set(keys)),
        Row(
            "NVML does not answer",
            NodeFacts.rtxProReady.with { $0.vendor = .unreadable(ReadFailure(.hang, "no answer")) },
            bus,
            left: ["vgpu-type", "license"]
        ),
        Row(
            "NVML does not list the GPU",
            NodeFacts.rtxProReady.withNVML { $0.gpus = [.lost(index: 0)] },
            bus,
            left: ["vgpu-type", "license"]
        ),
        Row(
            "the license is not known",
            changed { $0.license = .unreadable(.denied) },
            whole.filter { $0.key != "license" },
            left: ["license"]
        ),
        Row(
            "the mode of a whole GPU is not known",
            h100(.unreadable(.denied)),
            [:],
            left: ["vgpu-mode", "vgpu-type", "license"]
        ),
        Row(
            "the capability cannot be read without root",
            NodeFacts.rtxProVGPU.withGPU { $0.vgpuCapability = .unreadable(.denied) },
            [:],
            left: Set(keys)
        ),
    ]

    @Test(arguments: rows) func tellsAboutVGPUs(_ row: Row) throws {
        let publication = try Self.publication(row.facts)
        for key in Self.keys { #expect(publication.labels[Self.prefix + key] == row.labels[key], "\(key)") }
        let left = publication.undetermined.filter { $0.hasPrefix(Self.prefix) }.map { $0.dropFirst(Self.prefix.count) }
        #expect(Set(left.map(String.init)).intersection(Self.keys) == row.left)
    }

    /// Each value is legal, whatever a driver says.
    @Test(arguments: ["NVIDIA A10-8Q", "  -x-  ", String(repeating: "Ä b", count: 90), ""])
    func aTypeIsAlwaysALegalValue(_ name: String) throws {
        let facts = Self.changed { $0.name = .present(name) }
        let type = try #require(try Self.publication(facts).labels["gpu-agent.dev/vgpu-type"])
        #expect(type == labelValue(type) && type.count <= 63)
    }

    @Test func theReasonIsThatOfTheVerdict() throws {
        let loading = NodeFacts.h100Ready.with {
            $0.driver = $0.driver.unloaded
            $0.vendor = .absent
        }
        for facts in [NodeFacts.h100Ready, .noGPU, loading, .unknownGPU] {
            let reason = try NodeReport.made(for: facts).reason?.rawValue
            #expect(try Self.publication(facts).labels["gpu-agent.dev/reason"] == reason)
        }
        #expect(try Self.publication(loading).labels["gpu-agent.dev/reason"] != nil)
    }

    static func publication(_ facts: NodeFacts) throws -> Publication {
        let plan = try Plan.made(for: facts)
        return Publication.of(facts, plan, Checks(facts: facts, plan: plan).report(), Policy())
    }
}
