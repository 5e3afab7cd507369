extension PCIFunction {
    /// Who holds a GPU, judged by the kernel driver that is bound to its PCI function.
    ///
    /// Only one kernel driver can be bound to a function. So NVIDIA's driver cannot use a GPU that another driver
    /// holds. A driver that shows the firmware's console holds the GPU without being bound to its function.
    package enum Holder: Sendable, Equatable {
        /// NVIDIA's driver, or no driver, or a driver whose name the agent could not read.
        case nobodyElse
        /// A driver that keeps the function for virtual machines, such as `vfio-pci`, `pci-stub` or Xen's `pciback`.
        case virtualMachines(driver: String)
        /// A driver of another purpose, such as `uio_pci_generic`. Its owner keeps the function on purpose.
        case otherSoftware(driver: String)
        /// Another driver for displays, such as `nouveau`, `nova_core` or `simple-framebuffer`. It stands in the way.
        case displayDriver(String)
    }

    /// Who holds the GPU.
    package var holder: Holder {
        if kernelDriver.isAbsent, let firmwareDisplay { return .displayDriver(firmwareDisplay) }
        guard let driver = kernelDriver.value, !Self.nvidiaDrivers.contains(driver) else { return .nobodyElse }
        if driver.contains("vfio") || Self.stubs.contains(driver) { return .virtualMachines(driver: driver) }
        let showsImages = displayDevices.value.map { !$0.isEmpty } ?? false
        if showsImages || Self.displayDrivers.contains(driver.normalizedAsModule) { return .displayDriver(driver) }
        return .otherSoftware(driver: driver)
    }

    /// Whether the function is kept for virtual machines or for other software, so that no pod can use it.
    package var isReserved: Bool {
        switch holder {
        case .virtualMachines, .otherSoftware: true
        case .nobodyElse, .displayDriver: false
        }
    }

    /// The names under which NVIDIA's own kernel modules bind to GPUs and to NVSwitch functions.
    private static let nvidiaDrivers: Set = ["nvidia", "nvidia-nvswitch", "nvgpu"]

    /// Drivers that only reserve a function, so that a hypervisor can hand it to a guest.
    private static let stubs: Set = ["pci-stub", "pciback", "xen-pciback", "xen_pciback"]

    /// Drivers of the kernel that show images on NVIDIA's GPUs: DRM drivers, and frame buffers (fbdev, sysfb).
    private static let displayDrivers: Set = [
        "nouveau", "nova", "nova_core", "nova_drm", "novacore", "nvidiafb", "rivafb", "simpledrm", "simple_framebuffer",
        "efidrm", "vesadrm", "efifb", "efi_framebuffer", "vesafb", "vesa_framebuffer", "vga16fb",
    ]
}

extension String {
    /// The name of a driver in the form of a kernel module's name: `nova_core` for `nova-core`.
    fileprivate var normalizedAsModule: String { lowercased().replacing("-", with: "_") }
}
