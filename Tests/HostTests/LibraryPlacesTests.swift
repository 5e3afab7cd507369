import NodeModel
import TestSupport
import Testing

@testable import Host

/// Where the driver's libraries are: in the directories of the dynamic loader, and of immutable systems.
@Suite struct LibraryPlacesTests {
    private let tree: TemporaryDirectory
    private let probe: HostProbe

    init() throws {
        tree = try TemporaryDirectory()
        probe = HostProbe(root: try HostRoot(tree.path), commands: nil)
    }

    private func libraries(_ directory: String, _ version: String) throws {
        for name in ["libnvidia-ml.so", "libcuda.so"] {
            try tree.write("\(directory)/\(name).\(version)", "")
            try tree.link("\(directory)/\(name).1", to: "\(name).\(version)")
        }
    }

    private func driver() async -> DriverFacts { await probe.driverFacts(record: .absent) }

    @Test(
        arguments: [
            "usr/lib/nvidia/tesla", "usr/local/glibc/lib", "usr/local/lib", "home/kubernetes/bin/nvidia/lib64",
            "var/lib/nvidia/lib64", "opt/nvidia/lib64", "run/opengl-driver/lib", "usr/lib/wsl/lib",
        ]
    )
    func knowsThePrefixesOfImmutableSystems(_ directory: String) async throws {
        try libraries(directory, "580.126.09")
        let found = await driver()
        #expect(found.nvmlLibrary.value?.path == "/\(directory)/libnvidia-ml.so.580.126.09")
        #expect(found.cudaLibrary.value?.path == "/\(directory)/libcuda.so.580.126.09")
        #expect(found.otherLibraries == .present([]))
    }

    /// Bottlerocket has its files below a directory of its own, to which `/usr` is a link.
    @Test func followsTheLinksOfBottlerocket() async throws {
        try libraries("x86_64-bottlerocket-linux-gnu/sys-root/usr/lib/nvidia/tesla", "580.126.09")
        try tree.link("usr", to: "x86_64-bottlerocket-linux-gnu/sys-root/usr")
        try tree.link("lib", to: "usr/lib")
        let path = "/x86_64-bottlerocket-linux-gnu/sys-root/usr/lib/nvidia/tesla/libcuda.so.580.126.09"
        #expect(await driver().cudaLibrary == .present(LibraryFile(path: path, version: "580.126.09")))
        #expect(try await probe.driverLibraries().count == 4)
    }

    @Test func findsWhatTheHostHasForVulkan() async throws {
        let nothing = await probe.vulkan()
        #expect(nothing.loader.isAbsent && nothing.driver.isAbsent && nothing.companions.isEmpty)
        try libraries("usr/lib", "580.1")
        for (name, file) in [
            ("libvulkan.so.1", "libvulkan.so.1.4.309"), ("libX11.so.6", "libX11.so.6.4.0"),
            ("libGLX_nvidia.so.0", "libGLX_nvidia.so.580.1"),
        ] {
            try tree.write("usr/lib/\(file)", "")
            try tree.link("usr/lib/\(name)", to: file)
        }
        try tree.write("usr/share/vulkan/icd.d/nvidia_icd.json", "{}")
        let found = await probe.vulkan()
        #expect(found.loader == .present("/usr/lib/libvulkan.so.1.4.309"))
        #expect(found.driver == .present("/usr/share/vulkan/icd.d/nvidia_icd.json"))
        #expect(found.companions.map(\.name) == ["libX11.so.6"])
        #expect(try await probe.driverLibraries().contains { $0.name == "libGLX_nvidia.so.0" })
        // A file of the administrator comes first.
        try tree.write("etc/vulkan/icd.d/nvidia_icd.json", "{}")
        #expect(await probe.vulkan().driver == .present("/etc/vulkan/icd.d/nvidia_icd.json"))
    }

    @Test func readsTheLoadersConfiguration() async throws {
        try tree.write(
            "etc/ld.so.conf",
            "# comment\ninclude /etc/ld.so.conf.d/*.conf\n/opt/first/lib\nhwcap 1 nosegneg\n"
        )
        try tree.write("etc/ld.so.conf.d/b.conf", "/opt/vendor/lib64=libc6 # the driver\n")
        try tree.write("etc/ld.so.conf.d/a.conf", "include deeper/x*.conf\n")
        try tree.write("etc/ld.so.conf.d/ignored.txt", "/opt/ignored\n")
        try tree.write("etc/deeper/x1.conf", "/opt/deeper/lib\n")
        try libraries("opt/vendor/lib64", "580.1")
        try libraries("opt/deeper/lib", "580.2")
        try libraries("opt/ignored", "580.3")
        let found = await driver()
        #expect(found.cudaLibrary.value?.version == "580.2")
        #expect(found.otherLibraries.value?.map(\.version) == ["580.1", "580.1"])
    }

