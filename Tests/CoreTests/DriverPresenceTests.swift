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

    @Test func lacksAProgram() {
        #expect(driver().presence(of: version).without(["nvidia-smi"]) == .withoutProgram)
        #expect(driver().presence(of: version).without([]) == .complete)
        let noCUDA = driver { $0.cudaLibrary = .absent }.presence(of: version)
        #expect(noCUDA.without(["nvidia-smi"]) == noCUDA)
        #expect(DriverPresence.unknown.without(["nvidia-smi"]) == .unknown)
    }

    @Test func lacksTheModule() {
        #expect(DriverFacts.absent.presence(of: version) == .incomplete("the host has no kernel module nvidia"))
        let other = driver().presence(of: "580.105.08")
        #expect(other == .incomplete("the kernel module /m/nvidia.ko is of version 595.91.07"))
    }

    @Test func lacksALibrary() {
        let noCUDA = driver { $0.cudaLibrary = .absent }.presence(of: version)
        #expect(noCUDA == .incomplete("the host has no library libcuda"))
        let noNVML = driver { $0.nvmlLibrary = .absent }.presence(of: version)
        #expect(noNVML == .incomplete("the host has no library libnvidia-ml"))
    }

    /// Neither a success nor a failure follows from a part that cannot be read, or from a second driver.
    @Test func anythingElseIsUnknown() {
        let other = LibraryFile(path: "/l/libcuda.so.1", version: "580.105.08")
        #expect(driver { $0.cudaLibrary = .present(other) }.presence(of: version) == .unknown)
        #expect(driver { $0.nvmlLibrary = .unreadable(.denied) }.presence(of: version) == .unknown)
        #expect(driver { $0.moduleFile = .unreadable(.denied) }.presence(of: version) == .unknown)
        #expect(driver { $0.moduleFile = .skipped("no commands") }.presence(of: version) == .unknown)
        #expect(driver { $0.loadedVersion = .present("580.105.08") }.presence(of: version) == .unknown)
    }

    @Test(arguments: [
        (DriverPresence.complete, 0, InstallerResult.succeeded), (.complete, 1, .succeededInSpiteOfStatus),
        (.incomplete("no module"), 0, .failed(gap: "no module")), (.incomplete("no module"), 1, .failed(gap: nil)),
        (.unknown, 0, .succeeded), (.unknown, 1, .failed(gap: nil)),
        (.withoutProgram, 0, .succeeded), (.withoutProgram, 1, .failed(gap: nil)),
    ])
    func decidesWithTheExitStatus(_ presence: DriverPresence, _ status: Int, _ result: InstallerResult) {
        #expect(presence.result(ofStatus: status) == result)
    }
}
