import Glibc
import NodeModel

/// The GPUs on which the firmware's console is shown, with the kernel driver that shows it.
///
/// The kernel makes a platform device for the frame buffer that the firmware set up, such as `simple-framebuffer.0`. It
/// is below the PCI function of the GPU, to which no driver is bound. A driver such as simpledrm or efifb is bound to
/// the platform device instead. Source: `drivers/firmware/sysfb.c` of the kernel.
struct FirmwareDisplays {
    private var drivers: [PCIAddress: String] = [:]

    /// Looks for such devices.
    ///
    /// - Parameters:
    ///   - sysfs: The path of sysfs.
    ///   - functions: The PCI functions to look at.
    init(sysfs: String, functions: [PCIAddress]) {
        for (kind, prefix) in [("graphics", "fb"), ("drm", "card")] {
            let kinds = SysfsDirectory(path: "\(sysfs)/class")
            // `card0-DP-1` is a connector of `card0`.
            let names = (kinds.entries(of: [kind]).value ?? []).filter { name in
                name.hasPrefix(prefix) && name.dropFirst(prefix.count).allSatisfy(\.isNumber)
            }
            for name in names { add(deviceAt: "\(sysfs)/class/\(kind)/\(name)/device") }
        }
        for function in functions where drivers[function] == nil {
            let directory = "\(sysfs)/bus/pci/devices/\(function)"
            let children = SysfsDirectory(path: directory).entries(of: ["."]).value ?? []
            for child in children where child.contains("framebuffer") || child.contains("bootfb") {
                add(deviceAt: "\(directory)/\(child)")
            }
        }
    }

    /// The driver that shows the firmware's console on the function; nil when there is none.
    func driver(on function: PCIAddress) -> String? { drivers[function] }

    /// Takes a device that has a driver and is directly below a PCI function.
    private mutating func add(deviceAt path: String) {
        guard let resolved = realpath(path, nil) else { return }
        defer { free(resolved) }
        let real = String(cString: resolved)
        let parts = real.split(separator: "/")
        guard parts.count > 1, let function = PCIAddress(String(parts[parts.count - 2])),
            PCIAddress(String(parts[parts.count - 1])) == nil,
            let driver = SysfsDirectory(path: real).linkName("driver").value
        else { return }
        drivers[function] = driver
    }
}
