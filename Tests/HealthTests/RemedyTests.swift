import CoreSupport
import Health
import NodeModel
import Planning
import Selection
import TestSupport
import Testing

/// Each class of failure of NVIDIA's libraries has its own remedy.
@Suite struct RemedyTests {
    private func nvml(_ failure: ReadFailure) -> String {
        let facts = NodeFacts.h100Ready.with { facts in
            facts.vendor = .present(VendorFacts(nvml: .unreadable(failure), cuda: .absent))
        }
        return Checks(facts: facts, plan: .adoptedH100).report().finding(.nvmlUnavailable)?.remedy.text ?? "none"
    }

    private func gpu(_ detail: String, hypervisor: Bool = false) -> String {
        let facts = NodeFacts.h100Ready.with { $0.host.hypervisor = .present(hypervisor) }
            .withNVML { $0.gpus[0].name = .unreadable(ReadFailure(.vendor, detail)) }
        return Checks(facts: facts, plan: .adoptedH100).report().finding(.gpuUnreadable)?.remedy.text ?? "none"
    }

    private func cuda(
        _ code: Int,
        fabricManager: FabricManagerNeed? = nil,
        _ change: (inout NodeFacts) -> Void = { _ in }
    ) -> String {
        let facts = NodeFacts.h100Ready.with { facts in
            guard var vendor = facts.vendor.value else { return }
            let answer = CUDAFacts(visibleDevices: nil, result: code, errorName: "CUDA_ERROR_X", deviceCount: 0)
            vendor.cuda = .present([answer])
            facts.vendor = .present(vendor)
            change(&facts)
        }
        var plan = Plan.adoptedH100
        plan.decision.fabricManager = fabricManager
        return Checks(facts: facts, plan: plan).report().finding(.cudaFailed)?.remedy.text ?? "none"
    }

    /// Whoever installed the driver has a command that removes it.
    @Test(arguments: [
        ("agent", "Remove the driver with 'gpu-agent uninstall', then run 'gpu-agent install'."),
        ("packages", "(apt-get purge nvidia-driver-595-open)"), ("runfile", "Run nvidia-uninstall on the host"),
        ("dkms", "dkms remove nvidia/595.71.05 --all"), ("nobody", "('nvidia-uninstall' after NVIDIA's installer)"),
    ])
    func aDriverThatMustGoHasACommand(_ owner: String, _ words: String) throws {
        let facts = NodeFacts.h100Ready.with { facts in
            facts.driver.runningModule = .present(
                RunningModule(version: "595.71.05", kernelModuleType: .proprietary)
            )
            if owner != "agent" { facts.driver.record = .absent }
            let package = DriverPackage(manager: .dpkg, name: "nvidia-driver-595-open", version: "595.71.05-1")
            if owner == "packages" { facts.claims.packages = .present([package]) }
            if owner == "runfile" { facts.claims.runfile = .present("595.71.05") }
            let tree = DKMSTree(name: "nvidia", version: "595.71.05", kernels: [])
            if owner == "dkms" { facts.claims.dkms = .present([tree]) }
        }
        let report = Checks(facts: facts, plan: .adoptedH100).report()
        let remedy = try #require(report.finding(.kernelModuleTypeMismatch)?.remedy)
        #expect(remedy.text.contains(words), "\(remedy)")
        #expect(remedy.text.contains("un 'gpu-agent install'."))
        #expect((remedy.command != nil) == (owner == "agent"))
    }

    @Test(arguments: [
        (4, "NVML_ERROR_NO_PERMISSION", "privileged"), (9, "NVML_ERROR_DRIVER_NOT_LOADED", "/dev/nvidiactl"),
        (12, "NVML_ERROR_LIBRARY_NOT_FOUND", "Install its libraries"), (15, "NVML_ERROR_GPU_IS_LOST", "Xid 79"),
        (16, "NVML_ERROR_RESET_REQUIRED", "Reset the GPU"),
        (18, "NVML_ERROR_LIB_RM_VERSION_MISMATCH", "different versions"),
        (999, "NVML_ERROR_UNKNOWN", "Restart the agent's pod"), (17, "NVML_ERROR_OPERATING_SYSTEM", "NVRM"),
    ])
    func anErrorCodeOfNVML(code: Int, name: String, words: String) {
        #expect(nvml(ReadFailure(.vendor, "nvmlInit_v2: \(code) \(name)")).contains(words))
    }

