package import NodeModel

/// What the host has for Vulkan: the loader of Khronos, and the file that names the driver of NVIDIA.
package struct VulkanFiles: Sendable {
    /// The real path of `libvulkan.so.1`.
    package var loader: Reading<String>
    /// The path of `nvidia_icd.json`; absent when the host does not have it.
    package var driver: Reading<String>
    /// The libraries of X11 that the driver needs.
    package var companions: [DriverLibrary]

    /// Where the installer of NVIDIA and the packages of the distributions put the file.
    static let drivers: [HostPath] = [
        "/etc/vulkan/icd.d/nvidia_icd.json", "/usr/share/vulkan/icd.d/nvidia_icd.json",
        "/usr/share/vulkan/icd.d/nvidia_icd.x86_64.json", "/usr/share/vulkan/icd.d/nvidia_icd.aarch64.json",
        "/usr/local/share/vulkan/icd.d/nvidia_icd.json",
    ]
}
