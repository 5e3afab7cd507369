import CoreSupport
import NodeModel
import Planning
import Reporting
import Support
import TestSupport
import Testing

/// The agent's annotations: the MIG devices of a node, and when its GPUs were first proven to work.
@Suite struct OwnAnnotationTests {
    private static let mig = "gpu-agent.dev/mig-uuids"
    private static let validated = "gpu-agent.dev/validated-at"
    private static let boot = "7c1d0b52-90f1-4f0e-9d6b-0c2a55a0f4d1"
    private static let noon = Timestamp("2026-11-30T12:00:00Z") ?? Timestamp(0)
    private static let later = Timestamp("2026-11-30T12:07:30.250Z") ?? Timestamp(0)

    private static func device(_ uuid: String, _ profile: String, _ gpuInstance: Int, _ compute: Int = 0) -> MIGDevice {
        MIGDevice(
            uuid: uuid,
            profile: profile,
            memoryMiB: 1,
            gpuInstanceID: gpuInstance,
            computeInstanceID: compute
        )
    }

    private static func gpu(_ index: Int, _ devices: Reading<[MIGDevice]>, isOn: Bool = true) -> GPUFacts {
        var gpu = GPUFacts.h100.at(index: index)
        gpu.uuid = .present("GPU-\(index)")
        gpu.migMode = .present(MIGMode(current: isOn, pending: isOn))
        gpu.migDevices = devices
        return gpu
    }

    private static func node(_ gpus: [GPUFacts]) -> NodeFacts { NodeFacts.h100Ready.withNVML { $0.gpus = gpus } }