    @Test func aConfigurationThatIncludesItselfEnds() async throws {
        try tree.write("etc/ld.so.conf", "include /etc/ld.so.conf\ninclude *.conf\n/opt/lib\n")
        try libraries("opt/lib", "580.1")
        #expect(await driver().cudaLibrary.value?.version == "580.1")
    }

    /// The libraries of the CUDA toolkit have the names of the driver's, and those for 32-bit programs too.
    @Test func leavesOutTheToolkitAnd32BitLibraries() async throws {
        try tree.write("etc/ld.so.conf", "/usr/local/cuda-13.0/compat\n/usr/lib/i386-linux-gnu\n")
        try libraries("usr/local/cuda-13.0/compat", "580.65.06")
        try libraries("usr/lib/i386-linux-gnu", "535.1")
        for name in ["libnvidia-ml", "libcuda"] {
            try tree.write("usr/lib/i386-linux-gnu/\(name).so.535.1", bytes: [0x7f, 0x45, 0x4c, 0x46, 1, 1])
        }
        try libraries("usr/lib/x86_64-linux-gnu", "570.211.01")
        let found = await driver()
        #expect(found.cudaLibrary.value?.version == "570.211.01")
        #expect(found.nvmlLibrary.value?.version == "570.211.01")
        #expect(found.otherLibraries == .present([]))
    }

    @Test func theCacheOfTheLoaderComesFirst() async throws {
        try tree.write(
            "etc/ld.so.cache",
            bytes: cache([
                (0x0303, "libcuda.so.1", "/opt/cached/libcuda.so.1"), (0x0303, "libc.so.6", "/lib/libc.so.6"),
                (0x0003, "libnvidia-ml.so.1", "/opt/old/libnvidia-ml.so.1"),
                (0x0a03, "libnvidia-ml.so.1", "/opt/cached/libnvidia-ml.so.1"),
                (0x0303, "libcuda.so.1", "/opt/gone/libcuda.so.1"),
            ])
        )
        try libraries("opt/cached", "580.1")
        try libraries("opt/old", "535.1")
        let found = await driver()
        #expect(found.cudaLibrary.value?.path == "/opt/cached/libcuda.so.580.1")
        #expect(found.nvmlLibrary.value?.path == "/opt/cached/libnvidia-ml.so.580.1")
        #expect(found.otherLibraries == .present([]))
    }

    @Test func anOlderTableMayStandBeforeTheCache() {
        let bytes = Array("ld.so-1.7.0".utf8) + [0, 0, 0, 0, 0] + cache([(0x0303, "libcuda.so.1", "/a/libcuda.so.1")])
        #expect(LoaderCache(bytes: bytes).paths(of: ["libcuda.so.1"]) == ["/a/libcuda.so.1"])
    }

    /// A cache that was cut off or that lies about its size says less, and never ends the process.
    @Test func aDamagedCacheSaysLess() {
        let whole = cache([(0x0303, "libcuda.so.1", "/a/libcuda.so.1")])
        for length in 0..<whole.count {
            #expect(LoaderCache(bytes: Array(whole.prefix(length))).paths(of: ["libcuda.so.1"]).count <= 1)
        }
        var lying = whole
        lying.replaceSubrange(20..<24, with: [0xff, 0xff, 0xff, 0xff])
        #expect(LoaderCache(bytes: lying).paths(of: ["libcuda.so.1"]).isEmpty)
        lying = whole
        lying.replaceSubrange(52..<60, with: [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff])
        #expect(LoaderCache(bytes: lying).paths(of: ["libcuda.so.1"]).isEmpty)
    }

    @Test(
        arguments: [
            ("nvidia.conf", "*.conf", true), ("nvidia.conf.bak", "*.conf", false), ("a.conf", "a*f", true),
            ("af", "a*f", true), ("a", "a*a", false), ("x-nvidia-y", "*nvidia*", true), ("x", "x", true),
            ("x-y", "*nvidia*", false),
        ]
    )
    func matchesWildcards(_ name: String, _ pattern: String, _ expected: Bool) {
        #expect(LoaderConfiguration.matches(name, pattern) == expected)
    }

    /// A cache as ldconfig writes it: the header, the entries, and the texts.
    private func cache(_ entries: [(flags: UInt32, key: String, value: String)]) -> [UInt8] {
        func bytes(_ number: UInt32) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: number >> ($0 * 8)) } }
        var texts: [UInt8] = []
        let start = 48 + entries.count * 24
        func place(_ text: String) -> UInt32 {
            defer { texts += Array(text.utf8) + [0] }
            return UInt32(start + texts.count)
        }
        var table: [UInt8] = []
        for entry in entries {
            table += bytes(entry.flags) + bytes(place(entry.key)) + bytes(place(entry.value))
            table += [UInt8](repeating: 0, count: 12)
        }
        let header = Array("glibc-ld.so.cache1.1".utf8) + bytes(UInt32(entries.count)) + bytes(UInt32(texts.count))
        return header + [UInt8](repeating: 0, count: 48 - header.count) + table + texts
    }
}
