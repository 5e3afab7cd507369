package import NodeModel
import Support

extension NodeFacts {
    /// An H100 in the boot `now` and the load `7` of the driver, with these MIG devices and recorded layouts.
    ///
    /// - Parameters:
    ///   - devices: The profiles of the MIG devices; nil when they are not known.
    ///   - mode: Whether MIG mode is on; nil when it is not known.
    ///   - goals: The recorded layouts.
    /// - Returns: The facts.
    package static func h100(
        _ devices: [String]?,
        mode: Bool? = true,
        recorded goals: [WantedMIGLayout.GPU]
    ) -> NodeFacts {
        let failure = ReadFailure(.vendor, "999 NVML_ERROR_UNKNOWN")
        return NodeFacts.h100Ready.with { facts in
            facts.host.bootID = .present("now")
            facts.driver.moduleLoad = .present("7")
            facts.wantedMIG = .present(WantedMIGLayout(gpus: goals))
        }
        .withNVML { nvml in
            nvml.gpus[0].uuid = .present("GPU-a")
            nvml.gpus[0].migMode = mode.map { .present(MIGMode(current: $0, pending: $0)) } ?? .unreadable(failure)
            let list = devices?.enumerated().map { index, profile in
                MIGDevice(
                    uuid: "MIG-\(index)",
                    profile: profile,
                    memoryMiB: 1,
                    gpuInstanceID: index,
                    computeInstanceID: 0
                )
            }
            nvml.gpus[0].migDevices = mode == false ? .absent : list.map { .present($0) } ?? .unreadable(failure)
        }
    }
}

extension WantedMIGLayout.GPU {
    /// The layout of a GPU, recorded in an earlier boot if nothing else is given.
    package static func recorded(
        _ devices: [String],
        uuid: String = "GPU-a",
        at pciAddress: PCIAddress = PCIFunction.h100.address,
        isEnabled: Bool = true,
        isFailed: Bool = false,
        boot: String? = "before",
        load: String? = "7"
    ) -> WantedMIGLayout.GPU {
        WantedMIGLayout.GPU(
            uuid: uuid,
            pciAddress: pciAddress,
            layout: "training",
            isEnabled: isEnabled,
            devices: devices,
            isFailed: isFailed,
            bootID: boot,
            moduleLoad: load,
            at: Timestamp(1)
        )
    }
}