    @Test(arguments: [
        ("15 NVML_ERROR_GPU_IS_LOST", "Xid 79"), ("16 NVML_ERROR_RESET_REQUIRED", "Reset the GPU"),
        ("4 NVML_ERROR_NO_PERMISSION", "privileged"), ("8 NVML_ERROR_INSUFFICIENT_POWER", "power cables"),
        ("999 NVML_ERROR_UNKNOWN", "Xid"),
    ])
    func anErrorCodeAboutAGPU(code: String, words: String) {
        #expect(gpu("nvmlDeviceGetName: \(code)").contains(words))
    }

    @Test func aVirtualMachineRebootsInsteadOfResetting() {
        #expect(gpu("nvmlDeviceGetName: 16 NVML_ERROR_RESET_REQUIRED", hypervisor: true).hasPrefix("Reboot the node."))
    }

    @Test(arguments: [
        (LibraryFault.truncated, "damaged"), (.notALibrary, "damaged"), (.otherArchitecture, "(x86_64)"),
        (.missingFunction, "older than 470"), (.undefinedSymbol, "of the same version"),
        (.missingDependency, "of the same version"), (.untrusted, "chown root:root"),
        (.notExecutable, "noexec"), (.newerCLibrary, "newer image"),
    ])
    func aLibraryThatDoesNotLoad(fault: LibraryFault, words: String) {
        let remedy = nvml(ReadFailure(.library, "/usr/lib64/libnvidia-ml.so.595.71.05 \(fault.rawValue): x"))
        #expect(remedy.contains(words), "\(remedy)")
    }

    /// The texts of the dynamic loader about another library that this one needs.
    @Test(arguments: [
        ("libnvidia-gpucomp.so.580.1: file too short", "is damaged"),
        ("libnvidia-gpucomp.so.580.1: ELF load command past end of file", "is damaged"),
        ("libnvidia-gpucomp.so.580.1: cannot read file data: Input/output error", "is damaged"),
        ("libnvidia-gpucomp.so.580.1: invalid ELF header", "is damaged"),
        ("libnvidia-gpucomp.so.580.1: wrong ELF class: ELFCLASS32", "for this machine's processor"),
        ("libnvidia-gpucomp.so.580.1: failed to map segment from shared object", "noexec"),
        ("/lib/libc.so.6: version `GLIBC_2.38' not found (required by /x/libcuda.so.1)", "newer C library"),
        ("libnvidia-gpucomp.so.580.1: cannot open shared object file: No such file", "needs other libraries"),
        ("libnvidia-ml.so.1: some text of next year", "The driver is incomplete."),
    ])
    func aLibraryThatAnotherOneNeeds(_ text: String, _ words: String) {
        let remedy = nvml(ReadFailure(.library, "cannot load /usr/lib64/libnvidia-ml.so.595.71.05: \(text)"))
        #expect(remedy.contains(words), "\(remedy)")
    }

    @Test(arguments: [
        (34, "stub"), (46, "compute mode"), (100, "nvidia-uvm"), (101, "MIG devices"), (102, "license server"),
        (221, "libnvidia-ptxjitcompiler.so.1"), (304, "privileged"), (802, "nvidia-fabricmanager"),
        (2, "memory of the GPU"), (803, "different versions"), (804, "cuda-compat"), (805, "nvidia-cuda-mps-control"),
        (919, "nvidia-fabricmanager"), (999, "nvidia-uvm"),
        (7777, "nvidia-uvm"),
    ])
    func anErrorCodeOfCUDA(code: Int, words: String) {
        #expect(cuda(code).contains(words))
    }

    /// Root cannot read a broken file either.
    @Test(arguments: [ReadFailure.Reason.permission, .io, .malformed, .hang])
    func rootIsTheRemedyOnlyWhenAccessWasDenied(_ reason: ReadFailure.Reason) throws {
        let failure = ReadFailure(reason, "why")
        // The process that may use the driver of another owner.
        let users = NodeFacts.h100.with { facts in
            facts.driver = .loaded("580.105.08", .open, kind: .grid)
            facts.claims.runfile = .present("580.105.08")
            facts.claims.deviceUsers = .unreadable(failure)
        }
        // The processes that may use the agent's own driver, which no longer fits.
        let own = users.with { facts in
            facts.driver = .loaded("580.105.08", .open, kind: .grid, record: .installed)
            facts.claims.runfile = .absent
        }
        for facts in [
            users, own, NodeFacts.h100.with { $0.host.kernelRelease = .unreadable(failure) },
            .h100.with { $0.host.architecture = .unreadable(failure) },
            .rtxProVGPU.with { $0.host.dmi = .unreadable(failure) },
            .h100.with { $0.claims.driverContainer = .unreadable(failure) },
            .h100.with { $0.driver.moduleFile = .unreadable(failure) },
        ] {
            let remedies = try Plan.made(for: facts, policy: Policy(takeover: true)).obstacles.map(\.remedy.text)
            #expect(!remedies.isEmpty)
            #expect(remedies.contains { $0.contains("as root") } == (reason == .permission), "\(remedies)")
        }
    }

