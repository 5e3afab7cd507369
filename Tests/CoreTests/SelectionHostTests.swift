import CoreSupport
import NodeModel
import Selection
import TestSupport
import Testing

/// Decisions that depend on the driver on the host.
@Suite struct SelectionHostTests {
    static let own: [SelectionCase] = [
        SelectionCase("the agent's own", .rtxProReady, .adopt(Driver.grid595, .gpuAgent)),
        SelectionCase("the agent's own, after a boot", .h100Ready, .adopt(Driver.datacenter595, .gpuAgent)) {
            $0.driver = $0.driver.unloaded
        },
        SelectionCase("no module for a new kernel", .h100Ready, .install(Driver.datacenter595)) {
            $0.driver = $0.driver.unloaded
            $0.driver.moduleFile = .absent
            $0.host.kernelRelease = .present("5.15.0-1090-azure")
        },
        SelectionCase("a module of another kernel", .h100Ready, .install(Driver.datacenter595)) {
            $0.driver = $0.driver.unloaded
            $0.driver.moduleFile = .absentBecause("/m/nvidia.ko is for the kernel 5.15.0-1089-azure")
            $0.host.kernelRelease = .present("5.15.0-1090-azure")
        },
        SelectionCase(
            "another version is asked for",
            .h100Ready,
            policy: Policy(branch: 580),
            .install(Driver.datacenter580)
        ),
        SelectionCase(
            "another kernelModuleType is asked for",
            .h100Ready,
            policy: Policy(kernelModuleType: .proprietary),
            .install("datacenter driver 595.71.05 with proprietary kernel modules")
        ),
        SelectionCase(
            "another version is asked for, and a process uses the GPUs",
            .h100Ready,
            policy: Policy(branch: 580),
            .blocked(.driverChangePending)
        ) { $0.claims.deviceUsers = .present([DeviceUser(pid: 7, command: "python3", nodes: ["nvidia0"])]) },
        SelectionCase(
            "another version is asked for, and only a service of the driver uses the GPUs",
            .h100Ready,
            policy: Policy(branch: 580),
            .install(Driver.datacenter580)
        ) { $0.claims.deviceUsers = .present([.persistenced]) },
        SelectionCase(
            "another version is asked for, and a service of the driver and another process use the GPUs",
            .h100Ready,
            policy: Policy(branch: 580),
            .blocked(.driverChangePending)
        ) {
            let other = DeviceUser(pid: 7, command: "nv-hostengine", nodes: ["nvidia0"], unit: "nvidia-dcgm.service")
            $0.claims.deviceUsers = .present([.persistenced, other])
        },
        SelectionCase(
            "another version is asked for, and the processes are not known",
            .h100Ready,
            policy: Policy(branch: 580),
            .blocked(.driverChangePending)
        ) { $0.claims.deviceUsers = .unreadable(.denied) },
        SelectionCase(
            "another version is asked for, and the driver is not loaded",
            .h100Ready,
            policy: Policy(branch: 580),
            .install(Driver.datacenter580)
        ) {
            $0.driver = $0.driver.unloaded
            $0.claims.deviceUsers = .unreadable(.denied)
        },
        SelectionCase("its wish fits nothing", .h100Ready, policy: Policy(branch: 570), .noDriver),
        .driver(
            "of the wrong kind",
            .rtxProVGPU,
            .loaded("595.71.05", .open, kind: .datacenter, record: .installed),
            .install(Driver.grid595)
        ),
        .driver(
            "too old for the GPU",
            .rtxProVGPU,
            .loaded("570.158.01", .open, kind: .grid, record: .installed),
            .install(Driver.grid595)
        ),
        .driver(
            "in no catalog any more",
            .h100,
            .loaded("590.48.01", .open, kind: .datacenter, record: .installed),
            .adopt("datacenter driver 590.48.01 with open kernel modules", .gpuAgent)
        ),
    ]

