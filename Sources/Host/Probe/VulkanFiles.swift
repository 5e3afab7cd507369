import FoundationEssentials
package import NodeModel

/// What the host has for Vulkan: the loader of Khronos, and the file that names the driver of NVIDIA.
package struct VulkanFiles: Sendable {
    /// The file that names the driver, with all symbolic links followed.
    package struct DriverFile: Sendable, Equatable {
        /// The real path of the file.
        package var path: HostPath
        /// The real path of the library, when the file names it by a path; nil when it has only a name, such as
        /// `libGLX_nvidia.so.0`, for the dynamic loader.
        package var library: HostPath?
        /// The version of Vulkan that the file gives; nil without one.
        package var version: String?
    }

    /// The real path of `libvulkan.so.1`.
    package var loader: Reading<String>
    /// The path of `nvidia_icd.json`, as the host names it; absent when the host does not have it.
    package var driver: Reading<String>
    /// The same file as the agent opens it; nil when it cannot be read.
    package var driverFile: DriverFile?
    /// The libraries of X11 that the driver needs.
    package var companions: [DriverLibrary]

    /// Where the installer of NVIDIA, the packages of the distributions and container images put the file.
    ///
    /// `/usr/local/nvidia` and `/home/kubernetes/bin/nvidia` are those of GKE and of NVIDIA's images.
    static let drivers: [HostPath] = [
        "/etc/vulkan/icd.d/nvidia_icd.json", "/usr/share/vulkan/icd.d/nvidia_icd.json",
        "/usr/share/vulkan/icd.d/nvidia_icd.x86_64.json", "/usr/share/vulkan/icd.d/nvidia_icd.aarch64.json",
        "/usr/local/share/vulkan/icd.d/nvidia_icd.json", "/usr/local/nvidia/share/vulkan/icd.d/nvidia_icd.json",
        "/usr/local/nvidia/vulkan/icd.d/nvidia_icd.json", "/home/kubernetes/bin/nvidia/vulkan/icd.d/nvidia_icd.json",
    ]
}

extension VulkanFiles.DriverFile {
    private struct Content: Decodable {
        struct Driver: Decodable {
            var library_path: String
            var api_version: String?
        }
        var ICD: Driver
    }

    /// No such file is longer.
    private static let limit = 64 << 10

    /// Reads the file at a path of the host; nil when it is not there.
    ///
    /// A path in it is one of the host: an absolute one begins at the root of the host, and a relative one at the directory
    /// of the file (LoaderDriverInterface.md of the Vulkan loader). A library that is not there stays as the file has it, so
    /// that the test of Vulkan names it.
    init?(_ root: HostRoot, at path: HostPath) {
        guard let real = try? root.resolve(path) else { return nil }
        self.init(path: real, library: nil, version: nil)
        // The test of Vulkan says what is wrong with a file of another form.
        guard let bytes = try? root.read(real, limit: Self.limit),
            let driver = try? JSONDecoder().decode(Content.self, from: Data(bytes)).ICD,
            driver.library_path.contains("/")
        else { return }
        let name = driver.library_path
        let named = HostPath(absolute: name.hasPrefix("/") ? name : "\(real.parent.text)/\(name)")
        (library, version) = (named.map { (try? root.resolve($0)) ?? $0 }, driver.api_version)
    }
}
