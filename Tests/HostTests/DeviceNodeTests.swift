import NodeModel
import TestSupport
import Testing

@testable import Host

/// Only a device node that leads to the loaded kernel module is one.
@Suite struct DeviceNodeTests {
    private static let devices = """
        Character devices:
          1 mem
        195 nvidia
        195 nvidiactl
        237 nvidia-caps
        511 nvidia-uvm

        Block devices:
        259 blkext
        195 nvidia-block
        """

    @Test func aRegularFileIsNoDeviceNode() async throws {
        let tree = try TemporaryDirectory()
        for name in ["nvidiactl", "nvidia-uvm", "nvidia-caps/nvidia-cap1"] { try tree.write("dev/\(name)", "") }
        let (nodes, unusable) = DeviceNodeProbe(root: try HostRoot(tree.path)).read()
        #expect(nodes == .present([]))
        #expect(unusable == ["nvidiactl": "is not a device node", "nvidia-uvm": "is not a device node"])
    }

    @Test(
        arguments: [
            ("nvidiactl", 195, nil), ("nvidia0", 195, nil), ("nvidia-modeset", 195, nil), ("nvidia-uvm", 511, nil),
            ("nvidia-uvm", 510, "has the major device number 510, and the kernel module has 511"),
            ("nvidia-uvm", 195, "has the major device number 195, and the kernel module has 511"),
            ("nvidiactl", 1, "has the major device number 1, and the kernel module has 195, 237, 511"),
        ] as [(String, UInt32, String?)]
    )
    func theMajorNumberIsThatOfTheDriver(name: String, major: UInt32, fault: String?) {
        let device = HostFileStatus.DeviceNumbers(major: major, minor: 0)
        let majors = DeviceNodeProbe.majors(in: Self.devices)
        #expect(DeviceNodeProbe.fault(of: name, .characterDevice, device, majors) == fault)
    }

    @Test func anUnloadedModuleHasNoNumber() {
        let device = HostFileStatus.DeviceNumbers(major: 511, minor: 0)
        let loaded = DeviceNodeProbe.majors(in: "195 nvidia\n")
        let fault = "has the major device number 511, and no loaded kernel module has it"
        #expect(DeviceNodeProbe.fault(of: "nvidia-uvm", .characterDevice, device, loaded) == fault)
        // Before the driver is loaded, and in a copied tree without /proc/devices.
        #expect(DeviceNodeProbe.fault(of: "nvidia-uvm", .characterDevice, device, ["mem": [1]]) == nil)
        #expect(DeviceNodeProbe.fault(of: "nvidia-uvm", .pipe, nil, [:]) == "is not a device node")
    }
}
