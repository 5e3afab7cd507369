import CoreSupport
import Health
import NodeModel
import Planning
import TestSupport
import Testing

/// What many GPUs have in common is said once.
@Suite struct GroupingTests {
    @Test func eightUnknownGPUsAreOneFinding() throws {
        let facts = NodeFacts.unknownGPU.with { facts in
            facts.pci = .present((0..<8).map { PCIFunction.unknownGPU.at(bus: $0) })
        }
        let report = try NodeReport.made(for: facts)
        let findings = report.findings.filter { $0.code == .unknownGPU }
        #expect(findings.count == 1)
        let observed = try #require(findings.first?.observed)
        #expect(
            observed.hasPrefix("GPU 0001:00:00.0 (10de:ffff, subsystem 10de:0001, class 0302) is not in the catalog.")
        )
        let others = "0001:01:00.0, 0001:02:00.0, 0001:03:00.0, 0001:04:00.0 and 3 more"
        #expect(observed.hasSuffix("The same holds for 7 other GPUs: \(others)."))
    }

    @Test func differentUnknownGPUsAreDifferentFindings() throws {
        let facts = NodeFacts.unknownGPU.with { facts in
            var other = PCIFunction.unknownGPU.at(bus: 1)
            other.id.device = 0xfffe
            facts.pci = .present([.unknownGPU.at(bus: 0), other, .unknownGPU.at(bus: 2)])
        }
        let findings = try NodeReport.made(for: facts).findings.filter { $0.code == .unknownGPU }
        #expect(findings.count == 2)
        #expect(findings[0].observed.hasSuffix("The same holds for another GPU: 0001:02:00.0."))
    }

    @Test func oneErrorOfEightGPUsIsSaidOnce() {
        let facts = NodeFacts.h100Ready.withNVML { nvml in
            nvml.gpus = (0..<8).map { .lost(index: $0) }
            for index in nvml.gpus.indices { nvml.gpus[index].pciAddress = GPUFacts.h100.at(index: index).pciAddress }
        }
        let observed = Checks(facts: facts, plan: .adoptedH100).report().finding(.gpuUnreadable)?.observed ?? ""
        #expect(observed.ranges(of: "NVML_ERROR_GPU_IS_LOST").count == 1)
        #expect(observed.hasPrefix("GPU 0 (0001:00:00.0), GPU 1 (0001:01:00.0)") && observed.contains("and 4 more:"))
    }

    @Test func oneErrorOfFiftySixMIGDevicesIsSaidOnce() {
        let facts = NodeFacts.h100Ready.with { facts in
            guard var vendor = facts.vendor.value else { return }
            vendor.cuda = .present(
                (0..<56).map {
                    CUDAFacts(visibleDevices: "MIG-\($0)", result: 999, errorName: "CUDA_ERROR_UNKNOWN", deviceCount: 0)
                }
            )
            facts.vendor = .present(vendor)
        }
        let report = Checks(facts: facts, plan: .adoptedH100).report()
        let observed = "999 CUDA_ERROR_UNKNOWN on MIG-0, MIG-1, MIG-2, MIG-3 and 52 more"
        #expect(report.finding(.cudaFailed)?.observed == observed)
    }

    @Test(arguments: 0...12)
    func aSplitFitsTwoLines(others: Int) throws {
        let facts = NodeFacts.h100Ready.with { facts in
            facts.driver.cudaLibrary = .present(LibraryFile(path: "/usr/lib/libcuda.so.570.1", version: "570.1"))
            facts.driver.otherLibraries = .present(
                (0..<others).map { number in
                    let version = "\(500 + number / 2).105.08"
                    let path = "/usr/local/nvidia/lib64/x86_64-linux-gnu/libnvidia-ml.so.\(version)"
                    return LibraryFile(path: path, version: version)
                }
            )
        }
        let observed = Checks(facts: facts, plan: .adoptedH100).report().finding(.driverVersionSplit)?.observed
        // With the title of the check, this fits two lines of 80 columns.
        #expect((observed?.count ?? .max) <= 105, "\(observed ?? "")")
        #expect(observed?.contains("595.71.05 (loaded module") == true)
        // The selection says the same of a driver that is not the agent's. The evidence names the owners.
        let foreign = facts.with { $0.driver.record = .absent }
        let report = try NodeReport.made(for: foreign)
        let obstacle = try #require(report.finding(.driverVersionSplit))
        #expect(obstacle.observed == observed)
        for text in [obstacle.expected, obstacle.remedy.text, report.nextAction] {
            #expect(text.count <= 150, "\(text)")
        }
        #expect(obstacle.remedy.text.contains("then reboot the node"))
    }
}
