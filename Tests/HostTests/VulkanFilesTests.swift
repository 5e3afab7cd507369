import Glibc
import NodeModel
import TestSupport
import Testing

@testable import Host

/// The file that names the Vulkan driver of a host, and its library there.
@Suite struct VulkanFilesTests {
    struct Row: Sendable, CustomTestStringConvertible {
        var testDescription: String { "\(file): \(content)" }
        /// The place of the file.
        var file = "usr/share/vulkan/icd.d/nvidia_icd.json"
        var content: String
        /// The path of the library on the host.
        var library: String?
    }

    static let rows = [
        Row(content: "libGLX_nvidia.so.0"),
        Row(content: "/opt/driver/libGLX_nvidia.so.0", library: "/opt/real/libGLX_nvidia.so.580"),
        Row(content: "../lib/libGLX_nvidia.so.0", library: "/usr/share/vulkan/lib/libGLX_nvidia.so.0"),
        Row(content: "/opt/driver/none.so", library: "/opt/driver/none.so"),
        Row(file: "usr/local/nvidia/share/vulkan/icd.d/nvidia_icd.json", content: "libGLX_nvidia.so.0"),
        Row(file: "home/kubernetes/bin/nvidia/vulkan/icd.d/nvidia_icd.json", content: "libGLX_nvidia.so.0"),
    ]

    @Test(arguments: rows)
    func findsTheLibrary(_ row: Row) async throws {
        let tree = try TemporaryDirectory()
        try tree.write(row.file, #"{"ICD": {"library_path": "\#(row.content)", "api_version": "1.4.312"}}"#)
        try tree.write("opt/real/libGLX_nvidia.so.580", "")
        try tree.write("usr/share/vulkan/lib/libGLX_nvidia.so.0", "")
        // An absolute link is one of the host, and not of the agent.
        #expect(symlink("/opt/real", tree.path("opt/driver")) == 0)
        #expect(symlink("libGLX_nvidia.so.580", tree.path("opt/real/libGLX_nvidia.so.0")) == 0)
        let files = await HostProbe(root: try HostRoot(tree.path), commands: nil).vulkan()
        #expect(files.driver == .present("/\(row.file)"))
        #expect(files.driverFile?.path.text == "/\(row.file)")
        #expect(files.driverFile?.library?.text == row.library)
    }

    /// A link that the host's alternatives system makes is followed in the root of the host.
    @Test func followsTheLinksOfTheHost() async throws {
        let tree = try TemporaryDirectory()
        try tree.write("etc/alternatives/nvidia_icd.json", "[")
        try tree.makeDirectory("etc/vulkan/icd.d")
        #expect(symlink("/etc/alternatives/nvidia_icd.json", tree.path("etc/vulkan/icd.d/nvidia_icd.json")) == 0)
        let files = await HostProbe(root: try HostRoot(tree.path), commands: nil).vulkan()
        #expect(files.driverFile?.path == "/etc/alternatives/nvidia_icd.json" && files.driverFile?.library == nil)
    }
}
