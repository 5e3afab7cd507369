import NodeModel
import Testing

/// What the labels and the resources of a Node say about NVIDIA's devices.
@Suite struct OfferedDevicesTests {
    @Test(arguments: [
        ("8", 8), ("0", 0), ("1k", 1000), ("", nil), ("k", nil), ("-1", nil), ("8Gi", nil), ("1500m", nil),
        ("1.5", nil), ("99999999999999999999", nil), ("٣", nil),
    ])
    func onlyWholeNumbersCount(_ quantity: String, _ count: Int?) {
        let devices = OfferedDevices(labels: [:], quantities: ["nvidia.com/gpu": quantity])
        #expect(devices.allocatable == (count.map { ["nvidia.com/gpu": $0] } ?? [:]))
    }

    @Test func onlyNVIDIAsResourcesAreKept() {
        let devices = OfferedDevices(
            labels: ["nvidia.com/device-plugin.config": "a100", "other": "x"],
            quantities: ["cpu": "8", "amd.com/gpu": "4", "nvidia.com/mig-1g.5gb": "7", "pods": "110"]
        )
        #expect(devices == OfferedDevices(configLabel: "a100", allocatable: ["nvidia.com/mig-1g.5gb": 7]))
    }

    @Test func theListIsBounded() {
        let many = Dictionary(uniqueKeysWithValues: (0..<1000).map { ("nvidia.com/r\($0)", "1") })
        #expect(OfferedDevices(labels: [:], quantities: many).allocatable.count == 64)
    }
}
