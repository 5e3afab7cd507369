import NodeModel
import VendorProbe

/// The hardware of a node as its NVML shows it, for the stand-in libraries.
///
/// What a model does not have, the real GPU does not have either: NVML answers "not supported" there.
struct HardwareModel: Sendable {
    /// The lines of the hardware file.
    var lines: [String]

    var text: String { lines.joined(separator: "\n") + "\n" }

    /// GPUs of one kind, each on a bus of its own.
    ///
    /// - Parameters:
    ///   - count: How many there are.
    ///   - name: The product name.
    ///   - words: The words of each line, without the number, the UUID, the name and the address.
    ///   - traits: The traits by their names.
    init(_ count: Int, _ name: String, _ words: String, _ traits: [String: String]) {
        let more = traits.map { "trait.\($0.key)=\($0.value)" }.sorted().joined(separator: " ")
        lines = (0..<count).map { number in
            let bus = String(0x10 + number, radix: 16)
            return "gpu \(number) uuid=GPU-\(number) name=\"\(name)\" pci=00000000:\(bus):00.0 "
                + "trait.minorNumber=\(number) trait.serial=16528230000\(number) \(words) \(more)"
        }
    }

    func with(_ lines: String...) -> HardwareModel {
        var model = self
        model.lines += lines
        return model
    }

    func with(lines: [String]) -> HardwareModel {
        var model = self
        model.lines += lines
        return model
    }

    /// What every physical datacenter GPU reports.
    private static let board = [
        "vbios": "96.00.A5.00.01", "inforom": "G520.0200.00.05", "boardID": "256",
        "boardPartNumber": "900-2G500",
        "brand": "14", "computeMode": "0", "persistenceMode": "on", "bar1MiB": "131072",
        "bar1UsedMiB": "2",
        "maxGraphicsClock": "1980", "maxSMClock": "1980", "maxMemoryClock": "2619",
        "graphicsClock": "345",
        "smClock": "345", "memoryClock": "2619", "videoClock": "765", "clockEventReasons": "1",
        "performanceState": "0", "temperature": "34", "temperatureSlowdown": "89",
        "temperatureShutdown": "92",
        "power": "71000", "powerLimit": "700000", "gpuUtilization": "0", "memoryUtilization": "0",
        "pcieGeneration": "1", "pcieMaxGeneration": "5", "pcieWidth": "16", "pcieMaxWidth": "16",
        "pcieReplays": "0",
        "recoveryAction": "0", "memoryReservedMiB": "557",
    ]

    private static let ecc = [
        "ecc": "on", "eccCorrected": "0", "eccUncorrected": "0", "eccCorrectedEver": "0",
        "eccUncorrectedEver": "0",
    ]

    /// GPUs since Ampere remap rows.
    private static let remapping = [
        "remappedRowsCorrectable": "0", "remappedRowsUncorrectable": "0", "remappedRowsPending": "0",
        "remappedRowsFailed": "0", "sramUncorrectedEver": "0", "memoryTemperature": "40",
        "gspEnabled": "on",
        "gspFirmware": "580.105.08",
    ]

    /// GPUs before Ampere retire pages.
    private static let retirement = [
        "retiredPagesSingleBit": "0", "retiredPagesDoubleBit": "0", "retiredPagesPending": "0",
    ]

    private static func physical(_ more: [String: String]...) -> [String: String] {
        more.reduce(board.merging(ecc) { $1 }) { $0.merging($1) { $1 } }
    }

    static let rtxProVGPU = HardwareModel(
        1,
        "NVIDIA RTX Pro 6000 Blackwell DC-4-96Q",
        "id=10de2bb5 memoryMiB=98304 cc=12.0 mig=on virtualization=vgpu license=licensed product=\"NVIDIA RTX vWS\"",
        [
            "architecture": "10", "brand": "10", "computeMode": "0", "ecc": "on",
            "memoryReservedMiB": "2600",
        ]
    ).with(
        "mig 0 uuid=MIG-0 profile=4g.96gb memoryMiB=95616 gi=0 ci=0 sm=188 giSlices=4 ciSlices=4",
        "fault nvmlDeviceGetGpuInstanceById code=4",
        "fault nvmlDeviceGetGpuInstanceProfileInfoV code=3"
    )

    static let h100NVL = HardwareModel(
        2,
        "NVIDIA H100 NVL",
        "id=10de2321 memoryMiB=95830 cc=9.0 mig=off virtualization=passthrough",
        physical(
            remapping,
            ["architecture": "9", "nvlinkLinks": "0xfff", "nvlinkActive": "0xfff", "nvlinkVersion": "4"]
        )
    )

    static let h100SXM = HardwareModel(
        8,
        "NVIDIA H100 80GB HBM3",
        "id=10de2330 memoryMiB=81559 cc=9.0 mig=off",
        physical(
            remapping,
            [
                "architecture": "9", "nvlinkLinks": "0x3ffff", "nvlinkActive": "0x3ffff",
                "nvlinkVersion": "4",
                "fabricState": "3", "fabricHealth": "1", "moduleID": "1", "numaNode": "0",
            ]
        )
    )

