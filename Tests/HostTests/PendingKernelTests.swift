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
        var found: Reading<PendingKernel>
    }

    private static func kernel(_ release: String, module: Bool = false, headers: Bool = false) -> Reading<PendingKernel>
    {
        .present(PendingKernel(release: release, hasModule: module, hasHeaders: headers))
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
            modules: ["6.1.0-57-cloud-amd64/modules.dep", "6.1.0-57-cloud-amd64/build/Makefile"],
            found: kernel("6.1.0-57-cloud-amd64", headers: true)
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
        let probe = PendingKernelProbe(root: try HostRoot(tree.path))
        #expect(probe.read(running: .present(row.running)) == row.found)
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