    static let others: [SelectionCase] = [
        .driver(
            "fit",
            .h100,
            .loaded("580.126.09", .proprietary, kind: .datacenter),
            .adopt("datacenter driver 580.126.09 with proprietary kernel modules", .other)
        ),
        .driver(
            "fit, and not loaded",
            .h100,
            DriverFacts.loaded("580.126.09", .open, kind: .datacenter).unloaded,
            .adopt("datacenter driver 580.126.09 with open kernel modules", .other)
        ),
        .driver(
            "the record is of another version",
            .h100,
            .loaded("580.126.09", .open, kind: .datacenter),
            .adopt("datacenter driver 580.126.09 with open kernel modules", .other)
        ) { $0.record = DriverFacts.loaded("595.71.05", .open, kind: .datacenter, record: .installed).record },
        .driver("wrong kind on a vGPU", .rtxProVGPU, .loaded("595.71.05", .open, kind: .datacenter), .foreign),
        .driver("wrong kind on an H100", .h100, .loaded("595.91.07", .open, kind: .grid), .foreign),
        .driver("wrong kernelModuleType", .rtxProVGPU, .loaded("595.91.07", .proprietary, kind: .grid), .foreign),
        .driver("too old", .rtxProVGPU, .loaded("570.158.01", .open, kind: .grid), .foreign),
        .driver(
            "not the version that is asked for",
            .h100,
            .loaded("580.126.09", .open, kind: .datacenter),
            policy: Policy(branch: 595),
            .foreign
        ),
        .driver(
            "no module for this kernel",
            .h100,
            DriverFacts.loaded("580.126.09", .open, kind: .datacenter).unloaded,
            .foreign
        ) {
            $0.moduleFile = .absent
        },
        .driver("libraries only", .h100, .none, .foreign) {
            $0.cudaLibrary = .present(LibraryFile(path: "/usr/lib/libcuda.so.580.126.09", version: "580.126.09"))
        },
        .driver("version that is none", .h100, .loaded("main", .open, kind: .datacenter), .foreign),
        .driver("kernelModuleType not known", .h100, .loaded("580.126.09", .open, kind: .datacenter), .foreign) {
            $0.runningModule = .absent
            $0.moduleFile = .unreadable(.denied)
        },
        SelectionCase("fit where the catalog has nothing", .rtxProVGPU, .adopt(Driver.grid595, .other)) {
            $0.host.dmi = .absent
            $0.driver = .loaded("595.91.07", .open, kind: .grid)
        },
    ]

