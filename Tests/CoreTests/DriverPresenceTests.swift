import NodeModel
import TestSupport
import Testing

/// How much of a driver is on the disk, which decides whether an installer succeeded.
@Suite struct DriverPresenceTests {
    private let version = "595.91.07"

    private func driver(_ change: (inout DriverFacts) -> Void = { _ in }) -> DriverFacts {
        var driver = DriverFacts.absent
        let file = ModuleFile(path: "/m/nvidia.ko", version: version, kernelModuleType: .open)
        driver.moduleFile = .present(file)
        driver.nvmlLibrary = .present(LibraryFile(path: "/l/libnvidia-ml.so.1", version: version))
        driver.cudaLibrary = .present(LibraryFile(path: "/l/libcuda.so.1", version: version))
        change(&driver)
        return driver
    }

    @Test func isCompleteWithTheModuleAndTheLibraries() {
        #expect(driver().presence(of: version) == .complete)
        #expect(driver { $0.loadedVersion = .present(version) }.presence(of: version) == .complete)
    }

    @Test func lacksTheModule() {
        #expect(DriverFacts.absent.presence(of: version) == .noModule("the host has no kernel module nvidia"))
        let other = driver().presence(of: "580.105.08")
        #expect(other == .noModule("the kernel module /m/nvidia.ko is of version 595.91.07"))
    }

    /// Neither a success nor a failure follows from a part that is missing or cannot be read.
    @Test func anythingElseIsUnknown() {
        #expect(driver { $0.cudaLibrary = .absent }.presence(of: version) == .unknown)
        #expect(driver { $0.nvmlLibrary = .unreadable(.denied) }.presence(of: version) == .unknown)
        #expect(driver { $0.moduleFile = .unreadable(.denied) }.presence(of: version) == .unknown)
        #expect(driver { $0.moduleFile = .skipped("no commands") }.presence(of: version) == .unknown)
        #expect(driver { $0.loadedVersion = .present("580.105.08") }.presence(of: version) == .unknown)
    }

    @Test(arguments: [
        (DriverPresence.complete, 0, InstallerResult.succeeded), (.complete, 1, .succeededInSpiteOfStatus),
        (.noModule("no module"), 0, .failed(gap: "no module")), (.noModule("no module"), 1, .failed(gap: nil)),
        (.unknown, 0, .succeeded), (.unknown, 1, .failed(gap: nil)),
    ])
    func decidesWithTheExitStatus(_ presence: DriverPresence, _ status: Int, _ result: InstallerResult) {
        #expect(presence.result(ofStatus: status) == result)
    }
}