    /// The next install replaces what a power failure left of the agent's own one.
    @Test func damagedFilesOfTheOwnInstallAreNoDriver() throws {
        let damaged = ReadFailure(.malformed, "nvidia.ko: the file ends inside the ELF header")
        let facts = NodeFacts.h100.with { facts in
            facts.driver.record = DriverFacts.loaded("595.71.05", .open, kind: .datacenter, record: .changing).record
            facts.driver.moduleFile = .unreadable(damaged)
        }
        let report = try NodeReport.made(for: facts)
        #expect(report.verdict == .notReady && report.reason == .driverMissing)
        #expect(report.finding(.driverMissing)?.observed.contains("left damaged files") == true)
        #expect(report.finding(.driverUnreadable)?.state != .unknown)
        // Without the record, the files can have any owner.
        let foreign = try NodeReport.made(for: facts.with { $0.driver.record = .absent })
        #expect(foreign.reason == .driverUnreadable)
    }

    /// Root has no more files in a copy of a host than anybody else.
    @Test func aCopyThatLacksAFileNeedsTheFile() throws {
        let copy = NodeFacts.h100.with { $0.host.architecture = .absent }
        let remedies = try Plan.made(for: copy).obstacles.map(\.remedy.text)
        #expect(remedies.contains { $0.contains("has /proc/version or /bin/sh") }, "\(remedies)")
        #expect(!remedies.contains { $0.contains("as root") }, "\(remedies)")
    }

    @Test func theFabricOfAVirtualMachineIsItsHosts() {
        let guest = cuda(802) { $0.host.hypervisor = .present(true) }
        #expect(guest.contains("nothing to repair in this machine, unless") && !guest.contains("systemctl"))
        #expect(guest.hasSuffix("run 'nvidia-smi conf-compute -srs 1'."))
        // A virtual machine that has the switches itself runs the fabric manager itself.
        let whole = cuda(802) { facts in
            facts.host.hypervisor = .present(true)
            var nvSwitch = PCIFunction.h100.at(bus: 7)
            nvSwitch.classCode = 0x0680
            facts.pci = .present([.h100, nvSwitch])
        }
        #expect(whole.contains("systemctl status nvidia-fabricmanager"))
    }

    @Test func theRemedyForTheFabricFollowsTheDecision() {
        let needed = FabricManagerNeed(isNeeded: true, why: "The switches do not appear.")
        let board = cuda(802, fabricManager: needed) { $0.host.hypervisor = .present(true) }
        #expect(board.contains("systemctl") && board.hasSuffix("These GPUs need one. The switches do not appear."))
        let notNeeded = FabricManagerNeed(isNeeded: false, why: "NVSwitch does not connect them.")
        // A machine without a fabric has no fabric manager to start.
        let plain = cuda(802, fabricManager: notNeeded)
        #expect(plain.hasPrefix("These GPUs need no fabric manager. NVSwitch does not connect them."))
        #expect(plain.contains("conf-compute") && !plain.contains("systemctl"))
        let withSwitch = cuda(802, fabricManager: notNeeded) { facts in
            var nvSwitch = PCIFunction.h100.at(bus: 7)
            nvSwitch.classCode = 0x0680
            facts.pci = .present([.h100, nvSwitch])
        }
        #expect(withSwitch.contains("systemctl status nvidia-fabricmanager"))
        #expect(!cuda(802).contains("need one"))
    }

    @Test func everyRemedyIsASentence() {
        let codes = [4, 8, 9, 10, 12, 15, 16, 18, 999].map { nvml(ReadFailure(.vendor, "nvmlInit_v2: \($0) NVML_X")) }
        let faults = LibraryFault.allCases.map { nvml(ReadFailure(.library, "x \($0.rawValue)")) }
        for text in codes + faults
            + [2, 805, 34, 46, 100, 101, 102, 214, 221, 304, 802, 803, 804, 999, 5].map({ cuda($0) })
        {
            #expect(text.first?.isUppercase == true && text.hasSuffix("."), "\(text)")
            #expect(!text.contains("  ") && !text.contains("\n"), "\(text)")
        }
    }
}