    static let unclear: [SelectionCase] = [
        .driver("two drivers of others", .h100, .loaded("580.126.09", .open, kind: .datacenter), .split) {
            $0.cudaLibrary = .present(LibraryFile(path: "/usr/lib/libcuda.so.570.211.01", version: "570.211.01"))
        },
        .driver(
            "another driver beside the agent's",
            .h100,
            .loaded("595.71.05", .open, kind: .datacenter, record: .installed),
            .split
        ) {
            $0.cudaLibrary = .present(LibraryFile(path: "/usr/lib/libcuda.so.570.211.01", version: "570.211.01"))
        },
        .driver(
            "the agent's own half-finished change",
            .h100,
            .loaded("595.71.05", .open, kind: .datacenter, record: .changing),
            .install(Driver.datacenter595)
        ) {
            $0.cudaLibrary = .present(LibraryFile(path: "/usr/lib/libcuda.so.580.159.04", version: "580.159.04"))
        },
        .driver(
            "an install that was cut off at its end",
            .h100,
            .loaded("595.71.05", .open, kind: .datacenter, record: .changing),
            .install(Driver.datacenter595)
        ),
        .driver("an install that was cut off at its start", .h100, .none, .install(Driver.datacenter595)) {
            $0.record = DriverFacts.loaded("595.71.05", .open, kind: .datacenter, record: .started).record
        },
        .driver(
            "somebody installed a fit driver after our download failed",
            .h100,
            .loaded("580.126.09", .open, kind: .datacenter),
            .adopt("datacenter driver 580.126.09 with open kernel modules", .other)
        ) { $0.record = .begun(replacing: nil) },
        .driver(
            "somebody installed an unfit driver after our download failed",
            .h100,
            .loaded("470.256.02", .proprietary, kind: .datacenter),
            .foreign
        ) { $0.record = .begun(replacing: nil) },
        .driver(
            "two drivers of others after our download failed",
            .h100,
            .loaded("580.126.09", .open, kind: .datacenter),
            .split
        ) {
            $0.cudaLibrary = .present(LibraryFile(path: "/usr/lib/libcuda.so.570.211.01", version: "570.211.01"))
            $0.record = .begun(replacing: nil)
        },
        .driver(
            "our driver, which is asked for again after its replacement was begun",
            .h100,
            .loaded("580.159.04", .open, kind: .datacenter),
            .adopt("datacenter driver 580.159.04 with open kernel modules", .gpuAgent)
        ) { $0.record = .begun(replacing: "580.159.04") },
        .driver(
            "our unfit driver, whose replacement was begun",
            .h100,
            .loaded("470.256.02", .proprietary, kind: .datacenter),
            .install(Driver.datacenter595)
        ) { $0.record = .begun(replacing: "470.256.02") },
        .driver(
            "somebody else's driver in the middle of our change",
            .h100,
            .loaded("580.126.09", .open, kind: .datacenter),
            .adopt("datacenter driver 580.126.09 with open kernel modules", .other)
        ) { $0.record = .begun(replacing: nil, .changing) },
        .driver("module file not readable and nothing loaded", .h100, .none, .blocked(.driverUnreadable)) {
            let whole = DriverFacts.loaded("580.126.09", .open, kind: .datacenter)
            ($0.nvmlLibrary, $0.cudaLibrary) = (whole.nvmlLibrary, whole.cudaLibrary)
            $0.moduleFile = .unreadable(ReadFailure(.command, "compressed, and no modinfo"))
        },
        .driver("nothing of the driver can be read", .h100, .none, .blocked(.driverUnreadable)) {
            $0.loadedVersion = .unreadable(.denied)
            $0.runningModule = .unreadable(.denied)
            $0.moduleFile = .unreadable(.denied)
            $0.nvmlLibrary = .unreadable(.denied)
            $0.cudaLibrary = .unreadable(.denied)
        },
        .driver("one source cannot be read, the others are not there", .h100, .none, .blocked(.driverUnreadable)) {
            $0.nvmlLibrary = .unreadable(.denied)
        },
        .driver("one source was skipped, the others are not there", .h100, .none, .blocked(.driverUnreadable)) {
            $0.moduleFile = .skipped("no commands on the host")
        },
        SelectionCase(
            "one source cannot be read, the others agree",
            .h100Ready,
            .adopt(Driver.datacenter595, .gpuAgent)
        ) {
            $0.driver.nvmlLibrary = .unreadable(.denied)
        },
        .driver(
            "the kind cannot be read",
            .h100,
            .loaded("595.71.05", .open, kind: .datacenter),
            .adopt(Driver.datacenter595, .other)
        ) { $0.gridDaemon = .unreadable(.denied) },
        SelectionCase("the record cannot be read", .h100Ready, .adopt(Driver.datacenter595, .other)) {
            $0.driver.record = .unreadable(ReadFailure(.malformed, "no journal"))
        },
        .driver(
            "the record cannot be read and the driver is unfit",
            .rtxProVGPU,
            .loaded("570.158.01", .open, kind: .grid),
            .foreign
        ) {
            $0.record = .unreadable(ReadFailure(.malformed, "no journal"))
        },
    ]

    @Test(arguments: own + others + unclear)
    func decides(_ row: SelectionCase) throws {
        let decision = row.decide(try fourDriverCatalog())
        #expect(SelectionCase.Expected(decision) == row.expected)
        #expect(decision.problems.isEmpty == (decision.action != .blocked))
        if decision.action == .adopt { #expect(decision.driver?.artifact == nil) }
    }
}

extension SelectionCase.Expected {
    static let foreign = SelectionCase.Expected.blocked(.foreignDriver)
    static let split = SelectionCase.Expected.blocked(.driverVersionSplit)
}

extension Reading<InstallRecord> {
    /// An interrupted install of 595.71.05.
    fileprivate static func begun(replacing version: String?, _ state: InstallRecord.State = .started) -> Self {
        .present(
            InstallRecord(
                state: state,
                kind: .datacenter,
                version: "595.71.05",
                kernelModuleType: .open,
                replaces: version,
                kernelRelease: NodeFacts.kernel,
                artifactHash: String(repeating: "ab", count: 32)
            )
        )
    }
}
