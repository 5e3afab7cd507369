import CoreSupport
import Health
import NodeModel
import TestSupport
import Testing

/// What did not answer in the time that a person waits is unknown: neither a hang nor a fault.
@Suite struct SlowAnswerTests {
    private static let slow = ReadFailure(.slow, "CUDA on GPU-2: cuInit did not return within 1.4 seconds")

    private static func device(_ uuid: String, _ result: Int = 0) -> CUDAFacts {
        CUDAFacts(
            visibleDevices: uuid,
            result: result,
            errorName: result == 0 ? nil : "CUDA_ERROR_UNKNOWN",
            deviceCount: result == 0 ? 1 : 0
        )
    }

    private static func late(_ uuid: String, _ reason: ReadFailure.Reason) -> CUDAFacts {
        CUDAFacts(visibleDevices: uuid, fault: ReadFailure(reason, slow.detail))
    }

    private static let hanging = Reading.present([device("GPU-1"), late("GPU-2", .hang)])

    private static let cases: [(Reading<[CUDAFacts]>, Verdict, ReasonCode, Finding.State)] = [
        (.unreadable(slow), .unknown, .cudaHang, .unknown),
        (.present([device("GPU-1"), late("GPU-2", .slow)]), .unknown, .cudaHang, .unknown),
        (.present([late("GPU-1", .slow), late("GPU-2", .slow)]), .unknown, .cudaHang, .unknown),
        // The one that answered does not work, and this is certain.
        (.present([device("GPU-1", 999), late("GPU-2", .slow)]), .notReady, .cudaFailed, .failed),
        (hanging, .notReady, .cudaHang, .failed),
    ]

    @Test(arguments: cases)
    func ofCUDAIsUnknown(
        _ cuda: Reading<[CUDAFacts]>,
        _ verdict: Verdict,
        _ reason: ReasonCode,
        _ state: Finding.State
    ) throws {
        let facts = NodeFacts.h100Ready.with { facts in
            guard var vendor = facts.vendor.value else { return }
            vendor.cuda = cuda
            facts.vendor = .present(vendor)
        }
        let report = try NodeReport.made(for: facts)
        #expect(report.verdict == verdict && report.reason == reason, "\(report.findings)")
        #expect(report.finding(reason)?.state == state)
        #expect(facts.vendor.value?.wasSlow == (cuda != Self.hanging))
        #expect(report.readiness == (verdict == .unknown ? .unknown : .notUsable))
        if verdict == .unknown {
            #expect(report.nextAction.hasPrefix("Run 'gpu-agent status --fresh'"))
            #expect(report.finding(.cudaFailed) == nil)
        }
    }

    @Test func ofVulkanIsUnknown() throws {
        let facts = NodeFacts.h100Ready.with { facts in
            guard var vendor = facts.vendor.value else { return }
            vendor.vulkan = .unreadable(Self.slow)
            facts.vendor = .present(vendor)
        }
        let report = try NodeReport.made(for: facts)
        #expect(report.verdict == .unknown && report.reason == .vulkanHang)
        #expect(report.finding(.vulkanFailed) == nil)
    }

    @Test func ofNVMLIsSlow() {
        let skipped = Reading<[CUDAFacts]>.skipped("NVML does not answer")
        #expect(VendorFacts(nvml: .unreadable(Self.slow), cuda: skipped).wasSlow)
        #expect(!VendorFacts(nvml: .unreadable(ReadFailure(.hang, "")), cuda: skipped).wasSlow)
    }
}