    static let b200 = HardwareModel(
        8,
        "NVIDIA B200",
        "id=10de2901 memoryMiB=183359 cc=10.0 mig=off",
        physical(
            remapping,
            [
                "architecture": "10", "nvlinkLinks": "0x3ffff", "nvlinkActive": "0x3fffe",
                "nvlinkVersion": "5",
                "fabricState": "3", "fabricCluster": "6f1cb2a43d0e4b7a9c558d1e2f7a4b60",
                "fabricClique": "7",
                "fabricHealth": "3", "fabricMask": "0x5",
            ]
        )
    )

    private static let a100Traits = physical(
        remapping,
        ["architecture": "7", "nvlinkLinks": "0xfff", "nvlinkActive": "0xfff", "nvlinkVersion": "3"]
    )

    private static func a100Profiles(_ gpu: Int) -> [String] {
        [
            (0, 19, "1g.5gb", 1, 7, 14, 4864), (1, 14, "2g.10gb", 2, 3, 28, 9856),
            (2, 9, "3g.20gb", 3, 2, 42, 19968),
            (3, 5, "4g.20gb", 4, 1, 56, 19968), (4, 0, "7g.40gb", 7, 1, 98, 40192),
            (7, 20, "1g.5gb+me", 1, 1, 14, 4864),
        ].map { number, id, name, slices, instances, sm, memory in
            "profile \(gpu) number=\(number) id=\(id) name=\(name) slices=\(slices) instances=\(instances) sm=\(sm) "
                + "memoryMiB=\(memory)"
        }
    }

    private static func a100(_ mig: [String]) -> HardwareModel {
        var model = HardwareModel(
            8,
            "NVIDIA A100-SXM4-40GB",
            "id=10de20b0 memoryMiB=40960 cc=8.0 mig=MODE",
            a100Traits
        )
        model.lines = zip(model.lines, mig).map { $0.replacing("MODE", with: $1) }
        return model.with(lines: (0..<8).flatMap(a100Profiles))
    }

    /// Two GPUs with different MIG devices, one in MIG mode without a device, one that waits for a reset, four without MIG.
    static let a100Mixed = a100(["on", "on", "on", "off pendingMig=on", "off", "off", "off", "off"])
        .with(
            "mig 0 uuid=MIG-3g profile=3g.20gb memoryMiB=19968 gi=2 ci=0 sm=42 giSlices=3 ciSlices=3 profileId=9 start=4 "
                + "size=4 ciProfileId=2 ciStart=0 ciSize=3",
            "mig 0 uuid=MIG-1g profile=1g.5gb memoryMiB=4864 gi=9 ci=0 sm=14 giSlices=1 ciSlices=1 profileId=19 start=0 "
                + "size=1 ciSize=1",
            "mig 1 uuid=MIG-1c profile=1c.7g.40gb memoryMiB=40192 gi=0 ci=3 sm=14 giSlices=7 ciSlices=1 profileId=0 start=0 "
                + "size=8 ciProfileId=0 ciStart=3 ciSize=1"
        )

    /// Eight GPUs with seven MIG devices each.
    static let a100Full = a100(Array(repeating: "on", count: 8)).with(
        lines: (0..<56).map { number in
            "mig \(number / 7) uuid=MIG-\(number) profile=1g.5gb memoryMiB=4864 gi=\(number % 7 + 7) ci=0 sm=14 "
                + "giSlices=1 ciSlices=1 profileId=19 start=\(number % 7) size=1 ciSize=1"
        }
    )

    /// A time-sliced vGPU; the words say what its license is.
    static func a10VGPU(_ license: String) -> HardwareModel {
        HardwareModel(
            1,
            "NVIDIA A10-24Q",
            "id=10de2236 memoryMiB=24512 cc=8.6 virtualization=vgpu \(license) product=\"NVIDIA RTX vWS\"",
            ["architecture": "7", "brand": "10", "computeMode": "0", "ecc": "on"]
        )
    }

    static let t4 = HardwareModel(
        4,
        "Tesla T4",
        "id=10de1eb8 memoryMiB=15360 cc=7.5",
        physical(retirement, ["architecture": "6", "gspEnabled": "on", "gspFirmware": "580.105.08"])
    )

    static let v100 = HardwareModel(
        4,
        "Tesla V100-SXM2-16GB",
        "id=10de1db1 memoryMiB=16384 cc=7.0",
        physical(
            retirement,
            [
                "architecture": "5", "brand": "2", "nvlinkLinks": "0x3f", "nvlinkActive": "0x3f",
                "nvlinkVersion": "2",
                "memoryTemperature": "33",
            ]
        )
    )

    /// A GPU that shares the memory of the processor.
    static let gb10 = HardwareModel(
        1,
        "NVIDIA GB10",
        "id=10de2e12 cc=12.1",
        [
            "architecture": "10", "brand": "14", "computeMode": "0", "addressingMode": "2",
            "temperature": "41",
            "gpuUtilization": "0", "memoryUtilization": "0", "power": "4000", "graphicsClock": "208",
            "smClock": "208",
            "maxGraphicsClock": "3003", "maxSMClock": "3003", "clockEventReasons": "1",
            "performanceState": "8",
        ]
    ).with("fault nvmlDeviceGetMemoryInfo_v2 code=3", "fault nvmlDeviceGetMemoryInfo code=3")

    /// The H100 of a board of eight that fell off the bus.
    static let oneLost = h100SXM.with("fault nvmlDeviceGetHandleByIndex_v2 code=15 gpu=3")
}
