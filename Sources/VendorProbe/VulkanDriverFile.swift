import FoundationEssentials
import Glibc
import SystemPackage

/// The file with which a Vulkan loader finds a driver, such as `nvidia_icd.json`.
///
/// Source: LoaderDriverInterface.md of the Vulkan loader.
struct VulkanDriverFile {
    let path: String

    struct Content: Codable {
        struct Driver: Codable {
            var library_path: String
            var api_version: String?
        }
        /// The version of this form of the file.
        var file_format_version: String?
        var ICD: Driver

        init(_ library: VulkanDriverLibrary) {
            file_format_version = "1.0.1"
            ICD = Driver(library_path: library.path, api_version: library.version)
        }
    }

    /// No such file is longer.
    private static let limit: Int64 = 64 << 10

    /// The library that the file names: a name for the dynamic loader, or a path.
    ///
    /// - Returns: Nil when the file cannot be read, or does not have the expected form.
    var library: String? {
        var status = stat()
        guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_size <= Self.limit,
            let data = try? Data(contentsOf: URL(filePath: path)),
            let name = try? JSONDecoder().decode(Content.self, from: data).ICD.library_path, !name.isEmpty
        else { return nil }
        // A relative path begins at the directory of the file.
        guard name.contains("/"), !name.hasPrefix("/") else { return name }
        return FilePath(path).removingLastComponent().appending(name).string
    }

    /// Loads the driver as the Vulkan loader does, which does not say why it fails.
    ///
    /// - Returns: Why the driver cannot be loaded; nil when it can.
    func loadError() -> String? {
        guard let library else { return "\(FilePath(path).lastComponent?.string ?? path) names no library" }
        guard dlopen(library, RTLD_LAZY | RTLD_LOCAL) == nil else { return nil }
        return dlerror().map { String(cString: $0) } ?? "\(library) cannot be loaded"
    }
}
