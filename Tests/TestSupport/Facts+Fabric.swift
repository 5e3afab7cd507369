package import NodeModel

extension NodeFacts {
    /// An HGX H100 with the driver of this agent.
    ///
    /// - Parameters:
    ///   - program: Its fabric manager.
    ///   - code: The error code of CUDA; nil when CUDA works.
    ///   - switches: The number of NVSwitches.
    /// - Returns: The facts of the node.
    package static func hgxH100(_ program: DriverProgram, cuda code: Int? = nil, switches: Int = 4) -> NodeFacts {
        h100Ready.with { facts in
            facts.host.hypervisor = .present(false)
            var gpu = PCIFunction.h100
            gpu.id.device = 0x2330
            var bridge = PCIFunction.h100
            (bridge.id.device, bridge.classCode) = (0x22a3, 0x0680)
            facts.pci = .present([gpu] + (0..<UInt8(switches)).map { bridge.at(bus: 8 + $0) })
            facts.driver.surroundings = DriverSurroundings(programs: ["nv-fabricmanager": program])
            let answer = CUDAFacts(
                visibleDevices: nil,
                result: code ?? 0,
                errorName: code.map { "CUDA_ERROR_\($0)" },
                deviceCount: code == nil ? 1 : 0
            )
            facts.vendor = facts.vendor.map { vendor in
                var vendor = vendor
                vendor.cuda = .present([answer])
                return vendor
            }
        }
    }
}

extension DriverProgram {
    /// The fabric manager of the driver of `NodeFacts.h100Ready`.
    package static let runningFabricManager = DriverProgram(
        path: "/usr/bin/nv-fabricmanager",
        isRunning: true,
        version: "595.71.05"
    )
}
