import CoreSupport
import Health
import NodeModel
import Planning
import Reporting
import TestSupport
import Testing

/// One cause gives one finding, no matter how many checks fail because of it.
@Suite struct ConsequencesTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        /// The codes of all checks that did not pass, in order.
        var codes: [ReasonCode]
        var facts: NodeFacts
        var lastFailure: Finding?

        init(
            _ name: String,
            _ codes: [ReasonCode],
            from facts: NodeFacts = .h100Ready,
            lastFailure: Finding? = nil,
            _ change: (inout NodeFacts) -> Void
        ) {
            testDescription = name
            self.codes = codes
            self.facts = facts.with(change)
            self.lastFailure = lastFailure
        }
    }

    private static let error = ReadFailure(.vendor, "nvmlInit_v2: Driver Not Loaded (9)")
    private static let noDevice = CUDAFacts(
        visibleDevices: nil,
        result: 100,
        errorName: "CUDA_ERROR_NO_DEVICE",
        deviceCount: 0
    )

    private static func fail(_ facts: inout NodeFacts, nvml: ReadFailure? = nil) {
        guard var vendor = facts.vendor.value else { return }
        vendor.cuda = .present([noDevice])
        if let nvml { vendor.nvml = .unreadable(nvml) }
        facts.vendor = .present(vendor)
    }

    static let cases: [Case] = [
        Case("nothing fails", []) { _ in },
        Case("the module is not loaded, and nothing behind it answers", [.driverNotLoaded]) {
            // As while the module is being unloaded: one source still has it.
            $0.driver.loadedVersion = .absent
            $0.driver.deviceNodes = .absent
            fail(&$0, nvml: error)
        },
        Case("nor does a call return", [.driverNotLoaded]) {
            $0.driver.loadedVersion = .absent
            fail(&$0, nvml: ReadFailure(.hang, "no answer within 10 s"))
        },
        Case("two versions, and NVML refuses", [.driverVersionSplit]) {
            $0.driver.nvmlLibrary = .present(LibraryFile(path: "/usr/lib/libnvidia-ml.so.570.1", version: "570.1"))
            fail(&$0, nvml: error)
        },
        Case("nvidia-uvm is missing, and CUDA needs it", [.deviceNodesMissing]) {
            $0.driver.deviceNodes = .present(["nvidiactl", "nvidia0"])
            fail(&$0)
        },
        Case("NVML hangs", [.nvmlHang]) { fail(&$0, nvml: ReadFailure(.hang, "no answer within 10 s")) },
        Case("every GPU is lost", [.gpuCount]) {
            $0 = $0.withNVML { $0.gpus = [.lost(index: 0)] }
            fail(&$0)
        },
        Case("every vGPU is lost: its license is not worth a word", [.gpuCount], from: .rtxProReady) {
            $0 = $0.withNVML { $0.gpus = [.lost(index: 0)] }
            fail(&$0)
        },
        Case("one GPU of two is lost", [.gpuCount, .gpuUnreadable, .cudaFailed]) {
            $0.pci = .present([.h100, .h100.at(bus: 1)])
            $0 = $0.withNVML { $0.gpus.append(.lost(index: 1)) }
        },
        Case("no MIG device, and CUDA finds none", [.migDevicesMissing], from: .rtxProReady) {
            $0 = $0.withNVML { $0.gpus[0].migDevices = .present([]) }
            fail(&$0)
        },
        Case("the modules could not be loaded", [.moduleLoadFailed], lastFailure: loadFailed) {
            $0.driver = $0.driver.unloaded
        },
        Case("two causes", [.licenseMissing, .cudaFailed], from: .rtxProReady) {
            $0 = $0.withNVML { $0.gpus[0].license = .present(LicenseFacts(licensed: false, product: nil)) }
            fail(&$0)
        },
        Case("what the agent cannot tell hides nothing", [.deviceNodesMissing, .cudaFailed]) {
            $0.driver.deviceNodes = .unreadable(ReadFailure(.permission, "/dev: permission denied"))
            fail(&$0)
        },
    ]

    private static let loadFailed = Finding(
        .moduleLoadFailed,
        observed: "modprobe nvidia: exit 1",
        expected: "no error",
        remedy: .readLog
    )

    private func report(_ row: Case) throws -> NodeReport {
        Checks(facts: row.facts, plan: try .made(for: row.facts), lastFailure: row.lastFailure).report()
    }

    @Test(arguments: cases)
    func leaveOutWhatFollows(_ row: Case) throws {
        let report = try report(row)
        let failing = report.findings.filter { ![.pass, .notApplicable].contains($0.state) }
        #expect(failing.map(\.code) == row.codes)
        #expect(report.reason == failing.decider?.code)
    }

    @Test(arguments: cases)
    func areNoFailuresInTheMetrics(_ row: Case) throws {
        let text = Metrics(
            report: try report(row),
            facts: row.facts,
            decision: try Plan.made(for: row.facts).decision,
            journal: nil,
            apiRequests: [],
            lookedAt: 0
        ).text()
        let zero = text.split(separator: "\n").filter { $0.hasPrefix("gpu_agent_check_passed") && $0.hasSuffix(" 0") }
        #expect(zero == row.codes.map { "gpu_agent_check_passed{code=\"\($0.rawValue)\"} 0" })
    }

    @Test func leaveWhatPassesInPlace() throws {
        let facts = NodeFacts.h100Ready.with { $0.driver.deviceNodes = .present(["nvidiactl"]) }
        let report = try NodeReport.made(for: facts)
        #expect(report.finding(.nvmlUnavailable)?.state == .pass)
        #expect(report.finding(.cudaFailed)?.state == .pass)
    }
}

extension Remedy {
    fileprivate static let readLog: Remedy = "Read the kernel log."
}
