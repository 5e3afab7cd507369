import CoreSupport
import Health
import NodeModel
import Planning
import Selection
import TestSupport
import Testing

/// IMEX on a node of a cluster of NVLink, and the NVLink subnet manager of a B200.
@Suite struct IMEXTests {
    private static let path = "/usr/bin/nvidia-imex"
    private static let version = "595.71.05"

    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var program: DriverProgram
        var fabric = FabricSurroundings()
        var cluster: String? = "01234567-89ab-cdef-0123-456789abcdef"
        var state = "completed"
        var expected: [ReasonCode: Finding.State]
    }

    private static let codes: [ReasonCode] = [.imexMissing, .imexNotRunning, .imexChannelMissing]

    static let cases = [
        Case(testDescription: "none", program: DriverProgram(isRunning: false), expected: [.imexMissing: .notice]),
        Case(
            testDescription: "in a container",
            program: DriverProgram(isRunning: true),
            expected: [.imexMissing: .pass]
        ),
        Case(
            testDescription: "another version",
            program: DriverProgram(path: path, isRunning: true, version: "580.159.04"),
            fabric: FabricSurroundings(imexNodes: 2, imexChannels: 1),
            expected: [.imexMissing: .warning, .imexNotRunning: .pass, .imexChannelMissing: .pass]
        ),
        Case(
            testDescription: "not set up",
            program: DriverProgram(path: path, isRunning: false, version: version),
            expected: [.imexMissing: .pass, .imexNotRunning: .notice]
        ),
        Case(
            testDescription: "set up and stopped",
            program: DriverProgram(path: path, isRunning: false, version: version),
            fabric: FabricSurroundings(imexNodes: 2),
            expected: [.imexMissing: .pass, .imexNotRunning: .warning]
        ),
        Case(
            testDescription: "without a channel",
            program: DriverProgram(path: path, isRunning: true, version: version),
            fabric: FabricSurroundings(imexNodes: 2),
            expected: [.imexMissing: .pass, .imexNotRunning: .pass, .imexChannelMissing: .notice]
        ),
        Case(
            testDescription: "all of it",
            program: DriverProgram(path: path, isRunning: true, version: version),
            fabric: FabricSurroundings(imexNodes: 2, imexChannels: 1),
            expected: [.imexMissing: .pass, .imexNotRunning: .pass, .imexChannelMissing: .pass]
        ),
        Case(testDescription: "no cluster", program: DriverProgram(isRunning: false), cluster: nil, expected: [:]),
        Case(
            testDescription: "a cluster of zeros",
            program: DriverProgram(isRunning: false),
            cluster: "00000000-0000-0000-0000-000000000000",
            expected: [:]
        ),
        Case(
            testDescription: "not registered yet",
            program: DriverProgram(isRunning: false),
            state: "in-progress",
            expected: [:]
        ),
    ]

    /// A node works without IMEX, so no finding makes it unusable.
    @Test(arguments: cases)
    func neverMakesANodeUnusable(_ row: Case) throws {
        let facts = NodeFacts.h100Ready.with { facts in
            facts.driver.surroundings = DriverSurroundings(programs: ["nvidia-imex": row.program], fabric: row.fabric)
            var gpu = GPUFacts.h100
            let fabric = FabricFacts(state: row.state, status: "NVML_SUCCESS", cluster: row.cluster, clique: 1)
            gpu.fabric = .present(fabric)
            facts.vendor = .answering(Self.version, gpus: [gpu])
        }
        let plan = try Plan.made(for: facts)
        #expect(plan.decision.fabricManager?.isNeeded == false)
        let report = Checks(facts: facts, plan: plan).report()
        let found = Self.codes.compactMap { code in report.finding(code).map { (code, $0.state) } }
        #expect(Dictionary(uniqueKeysWithValues: found) == row.expected)
        #expect(report.readiness == .usable && report.verdict != .notReady)
    }

    /// The switches of a B200 are behind InfiniBand functions.
    @Test func aB200NeedsItsSubnetManager() throws {
        func report(_ fabric: FabricSurroundings, cuda code: Int) throws -> NodeReport {
            let facts = NodeFacts.h100Ready.with { facts in
                facts.host.hypervisor = .present(false)
                var gpu = PCIFunction.h100
                gpu.id.device = 0x2901
                facts.pci = .present((0..<8).map { gpu.at(bus: $0) })
                let program = DriverProgram(path: "/usr/bin/nv-fabricmanager", isRunning: false, version: Self.version)
                facts.driver.surroundings = DriverSurroundings(
                    programs: ["nv-fabricmanager": program],
                    fabric: fabric
                )
                let answer = CUDAFacts(
                    visibleDevices: nil,
                    result: code,
                    errorName: code == 0 ? nil : "CUDA_ERROR_\(code)",
                    deviceCount: 1
                )
                var vendor = facts.vendor.value
                vendor?.cuda = .present([answer])
                if let vendor { facts.vendor = .present(vendor) }
            }
            let plan = try Plan.made(for: facts)
            #expect(plan.decision.fabricManager?.subnetManager == true)
            return Checks(facts: facts, plan: plan).report()
        }
        let bare = try report(FabricSurroundings(), cuda: 802).finding(.nvlsmMissing)
        #expect(bare?.state == .failed)
        let list = "the package nvlsm and ibstat (the package infiniband-diags) and the loaded kernel module ib_umad."
        #expect(bare?.observed.hasSuffix("The host lacks \(list)") == true)
        #expect(try report(FabricSurroundings(), cuda: 0).finding(.nvlsmMissing)?.state == .notice)
        let whole = FabricSurroundings(hasSubnetManager: true, hasDiagnostics: true, hasManagementInterface: true)
        #expect(try report(whole, cuda: 802).finding(.nvlsmMissing)?.state == .pass)
    }
}
