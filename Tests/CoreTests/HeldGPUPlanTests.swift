import CoreSupport
import NodeModel
import Planning
import Selection
import Support
import TestSupport
import Testing

/// The plan on a host on which something else holds the GPUs or the driver.
@Suite struct HeldGPUPlanTests {
    private static let grid = DriverTarget(
        kind: .grid,
        version: PlannerTests.version("595.91.07"),
        kernelModuleType: .open,
        artifact: .verified("https://example.com/x/NVIDIA-grid.run")
    )

    private func install() -> Decision { Decision(action: .install, driver: Self.grid, summary: "install") }

    private func record() -> InstallRecord {
        InstallRecord(
            state: .started,
            kind: .grid,
            version: "595.91.07",
            kernelModuleType: .open,
            kernelRelease: NodeFacts.kernel,
            artifactHash: String(repeating: "cd", count: 32)
        )
    }

    private func steps(_ facts: NodeFacts, _ decision: Decision, _ journal: Journal? = nil) -> [StepID] {
        Planner().plan(facts, decision, journal: journal).steps.map(\.id)
    }

    @Test func aDriverOfTheKernelGivesTheGPUsUp() throws {
        let held = NodeFacts.h100.withGPU { $0.kernelDriver = .present("nouveau") }
        let facts = held.with {
            $0.driver.nouveauLoaded = .present(true)
            $0.driver.loadedModules = .present(["nouveau"])
        }
        let plan = Planner().plan(facts, install(), journal: nil)
        #expect(plan.problems.isEmpty)
        #expect(
            plan.steps.map(\.id) == [.begin, .blacklist, .release, .download, .install, .load, .verify, .finish]
        )
        // A later kernel can bring another one of these drivers.
        let lines = ["nova_drm", "nova_core", "nouveau", "nvidiafb", "rivafb"].map {
            "blacklist \($0)\noptions \($0) modeset=0\n"
        }
        let file = "# gpu-agent: NVIDIA's driver cannot share the GPUs with these drivers.\n" + lines.joined()
        #expect(plan.steps[1].effects.first == .writeFile(path: "/etc/modprobe.d/gpu-agent.conf", text: file))
        #expect(plan.steps.filter(\.disrupts).map(\.id) == [.release])
        #expect(plan.steps[2].failure.code == .rebootRequired)
        // A second attempt in the same boot does not build the initramfs again.
        var again = Journal(record: record())
        again.begin(plan.steps[1], at: Timestamp(1))
        again.end(.blacklist, at: Timestamp(2))
        #expect(steps(facts, install(), again).prefix(2) == [.release, .download])
        // The node has booted again, and the blacklist works.
        var journal = Journal(record: record())
        journal.begin(plan.steps[1], at: Timestamp(1))
        journal.end(.blacklist, at: Timestamp(2))
        #expect(!steps(.h100, install(), journal).contains(.blacklist))
    }

    struct Release: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var holders: [String]
        /// Whether the agent manages only the first GPU.
        var firstOnly = false
        var loaded: [String] = []
        var modules: [String]
        var problems: [ReasonCode] = []
    }

    static let releases = [
        Release(
            testDescription: "nova",
            holders: ["NovaCore"],
            loaded: ["nova_core", "nova_drm"],
            modules: ["nova_drm", "nova_core"]
        ),
        Release(
            testDescription: "a frame buffer driver",
            holders: ["nvidiafb"],
            loaded: ["nvidiafb"],
            modules: ["nvidiafb"]
        ),
        Release(
            testDescription: "nouveau without a GPU",
            holders: ["", ""],
            loaded: ["nouveau"],
            modules: ["nouveau"]
        ),
        Release(
            testDescription: "the firmware's console",
            holders: ["simple-framebuffer"],
            modules: [],
            problems: [.otherGPUDriver]
        ),
        Release(
            testDescription: "nouveau, and the firmware's console on another GPU",
            holders: ["nouveau", "efifb"],
            loaded: ["nouveau"],
            modules: ["nouveau"],
            problems: [.otherGPUDriver]
        ),
        Release(
            testDescription: "a GPU that the agent does not manage",
            holders: ["", "nouveau"],
            firstOnly: true,
            loaded: ["nouveau"],
            modules: [],
            problems: [.nouveauLoaded]
        ),
    ]

    /// Somebody else may use a GPU that the configuration ignores.
    @Test(arguments: releases)
    func onlyDriversOfManagedGPUsAreUnloaded(_ row: Release) {
        let facts = NodeFacts.h100.with { facts in
            facts.pci = .present(
                row.holders.enumerated().map { number, driver in
                    var gpu = PCIFunction.h100.at(bus: UInt8(number + 1))
                    if driver == "simple-framebuffer" || driver == "efifb" {
                        gpu.firmwareDisplay = driver
                    } else if !driver.isEmpty {
                        gpu.kernelDriver = .present(driver)
                    }
                    return gpu
                }
            )
            facts.driver.loadedModules = .present(row.loaded)
            facts.driver.nouveauLoaded = .present(row.loaded.contains("nouveau"))
        }
        var decision = install()
        if row.firstOnly { decision.gpus = [PCIFunction.h100.at(bus: 1).address] }
        let plan = Planner().plan(facts, decision, journal: nil)
        #expect(plan.problems.map(\.code) == row.problems)
        let unloaded = plan.steps.first { $0.id == .release }?.title
        #expect(unloaded == (row.modules.isEmpty ? nil : "unload \(row.modules.joined(separator: " and "))"))
    }

    /// The own driver after the boot of a kernel whose nouveau holds the GPU.
    private static let nouveauCameBack = NodeFacts.h100Ready.withGPU { $0.kernelDriver = .present("nouveau") }.with {
        $0.driver = $0.driver.unloaded
        $0.driver.loadedModules = .present(["nouveau"])
        $0.driver.nouveauLoaded = .present(true)
    }

    @Test func theOwnDriverGetsTheGPUsBack() {
        let adopt = Decision(action: .adopt, summary: "adopt")
        let plan = Planner().plan(Self.nouveauCameBack, adopt, journal: nil)
        #expect(plan.problems.isEmpty)
        #expect(plan.steps.map(\.id) == [.blacklist, .release, .load, .verify])
        // Nothing is installed, so only the initramfs needs space.
        let full = Self.nouveauCameBack.with { facts in
            facts.build.initramfsMebibytes = .present(60)
            for index in facts.build.freeSpace.indices where facts.build.freeSpace[index].path != "/boot" {
                facts.build.freeSpace[index].mebibytes = .present(10)
                facts.build.freeSpace[index].fileSystem = "disk"
            }
        }
        #expect(Planner().plan(full, adopt, journal: nil).problems.isEmpty)
        let withoutRoom = full.with { facts in
            facts.build.freeSpace = [FreeSpace(path: "/boot", mebibytes: .present(10), fileSystem: "boot")]
        }
        #expect(Planner().plan(withoutRoom, adopt, journal: nil).problems.map(\.code) == [.diskSpace])
        // The agent never changes a file of another program.
        let foreign = Self.nouveauCameBack.with {
            $0.driver.surroundings = DriverSurroundings(foreignFiles: [OwnFile.blacklist])
        }
        #expect(Planner().plan(foreign, adopt, journal: nil).problems.map(\.code) == [.foreignFile])
    }

    @Test func nouveauKeepsTheGPUs() {
        let adopt = Decision(action: .adopt, summary: "adopt")
        let back = Self.nouveauCameBack
        // The driver of another owner, a boot in which the driver runs other GPUs, and a GPU that is not managed.
        let ofOthers = back.with { $0.driver.record = .absent }
        let running = back.with { $0.driver.loadedVersion = .present("580.105.08") }
        for facts in [ofOthers, running] {
            #expect(!Planner().plan(facts, adopt, journal: nil).steps.map(\.id).contains(.release))
        }
        var other = adopt
        other.gpus = [PCIFunction.h100.at(bus: 9).address]
        #expect(!Planner().plan(back, other, journal: nil).steps.map(\.id).contains(.release))
    }

    /// Without this, a service that holds the driver would stay stopped after an install that was killed.
    @Test func theServicesOfTheDriverAreStoppedAndStartedAgain() throws {
        let facts = NodeFacts.rtxProVGPU.with {
            $0.driver = .loaded("580.105.08", .open, kind: .grid, record: .installed)
            $0.claims.deviceUsers = .present([.persistenced])
        }
        let plan = Planner().plan(facts, install(), journal: nil)
        #expect(
            plan.steps.map(\.id) == [
                .begin, .download, .unload, .install, .load, .startServices, .verify, .finish,
            ]
        )
        let unload = try #require(plan.steps.first { $0.id == .unload })
        #expect(
            unload.effects == [
                .stopServices(["nvidia-persistenced.service"]),
                .unloadModules(["nvidia_uvm", "nvidia_modeset", "nvidia"]),
            ]
        )
        #expect(unload.title == "stop nvidia-persistenced.service, and unload the old kernel modules")
        // The agent is killed after it has unloaded the modules: nothing holds the driver now.
        var journal = Journal(record: record())
        journal.begin(unload, at: Timestamp(1))
        let stopped = facts.with {
            $0.driver.loadedModules = .present([])
            $0.claims.deviceUsers = .present([])
        }
        let next = Planner().plan(stopped, install(), journal: journal).steps
        #expect(next.map(\.id) == [.download, .unload, .install, .load, .startServices, .verify, .finish])
        // After the start, the journal has no stopped service any more.
        journal.begin(try #require(next.first { $0.id == .startServices }), at: Timestamp(2))
        journal.end(.startServices, at: Timestamp(3))
        #expect(journal.stoppedServices.isEmpty)
    }
}