    private static func value(_ gpus: String) -> AnnotationWish { .value(#"{"gpus":{\#(gpus)},"version":1}"#) }

    static let layouts: [(String, NodeFacts, AnnotationWish?)] = [
        (
            "a vGPU with a MIG device", .rtxProReady,
            value(
                #""GPU-6f1cb2a4-3d0e-4b7a-9c55-8d1e2f7a4b60":[{"computeInstance":0,"gpuInstance":0,"#
                    + #""profile":"4g.96gb","uuid":"MIG-0b5e7c1d-92a6-5f43-8e0b-4c6d1a2f3e97"}]"#
            )
        ),
        (
            "devices in another order",
            node([
                gpu(2, .present([])),
                gpu(1, .present([device("MIG-c", "1g.10gb+me", 9), device("MIG-b", "1c.2g.20gb", 3, 1)])),
            ]),
            value(
                #""GPU-1":[{"computeInstance":1,"gpuInstance":3,"profile":"1c.2g.20gb","uuid":"MIG-b"},"#
                    + #"{"computeInstance":0,"gpuInstance":9,"profile":"1g.10gb+me","uuid":"MIG-c"}],"GPU-2":[]"#
            )
        ),
        ("beside a whole GPU", node([gpu(1, .present([])), gpu(2, .absent, isOn: false)]), value(#""GPU-1":[]"#)),
        ("no GPU in MIG mode", .h100Ready, nil),
        ("no GPU", .noGPU, nil),
        ("no driver is loaded", .rtxProVGPU, nil),
        ("the bus is not known", NodeFacts.rtxProReady.with { $0.pci = .unreadable(.denied) }, .keep),
        ("NVML hangs", NodeFacts.rtxProReady.with { $0.vendor = .unreadable(ReadFailure(.hang, "no")) }, .keep),
        ("NVML lists no GPU", node([]), .keep),
        ("a GPU is lost", node([gpu(1, .present([])), .lost(index: 2)]), .keep),
        ("the devices are not known", node([gpu(1, .unreadable(.denied))]), .keep),
        (
            "a name that no driver gives",
            node([gpu(1, .present([device("MIG-\"\n", "1g.10gb", 1), device("MIG-a", "1g.10gb", 2)]))]),
            .value(
                #"{"gpus":{"GPU-1":[{"computeInstance":0,"gpuInstance":2,"profile":"1g.10gb","uuid":"MIG-a"}]},"#
                    + #""omitted":1,"version":1}"#
            )
        ),
    ]

    @Test(arguments: layouts)
    func namesTheMIGDevices(_ name: String, _ facts: NodeFacts, _ wish: AnnotationWish?) throws {
        #expect(try OwnLabelTests.publication(facts).annotations[Self.mig] == wish, "\(name)")
    }

    /// The annotations of a Node have at most 256 KiB together.
    @Test func theListHasALimit() throws {
        let long = String(repeating: "x", count: 80)
        let gpus = (0..<100).map { index in
            Self.gpu(index, .present((0..<7).map { Self.device("MIG-\(index)-\($0)\(long)", long, $0) }))
        }
        let wish = try #require(try OwnLabelTests.publication(Self.node(gpus)).annotations[Self.mig])
        let text = try #require(wish.text)
        #expect(text.utf8.count < 100_000 && text.contains(#""omitted":444"#))
        #expect(text.split(separator: #""uuid""#).count == 257)
    }

    private static func proven(_ times: [Timestamp?], _ change: (inout NodeFacts) -> Void = { _ in }) -> NodeFacts {
        NodeFacts.h100Ready.with { facts in
            facts.vendor = facts.vendor.map { vendor in
                var vendor = vendor
                vendor.cuda = .present(
                    times.map { time in
                        var test = CUDAFacts(visibleDevices: "GPU-1", result: 0, errorName: nil, deviceCount: 1)
                        test.provenAt = time
                        return test
                    }
                )
                return vendor
            }
            change(&facts)
        }
    }

    private static func failing(_ facts: inout NodeFacts) {
        let fails = CUDAFacts(visibleDevices: "GPU-1", result: 999, errorName: "CUDA_ERROR_UNKNOWN", deviceCount: 0)
        facts.vendor = facts.vendor.map { vendor in
            var vendor = vendor
            vendor.cuda = .present([fails])
            return vendor
        }
    }

    static let proofs: [(String, NodeFacts, AnnotationWish?)] = [
        ("each device is proven", proven([noon, later]), .firstProof(ofBoot: boot, later)),
        ("a device is not proven yet", proven([noon, nil]), .firstProof(ofBoot: boot, nil)),
        ("CUDA fails now", proven([noon], failing), .firstProof(ofBoot: boot, nil)),
        ("the boot is not known", proven([noon]) { $0.host.bootID = .unreadable(.denied) }, .keep),
        ("no GPU", .noGPU, nil),
    ]

    @Test(arguments: proofs) func namesTheProof(_ name: String, _ facts: NodeFacts, _ wish: AnnotationWish?) throws {
        #expect(try OwnLabelTests.publication(facts).annotations[Self.validated] == wish, "\(name)")
    }

    /// A kernel can have the right results while the node is still installing, or waits for something.
    @Test(arguments: Verdict.allCases, Readiness.allCases)
    func onlyAUsableNodeIsProven(_ verdict: Verdict, _ readiness: Readiness) throws {
        let facts = Self.proven([Self.noon])
        let plan = try Plan.made(for: facts)
        let report = NodeReport(verdict: verdict, readiness: readiness, reason: nil, nextAction: "", findings: [])
        let wish = Publication.of(facts, plan, report, Policy()).annotations[Self.validated]
        let isProven = readiness == .usable && [.ready, .degraded].contains(verdict)
        #expect(wish == .firstProof(ofBoot: Self.boot, isProven ? Self.noon : nil))
    }

    private static let text = #"{"bootID":"b","time":"2026-11-30T12:00:00Z","version":1}"#
    private static let earlier = #"{"bootID":"a","time":"2026-11-29T12:00:00Z","version":1}"#

    static let values: [(AnnotationWish, String?, String?)] = [
        (.value("x"), "y", "x"), (.keep, "y", "y"), (.keep, nil, nil),
        (.firstProof(ofBoot: "b", noon), nil, text),
        // A later proof of the same boot changes nothing, and neither does a failure.
        (.firstProof(ofBoot: "b", later), text, text), (.firstProof(ofBoot: "b", nil), text, text),
        // The proof of an earlier boot goes at once.
        (.firstProof(ofBoot: "b", nil), earlier, nil), (.firstProof(ofBoot: "b", noon), earlier, text),
        (.firstProof(ofBoot: "b", nil), nil, nil),
        // What the agent cannot read is not a proof.
        (.firstProof(ofBoot: "b", noon), "soon", text), (.firstProof(ofBoot: "b", nil), "soon", nil),
        (.firstProof(ofBoot: "b", nil), #"{"bootID":"b","time":"2026-11-30T12:00:00Z","version":2}"#, nil),
    ]

    @Test(arguments: values)
    func theFirstProofOfABootStays(_ wish: AnnotationWish, _ owned: String?, _ value: String?) {
        #expect(wish.value(owned: owned) == value)
    }
}
