import NodeModel
import SystemPackage
import Testing

/// Compares this project's declarations of Vulkan with the header of Khronos.
@Suite struct VulkanHeaderTests {
    private static let ours = CHeader(path: "\(Toolbox.repository)/Sources/CVendor/include/gpa_vulkan.h")

    /// The common name of each type that the headers name differently.
    private static let names = Dictionary(HeaderLayout.vulkan.map { ($0.theirs, $0.ours) }) { first, _ in first }
        .merging([
            "VkResult": "gpa_vulkan_result_t", "VkInstance": "gpa_vulkan_instance_t",
            "VkPhysicalDevice": "gpa_vulkan_gpu_t", "VkDevice": "gpa_vulkan_device_t",
            "VkAllocationCallbacks": "void",
        ]) { first, _ in first }

    /// Debian's releases with another version of the header each: 1.3.239 and 1.4.309.
    static let releases = ["bookworm", "trixie"]

    private func header(of release: String) async throws -> CHeader {
        let package = DebianPackage(suite: release, component: "main", name: "libvulkan-dev")
        let path = try await package.path(of: "vulkan_core.h")
        return CHeader(path: path, includes: FilePath(path).removingLastComponent().removingLastComponent().string)
    }

    @Test func everyStructOfOurHeaderIsCompared() throws {
        let structs = try Toolbox.read(Self.ours.path).matches(of: /\} (gpa_\w+_t);/).map { String($0.1) }
        #expect(Set(structs) == Set(HeaderLayout.vulkan.map(\.ours) + ["gpa_vulkan_functions_t"]))
    }

    @Test(arguments: releases)
    func ourDeclarationsAreThoseOfKhronos(release: String) async throws {
        // The names of the error codes that a finding shows, each with its number before it.
        let results = (-20...0).map { VulkanFacts.name(of: $0).split(separator: " ").map(String.init) }
            .compactMap { words -> (String, String)? in words.count == 2 ? (words[1], words[0]) : nil }
        #expect(results.count > 5)
        let constants = HeaderLayout.vulkanConstants + results
        let theirs = try await header(of: release).values(
            layouts: HeaderLayout.vulkan.map { ($0.theirs, $0.members.map(\.theirs)) },
            constants: constants.map(\.0)
        )
        let ours = try await Self.ours.values(
            layouts: HeaderLayout.vulkan.map { ($0.ours, $0.members.map(\.ours)) },
            constants: constants.map(\.1)
        )
        #expect(ours == theirs)
    }

    /// Each function has the parameters and the result of the header.
    @Test(arguments: releases)
    func ourFunctionsHaveTheParametersOfKhronos(release: String) async throws {
        let theirs = try await header(of: release).preprocessed()
            .matches(of: /\n ?(VkResult|void) +vk(\w+)\(([^()]*)\);/)
            .reduce(into: [String: [String]]()) {
                $0[String($1.2)] = CHeader.parameters("\($1.1), \($1.3)", names: Self.names)
            }
        let ours = try Toolbox.read(Self.ours.path)
            .matches(of: /FUNCTION\(\s*\\?\s*(gpa_\w+|void), (\w+),([^()]*)\)/)
        #expect(ours.count == 7)
        for function in ours {
            let signature = CHeader.parameters("\(function.1), \(function.3)", names: Self.names)
            #expect(signature == theirs[String(function.2)], "vk\(function.2)")
        }
    }
}
