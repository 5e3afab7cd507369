import FoundationEssentials
import Host
import NodeModel
import TestSupport
import Testing

@Suite struct OperatorDriverProbeTests {
    private let tree: TemporaryDirectory
    private let root: HostRoot
    private var check: OperatorDriverCheck { get async { await OperatorDriverProbe(root: root).check() } }

    init() throws {
        tree = try TemporaryDirectory()
        root = try HostRoot(tree.path)
    }

    private func program(_ path: String, _ content: String = "#!", mode: Int = 0o755) throws {
        try tree.write(path, content)
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: tree.path(path))
    }

    @Test(arguments: ["usr/bin/nvidia-smi", "usr/sbin/nvidia-smi", "opt/bin/nvidia-smi"])
    func findsTheDriver(_ path: String) async throws {
        try program(path)
        try tree.write("usr/lib/x86_64-linux-gnu/libnvidia-ml.so.1", "x")
        #expect(await check == .host)
    }

    @Test func knowsALibraryThatTheLoaderDoesNotFind() async throws {
        try program("usr/bin/nvidia-smi")
        try tree.write("usr/lib64/libnvidia-ml.so.1", "x")
        // A cache without the library: the loader of Debian does not search /usr/lib64.
        try tree.write("etc/ld.so.cache", "glibc-ld.so.cache1.1" + String(repeating: "\0", count: 28))
        #expect(await check == .missing("the dynamic loader of the host does not find libnvidia-ml.so.1"))
    }

    /// The operator takes only a file with content that may be executed.
    @Test(arguments: [("", 0o755), ("#!", 0o644)])
    func doesNotTakeAnyFile(_ content: String, _ mode: Int) async throws {
        try program("usr/bin/nvidia-smi", content, mode: mode)
        try tree.write("usr/lib64/libnvidia-ml.so.1", "x")
        #expect(await check == .missing("nvidia-smi is in none of the directories where it looks"))
    }

    @Test func anEmptyHostHasNoDriver() async {
        #expect(await check == .missing("nvidia-smi is in none of the directories where it looks"))
    }
}
