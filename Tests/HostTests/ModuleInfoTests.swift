import Glibc
import Subprocess
import Support
import SystemPackage
import TestSupport
import Testing

@testable import Host

@Suite struct ModuleInfoTests {
    private static let texts = "license=Dual MIT/GPL\0version=580.105.08\0supported=external\0alias=a\0alias=b\0noise\0"

    @Test func readsTheSection() throws {
        let info = try ModuleInfo(moduleFile(Array(Self.texts.utf8)))
        #expect(info.fields["version"] == "580.105.08")
        #expect(info.fields["license"] == "Dual MIT/GPL")
        #expect(info.fields["alias"] == "a")
        #expect(info.fields["noise"] == nil)
    }

    @Test(.enabled(if: access("/usr/bin/cc", X_OK) == 0, "needs a C compiler"))
    func readsWhatACompilerWrites() async throws {
        let directory = try TemporaryDirectory()
        let source = """
            __attribute__((section(".modinfo"), used)) static const char license[] = "license=NVIDIA";
            __attribute__((section(".modinfo"), used, aligned(16))) static const char version[] = "version=595.91.07";
            """
        try directory.write("nvidia.c", source)
        _ = try await Subprocess.run(
            .path("/usr/bin/cc"),
            arguments: ["-g", "-c", directory.path("nvidia.c"), "-o", "\(directory.path)/nvidia.ko"],
            output: .discarded,
            error: .currentStandardError
        )
        guard let file = try HostRoot(directory.path).openFile("/nvidia.ko") else {
            Issue.record("nothing was compiled")
            return
        }
        let info = try ModuleInfo { try file.read(at: $0, count: $1) }
        #expect(info.fields == ["license": "NVIDIA", "version": "595.91.07"])
    }

    @Test func refusesWhatIsNoModule() {
        #expect(throws: MessageError("the file ends inside the ELF header")) { try ModuleInfo([]) }
        #expect(throws: MessageError("it is not a 64-bit little-endian ELF file")) {
            try ModuleInfo(Array(repeating: 0, count: 64))
        }
        #expect(throws: MessageError("it has no .modinfo section")) {
            try ModuleInfo(moduleFile(Array(Self.texts.utf8), name: ".modinfo2"))
        }
    }

    @Test func isNotLedAstrayByBrokenTables() throws {
        let whole = moduleFile(Array(Self.texts.utf8))
        for length in 0..<whole.count {
            #expect(throws: MessageError.self) { try ModuleInfo(Array(whole[..<length])) }
        }
        for offset in whole.indices {
            var broken = whole
            broken[offset] = 0xff
            // A module, or the typed error; never a trap and never a huge read.
            do { _ = try ModuleInfo(broken) } catch { #expect(error is MessageError) }
        }
    }
}

extension ModuleInfo {
    /// Reads from memory, and fails the test when a read is larger than such a file needs.
    fileprivate init(_ file: [UInt8]) throws {
        try self.init { offset, count in
            #expect(count <= 4 << 20)
            guard let start = Int(exactly: offset), start < file.count else { return [] }
            return Array(file[start..<min(file.count, start + count)])
        }
    }
}
