import Glibc
import NodeModel
import TestSupport
import Testing

@testable import Host

/// Finds the kernel that is likely to run after the next boot.
@Suite struct PendingKernelTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var running = "6.1.0-56-cloud-amd64"
        var images: [String] = []
        var modules: [String] = []
        /// The release in the headers of each kernel.
        var headers: [String: String] = [:]
        var found: Reading<PendingKernel>
    }

    private static func kernel(
        _ release: String,
        module: Bool = false,
        headers: String? = nil
    ) -> Reading<PendingKernel> {
        .present(
            PendingKernel(
                release: release,
                hasModule: module,
                hasHeaders: headers == release,
                headersRelease: headers
            )
        )
    }

    static let cases = [
        Case(
            testDescription: "the running one is the newest",
            images: ["boot/vmlinuz-6.1.0-56-cloud-amd64", "boot/vmlinuz-6.1.0-9-cloud-amd64"],
            modules: ["6.1.0-9-cloud-amd64/updates/dkms/nvidia.ko"],
            found: .absent
        ),
        Case(
            testDescription: "a newer one, without a module",
            images: ["boot/vmlinuz-6.1.0-57-cloud-amd64"],
            modules: ["6.1.0-57-cloud-amd64/modules.dep"],
            headers: ["6.1.0-57-cloud-amd64": "6.1.0-57-cloud-amd64"],
            found: kernel("6.1.0-57-cloud-amd64", headers: "6.1.0-57-cloud-amd64")
        ),
        Case(
            testDescription: "a newer one, whose directory has the headers of the running one",
            images: ["boot/vmlinuz-6.1.0-57-cloud-amd64"],
            headers: ["6.1.0-57-cloud-amd64": "6.1.0-56-cloud-amd64"],
            found: kernel("6.1.0-57-cloud-amd64", headers: "6.1.0-56-cloud-amd64")
        ),
        Case(
            testDescription: "a newer one, with a makefile and no release of its headers",
            images: ["boot/vmlinuz-6.1.0-57-cloud-amd64"],
            modules: ["6.1.0-57-cloud-amd64/build/Makefile"],
            found: kernel("6.1.0-57-cloud-amd64")
        ),
        Case(
            testDescription: "the newest of three, with a module",
            images: ["boot/vmlinuz-6.1.0-57-cloud-amd64", "boot/vmlinuz-6.1.0-100-cloud-amd64"],
            modules: ["6.1.0-57-cloud-amd64/x", "6.1.0-100-cloud-amd64/updates/dkms/nvidia.ko.xz"],
            found: kernel("6.1.0-100-cloud-amd64", module: true)
        ),
        Case(
            testDescription: "one of another variant",
            images: ["boot/vmlinuz-6.1.0-60-amd64"],
            modules: ["6.1.0-60-amd64/x"],
            found: .absent
        ),
        Case(testDescription: "the remainder of a removed one", modules: ["6.1.0-60-cloud-amd64/x"], found: .absent),
        Case(
            testDescription: "Red Hat's, whose image is beside the modules",
            running: "5.14.0-503.el9.x86_64",
            images: ["lib/modules/5.14.0-570.12.1.el9.x86_64/vmlinuz"],
            found: kernel("5.14.0-570.12.1.el9.x86_64")
        ),
        Case(
            testDescription: "Ubuntu's",
            running: "6.8.0-1021-azure",
            images: ["boot/vmlinuz-6.8.0-1022-azure", "boot/vmlinuz-6.11.0-1008-azure"],
            modules: ["6.8.0-1022-azure/x", "6.11.0-1008-azure/kernel/nvidia-580/nvidia.ko"],
            found: kernel("6.11.0-1008-azure")
        ),
    ]

    @Test(arguments: cases)
    func findsTheNewestOfTheSameVariant(_ row: Case) throws {
        let tree = try TemporaryDirectory()
        for path in row.images + row.modules.map({ "lib/modules/\($0)" }) { try tree.write(path, "") }
        for (kernel, release) in row.headers {
            let build = "lib/modules/\(kernel)/build"
            try tree.write("\(build)/Makefile", "")
            try tree.write("\(build)/include/generated/utsrelease.h", "#define UTS_RELEASE \"\(release)\"\n")
        }
        let probe = PendingKernelProbe(root: try HostRoot(tree.path))
        let found = probe.read(running: .present(row.running)).map { kernel in
            var kernel = kernel
            kernel.buildBasis = nil
            return kernel
        }
        #expect(found == row.found)
    }

    /// A kernel refuses a module of another one, so such a file does not make the next boot a good one.
    @Test(
        arguments: [
            ("6.1.0-57-amd64 SMP mod_unload", true), ("6.1.0-56-amd64 SMP mod_unload", false), (nil, true),
        ] as [(String?, Bool)]
    )
    func aModuleOfAnotherKernelIsNone(_ vermagic: String?, _ counts: Bool) throws {
        let tree = try TemporaryDirectory()
        try tree.write("boot/vmlinuz-6.1.0-57-amd64", "")
        let fields = ["version=595.91.07", "license=NVIDIA", vermagic.map { "vermagic=\($0)" } ?? "name=nvidia"]
        let file = moduleFile(fields[0], fields[1], fields[2])
        try tree.write("lib/modules/6.1.0-57-amd64/kernel/drivers/video/nvidia.ko", bytes: file)
        let probe = PendingKernelProbe(root: try HostRoot(tree.path))
        let kernel = try #require(probe.read(running: .present("6.1.0-56-amd64")).value)
        #expect(kernel.hasModule == counts && kernel.moduleVersion == (counts ? "595.91.07" : nil))
    }

    /// The image of the kernel brings its configuration, so the compiler is known before the headers are there.
    @Test(arguments: [
        "boot/config-6.1.0-57-amd64", "lib/modules/6.1.0-57-amd64/config",
        "lib/modules/6.1.0-57-amd64/build/include/config/auto.conf",
    ])
    func readsTheCompilerOfTheKernel(_ path: String) throws {
        let tree = try TemporaryDirectory()
        let probe = PendingKernelProbe(root: try HostRoot(tree.path))
        try tree.write("boot/vmlinuz-6.1.0-57-amd64", "")
        try tree.write(path, "CONFIG_X86=y\nCONFIG_GCC_VERSION=140200\n")
        func pending() -> PendingKernel? { probe.read(running: .present("6.1.0-56-amd64")).value }
        let build = "lib/modules/6.1.0-57-amd64/build/include/generated/utsrelease.h"
        try tree.write(build, "#define UTS_RELEASE \"6.1.0-57-amd64\"\n")
        #expect(pending()?.compiler == Compiler(kind: .gcc, version: "14.2.0"))
        #expect(pending()?.namedCompiler == nil)
        try tree.write("usr/bin/gcc-14", "")
        #expect(chmod(tree.path("usr/bin/gcc-14"), 0o755) == 0)
        #expect(pending()?.namedCompiler == "/usr/bin/gcc-14")
        // The headers of another kernel say nothing about this one.
        try tree.write(build, "#define UTS_RELEASE \"6.1.0-56-amd64\"\n")
        #expect((pending()?.compiler == nil) == path.contains("build"))
    }

    /// A failed build is repeated when the headers or a compiler changed, so nothing else may change the fingerprint.
    @Test func theBasisOfABuildFollowsTheHeadersAndTheCompilers() throws {
        let tree = try TemporaryDirectory()
        let build = "lib/modules/6.1.0-57-amd64/build"
        try tree.write("boot/vmlinuz-6.1.0-57-amd64", "")
        try tree.write("boot/config-6.1.0-57-amd64", "CONFIG_GCC_VERSION=140200\n")
        try tree.makeDirectory("lib/modules/6.1.0-57-amd64")
        let probe = PendingKernelProbe(root: try HostRoot(tree.path))
        func basis() throws -> String {
            try #require(probe.read(running: .present("6.1.0-56-amd64")).value?.buildBasis)
        }
        var seen = [try basis()]
        for path in ["\(build)/Makefile", "\(build)/scripts/sign-file", "usr/bin/cc", "usr/bin/gcc-14"] {
            try tree.write(path, "")
            seen.append(try basis())
            // The same content in another file, as after another install of the package.
            try tree.write("new", "")
            #expect(rename(tree.path("new"), tree.path(path)) == 0)
            seen.append(try basis())
        }
        #expect(Set(seen).count == seen.count)
        try tree.write("\(build)/other", "")
        try tree.write("usr/bin/gcc-13", "")
        #expect(try basis() == seen.last)
    }

    @Test func isNotKnownWithoutTheRunningOne() throws {
        let tree = try TemporaryDirectory()
        let probe = PendingKernelProbe(root: try HostRoot(tree.path))
        #expect(probe.read(running: .absent) == .absent)
        #expect(probe.read(running: .unreadable(.denied)).failure == .denied)
    }

    @Test func numbersWithoutBoundAndOtherTextDoNoHarm() {
        let endless = KernelRelease("6.\(String(repeating: "9", count: 400))-x")
        #expect(endless.isNewer(than: KernelRelease("6.1-x")))
        #expect(!KernelRelease("").isNewer(than: KernelRelease("")))
    }
}
