import Catalog
import CoreSupport
import NodeModel
import Selection
import TestSupport
import Testing

/// Decisions with small catalogs, and the other contents of a decision.
@Suite struct SelectionTests {
    private func decide(_ facts: NodeFacts, _ catalog: Catalog, _ policy: Policy = Policy()) -> Decision {
        Selection(catalog: catalog, policy: policy).decide(facts)
    }

    private let h100 = PCIID(vendor: 0x10de, device: 0x2321)
    private let pair = VGPUTypeKey(device: 0x2bb5, subsystemDevice: 0x2187)

    private func h100(_ kernelModuleTypes: [KernelModuleType], _ branches: ClosedRange<Int>? = nil) -> CatalogGPU {
        CatalogGPU(
            id: h100,
            name: "H100",
            architecture: "hopper",
            kernelModuleTypes: kernelModuleTypes,
            minBranch: branches?.lowerBound,
            maxBranch: branches?.upperBound
        )
    }

    @Test func aNewerDriverWithoutAChecksumIsPassedOverAndNamed() throws {
        var newest = try CatalogDriver.datacenter("610.10.01")
        newest.artifact.digest = nil
        let catalog = try fourDriverCatalog().merged(with: Catalog(drivers: [newest]))
        let decision = decide(.h100, catalog)
        #expect(SelectionCase.Expected(decision) == .install(Driver.datacenter595))
        #expect(
            decision.evidence.contains {
                $0.statement == "datacenter-610.10.01-x86_64 is newer, but the catalog has no checksum for the package."
            }
        )
    }

    /// The first possible driver is the choice of the agent, and the driver on the host does not count.
    @Test func findsAllDriversThatCanBeChosen() throws {
        let catalog = try fourDriverCatalog()
        func possible(_ facts: NodeFacts, _ policy: Policy = Policy()) -> [String] {
            Selection(catalog: catalog, policy: policy).possibleDrivers(facts).drivers.map(\.identity)
        }
        let both = ["datacenter-595.71.05-x86_64", "datacenter-580.159.04-x86_64"]
        #expect(possible(.h100) == both && possible(.h100Ready) == both)
        #expect(possible(.h100, Policy(branch: 580)) == ["datacenter-580.159.04-x86_64"])
        #expect(possible(.rtxProVGPU).first == "grid-azure-595.91.07-x86_64")
        #expect(possible(.noGPU) == [] && possible(.unknownGPU) == [])
        var unverified = catalog
        for index in unverified.drivers.indices { unverified.drivers[index].artifact.digest = nil }
        let none = Selection(catalog: unverified, policy: Policy()).possibleDrivers(.h100)
        #expect(none.drivers == [] && none.decision.problems.map(\.code) == [.artifactWithoutHash])
    }

    /// The catalog knows the release of the host by its other drivers, also after these were found.
    @Test func thePossibleDriversOfAGuestFitItsHost() throws {
        var catalog = try fourDriverCatalog()
        catalog.vgpuTypes[pair]?.minBranch = nil
        var old = try #require(catalog.drivers.last { $0.kind == .grid })
        (old.version, old.vgpuRelease) = (try #require(DriverVersion("570.1.2")), "18.1")
        catalog.drivers.append(old)
        let possible = Selection(catalog: catalog, policy: Policy()).possibleDrivers(.rtxProVGPU).drivers
        #expect(possible.map(\.identity) == ["grid-azure-595.91.07-x86_64", "grid-azure-580.105.08-x86_64"])
    }

    @Test func aNewFeatureBranchIsTakenOnlyWhenAskedForOrAlone() throws {
        var newest = try CatalogDriver.datacenter("610.10.01")
        newest.channel = .newFeature
        let catalog = try fourDriverCatalog().merged(with: Catalog(drivers: [newest]))
        let decision = decide(.h100, catalog)
        #expect(SelectionCase.Expected(decision) == .install(Driver.datacenter595))
        #expect(
            decision.evidence.contains {
                $0.statement
                    == "datacenter-610.10.01-x86_64 is newer, but the configuration does not ask for a new-feature branch."
            }
        )
        let expected = SelectionCase.Expected.install("datacenter driver 610.10.01 with open kernel modules")
        for policy in [Policy(branch: 610), Policy(version: newest.version), Policy(channel: .newFeature)] {
            #expect(SelectionCase.Expected(decide(.h100, catalog, policy)) == expected)
        }
        let alone = Catalog(gpus: [h100([.open])], drivers: [newest])
        #expect(SelectionCase.Expected(decide(.h100, alone)) == expected)
    }

    @Test func aDriverWithoutAChecksumIsNamedAndNotInstalledWhereNoOtherFits() throws {
        var only = try CatalogDriver.datacenter("610.10.01")
        only.artifact.digest = nil
        let catalog = try fourDriverCatalog().merged(with: Catalog(drivers: [only]))
        for policy in [Policy(branch: 610), Policy(version: only.version)] {
            let decision = decide(.h100, catalog, policy)
            #expect(
                SelectionCase.Expected(decision)
                    == .blocked(.artifactWithoutHash, "datacenter driver 610.10.01 with open kernel modules")
            )
            #expect(decision.driver?.artifact == nil)
            #expect(decision.problems.first?.observed.contains("NVIDIA-Linux-x86_64-610.10.01.run") == true)
            #expect(decision.problems.first?.remedy.text.contains("https://") == true)
        }
    }

    @Test func anEmptyCatalogKnowsNothing() {
        #expect(SelectionCase.Expected(decide(.h100, Catalog())) == .blocked(.unknownGPU))
        #expect(SelectionCase.Expected(decide(.noGPU, Catalog())) == .idle)
    }

    @Test func theLastBranchOfAGPULimitsTheChoice() throws {
        let catalog = Catalog(
            gpus: [h100([.open], 535...580)],
            drivers: [try .datacenter("595.71.05"), try .datacenter("580.159.04"), try .datacenter("530.1")]
        )
        #expect(SelectionCase.Expected(decide(.h100, catalog)) == .install(Driver.datacenter580))
        let installed = NodeFacts.h100.with { $0.driver = .loaded("595.71.05", .open, kind: .datacenter) }
        #expect(SelectionCase.Expected(decide(installed, catalog)) == .foreign)
    }

    @Test func aDriverWithoutTheGPUsKernelModuleTypeLosesToAnOlderOne() throws {
        let catalog = Catalog(
            gpus: [h100([.open])],
            drivers: [try .datacenter("595.71.05", kernelModuleTypes: [.proprietary]), try .datacenter("580.159.04")]
        )
        let decision = decide(.h100, catalog)
        #expect(SelectionCase.Expected(decision) == .install(Driver.datacenter580))
        #expect(
            decision.rejected == [
                RejectedDriver(
                    driver: "datacenter-595.71.05-x86_64",
                    reason: "the package has proprietary kernel modules, but these GPUs need open ones"
                )
            ]
        )
    }

    @Test func aGPUThatTakesProprietaryModulesOnlyGetsThem() throws {
        let catalog = Catalog(gpus: [h100([.proprietary])], drivers: [try .datacenter("580.159.04")])
        #expect(
            SelectionCase.Expected(decide(.h100, catalog))
                == .install("datacenter driver 580.159.04 with proprietary kernel modules")
        )
    }

    @Test func noOneDriverForGPUsThatExcludeEachOther() throws {
        var other = h100([.open], 590...600)
        other.id.device = 0x20b5
        let facts = NodeFacts.h100.with { facts in
            var second = PCIFunction.h100.at(bus: 2)
            second.id.device = 0x20b5
            facts.pci = .present([.h100, second])
        }
        let drivers = [try CatalogDriver.datacenter("595.71.05"), try .datacenter("580.159.04")]
        let branches = Catalog(gpus: [h100([.open], 535...580), other], drivers: drivers)
        #expect(SelectionCase.Expected(decide(facts, branches)) == .blocked(.mixedGPUs))
        let kernelModuleTypes = Catalog(gpus: [h100([.proprietary]), other], drivers: drivers)
        #expect(SelectionCase.Expected(decide(facts, kernelModuleTypes)) == .blocked(.mixedGPUs))
        let overlap = Catalog(gpus: [h100([.open], 535...590), other], drivers: [try .datacenter("590.1")] + drivers)
        #expect(
            SelectionCase.Expected(decide(facts, overlap))
                == .install("datacenter driver 590.1 with open kernel modules")
        )
    }

    @Test func aGuestDriverMayBeOneReleaseOlderThanTheHostAndNoMore() throws {
        let catalog = Catalog(
            vgpuTypes: [CatalogVGPUType(key: pair, name: "vGPU", kernelModuleTypes: [.open])],
            platforms: [
                CatalogPlatform(name: "azure", systemVendor: "Microsoft Corporation", chassisAssetTag: nil)
            ],
            drivers: [
                try .grid("610.1", release: "21"), try .grid("595.1", release: "20.2"),
                try .grid("580.1", release: "19"),
                try .grid("570.1", release: "18.4"),
            ]
        )
        for (host, expected) in [
            ("610.9", ["610.1", "595.1"]), ("595.9", ["595.1", "580.1"]), ("580.9", ["580.1", "570.1"]),
            ("570.9", ["570.1"]), ("560.9", ["610.1", "595.1", "580.1", "570.1"]),
        ] {
            let facts = NodeFacts.rtxProVGPU.withGPU { $0.vgpuCapability = VGPUCapability.host(host) }
            let fitting = ["610.1", "595.1", "580.1", "570.1"].filter { version in
                decide(facts, catalog, Policy(version: DriverVersion(version))).action == .install
            }
            #expect(fitting == expected, "host \(host)")
        }
    }

    @Test func aCloudsHostsCountWhereAVGPUDoesNotTellItsOwn() throws {
        var catalog = try fourDriverCatalog()
        for (release, expected) in [(20, Driver.grid595), (19, Driver.grid580), (21, Driver.grid595)] {
            catalog.platforms[0].vgpuHosts = [0x2bb5: release]
            let silent = NodeFacts.rtxProVGPU.withGPU { $0.vgpuCapability = .absent }
            #expect(SelectionCase.Expected(decide(silent, catalog)) == .install(expected), "release \(release)")
        }
        catalog.platforms[0].vgpuHosts = [0x2bb5: 17]
        let itself = NodeFacts.rtxProVGPU.withGPU { $0.vgpuCapability = VGPUCapability.host("595.58.03") }
        #expect(SelectionCase.Expected(decide(itself, catalog)) == .install(Driver.grid595))
    }

    @Test func aDriverWithoutAReleaseGoesWithEveryHost() throws {
        let catalog = try fourDriverCatalog().merged(with: Catalog(drivers: [try .grid("610.1", release: nil)]))
        #expect(
            SelectionCase.Expected(decide(.rtxProVGPU, catalog))
                == .install("GRID driver 610.1 with open kernel modules")
        )
    }

    @Test func saysOnWhatItRests() throws {
        let decision = decide(.rtxProVGPU, try fourDriverCatalog())
        #expect(decision.platform == "azure")
        #expect(
            decision.evidence.map { "\($0.source): \($0.statement)" } == [
                "pci 0001:00:00.0: Device 10de:2bb5 with subsystem 1414:2187 is the vGPU type "
                    + "NVIDIA RTX Pro 6000 Blackwell DC-4-96Q.",
                "pci 0001:00:00.0: The configuration space has the PCI capability VF, which only vGPUs have. "
                    + "The vGPU host runs driver 595.58.03, branch r595_58.",
                "dmi: The system vendor is Microsoft Corporation. The platform is azure.",
                "pci 0001:00:00.0: Class 0302 (3D controller) is a class of GPUs.",
                "host: No NVIDIA driver is installed on this host.",
                "catalog: These GPUs need a GRID driver of branch 580 or newer with open kernel modules.",
                "catalog: The vGPU host runs release 20 (driver 595.58.03), so the guest needs release 20 or 19.",
                "catalog: grid-azure-595.91.07-x86_64 is the newest driver that fits.",
            ]
        )
    }

    @Test func saysWhyEachDriverLost() throws {
        let facts = NodeFacts.rtxProVGPU.with { $0.host.dmi = .absent }
        let decision = decide(facts, try fourDriverCatalog())
        #expect(decision.rejected.map(\.driver) == ["grid-azure-595.91.07-x86_64", "grid-azure-580.105.08-x86_64"])
        #expect(
            Set(decision.rejected.map(\.reason)) == [
                "the license is for azure, but this node runs on an unknown platform"
            ]
        )
    }

    @Test func refusesUnknownHardwareWithItsIds() throws {
        let problem = try #require(decide(.unknownGPU, try fourDriverCatalog()).problems.first)
        #expect(
            problem.observed == "GPU 0001:00:00.0 (10de:ffff, subsystem 10de:0001, class 0302) is not in the catalog. "
                + "The file pci.ids does not list it."
        )
        #expect(problem.remedy.text.contains("'10de:ffff/10de:0001: physical'"))
    }

    @Test func namesEveryGPUThatItDoesNotKnow() throws {
        let facts = NodeFacts.unknownGPU.with { facts in
            var vgpu = PCIFunction.rtxProVGPU.at(bus: 3)
            vgpu.subsystem = .present(PCIID(vendor: 0x1414, device: 0x2fff))
            facts.pci = .present([.unknownGPU, .h100.at(bus: 2), vgpu, .unknownGPU.at(bus: 4)])
        }
        let problems = decide(facts, try fourDriverCatalog()).problems
        #expect(problems.map(\.code) == [.unknownGPU, .unknownVGPUType])
        #expect(problems.map { $0.observed.prefix(16) } == ["GPU 0001:00:00.0", "GPU 0001:03:00.0"])
        #expect(problems[0].observed.hasSuffix("The same holds for another GPU: 0001:04:00.0."))
        #expect(problems[1].remedy.text.contains("'10de:2bb5/1414:2fff: vgpu'"))
    }
}
