import Catalog
import CoreSupport
import NodeModel
import Testing

/// Compares the GPUs of the catalog with known facts about all of them.
@Suite struct CatalogGPUTests {
    @Test func readsEveryFieldOfAGPU() throws {
        let document = try readCatalog(
            """
            gpus:
              - id: 10de:2330
                name: H100 SXM5 80GB
                architecture: hopper
                memoryMiB: 81920
                subsystems: [10de:16c0]
                kernelModuleTypes: [open, proprietary]
                minBranch: 525
                maxBranch: 999
                migProfiles: [1g.10gb, 7g.80gb]
                mmioGiB: 256
                fabricManager: with-nvswitch
            """
        )
        let id = PCIID(vendor: 0x10de, device: 0x2330)
        let expected = CatalogGPU(
            id: id,
            name: "H100 SXM5 80GB",
            architecture: "hopper",
            memoryMiB: 81920,
            subsystems: [PCIID(vendor: 0x10de, device: 0x16c0)],
            kernelModuleTypes: [.open, .proprietary],
            minBranch: 525,
            maxBranch: 999,
            migProfiles: ["1g.10gb", "7g.80gb"],
            mmioGiB: 256,
            fabricManager: .withNVSwitch
        )
        #expect(document.catalog.gpus == [id: expected])
    }

    @Test func architecturesHaveTheirKernelModuleTypesAndLastBranches() throws {
        for gpu in try repositoryCatalog().gpus.values {
            switch gpu.architecture {
            case "kepler": #expect(gpu.kernelModuleTypes == [.proprietary] && gpu.maxBranch == 470, "\(gpu.name)")
            case "maxwell", "pascal", "volta":
                #expect(gpu.kernelModuleTypes == [.proprietary] && gpu.maxBranch == 580, "\(gpu.name)")
            case "turing", "ampere", "ada-lovelace":
                #expect(gpu.kernelModuleTypes == [.open, .proprietary] && gpu.maxBranch == nil, "\(gpu.name)")
            case "hopper":
                let grace = gpu.name.hasPrefix("GH")
                #expect(gpu.kernelModuleTypes == (grace ? [.open] : [.open, .proprietary]), "\(gpu.name)")
            case "blackwell":
                #expect(gpu.kernelModuleTypes == [.open] && (gpu.minBranch ?? 0) >= 570, "\(gpu.name)")
            default: Issue.record("\(gpu.name): \(gpu.architecture)")
            }
        }
    }

    @Test func noBoardHasTheSubsystemOfAVGPUOfIt() throws {
        let catalog = try repositoryCatalog()
        for gpu in catalog.gpus.values {
            for board in gpu.subsystems {
                let key = VGPUTypeKey(device: gpu.id.device, subsystemDevice: board.device)
                #expect(catalog.vgpuTypes[key] == nil, "\(key)")
            }
        }
    }

    /// The test skips GB200, whose type names have one GB more than the profiles in NVIDIA's MIG guide.
    @Test func theTypesOfGPUInstancesFitTheProfilesOfTheCard() throws {
        let catalog = try repositoryCatalog()
        var compared = 0
        for type in catalog.vgpuTypes.values where type.key.device != 0x2941 {
            guard let name = type.parsedName, name.mode == .migBacked, let slices = name.slices,
                let memory = name.frameBufferGB, !name.board.contains("6000D"),
                let card = catalog.gpus[PCIID(vendor: 0x10de, device: type.key.device)]
            else { continue }
            let media = name.hasMediaEngines ? "+me" : ""
            #expect(card.migProfiles.contains("\(slices)g.\(memory)gb\(media)"), "\(type.name)")
            compared += 1
        }
        #expect(compared > 150)
    }

    @Test(
        arguments: [
            (0x13f2, nil, 580, nil, nil), (0x102d, nil, 470, nil, nil), (0x1db4, nil, 580, 64, nil),
            (0x2c3a, 595, nil, nil, nil), (0x2bb5, 580, nil, nil, nil), (0x2330, 525, nil, 256, .withNVSwitch),
            (0x2335, 535, nil, 512, .withNVSwitch), (0x20b5, nil, nil, 256, nil), (0x2901, 570, nil, nil, .always),
        ] as [(UInt16, Int?, Int?, Int?, FabricManagerRule?)]
    )
    func knowsTheLimitsOf(
        _ device: UInt16,
        _ first: Int?,
        _ last: Int?,
        _ mmio: Int?,
        _ fabric: FabricManagerRule?
    ) throws {
        let gpu = try #require(try repositoryCatalog().gpus[PCIID(vendor: 0x10de, device: device)])
        #expect(gpu.minBranch == first && gpu.maxBranch == last && gpu.mmioGiB == mmio && gpu.fabricManager == fabric)
    }

    /// Every GPU that the catalog must have, by its architecture.
    @Test func hasEveryGPUAndNoOther() throws {
        let ids = [
            "kepler": "102d", "maxwell": "13bd 13f2 13f3 17fd", "pascal": "15f7 15f8 15f9 1b38 1bb3 1bb4",
            "volta": "1db1 1db3 1db4 1db5 1db6 1db8 1df6", "turing": "1e30 1e78 1eb4 1eb8",
            "ampere": "20b0 20b2 20b3 20b5 20b7 20bd 20f1 20f3 20f5 20f6 20fd 2230 2231 2232 2233 2235 2236 2237 2238 "
                + "24b0 2531 2571 25b0 25b2 25b6",
            "ada-lovelace": "26b1 26b2 26b3 26b5 26b8 26b9 26ba 27b0 27b1 27b2 27b6 27b8 28b0",
            "hopper": "230e 2321 2322 2324 2329 232c 2330 2331 2335 2337 2339 233a 233b 2342 2348",
            "blackwell": "2901 2941 2bb1 2bb2 2bb3 2bb4 2bb5 2bb9 2c31 2c33 2c34 2c3a 2d30 2e12 3182 31a1 31c2 31c3",
        ]
        let found = Dictionary(grouping: try repositoryCatalog().gpus.values, by: \.architecture)
            .mapValues { $0.map { "\($0.id)".suffix(4) }.sorted().joined(separator: " ") }
        #expect(found == ids)
    }

    @Test func boardsThatNVSwitchJoinsTakeAFabricManager() throws {
        let rules = Dictionary(grouping: try repositoryCatalog().gpus.values.filter { $0.fabricManager != nil }) {
            $0.fabricManager
        }.mapValues { $0.map { "\($0.id)".suffix(4) }.sorted().joined(separator: " ") }
        #expect(
            rules == [
                .withNVSwitch: "1db8 20b0 20b2 20b3 20bd 20f3 230e 2324 2329 232c 2330 2335 2337 2339",
                .always: "2901 3182",
            ]
        )
    }

    /// NVIDIA's table of GPUs that need 64 GB of MMIO space or more.
    @Test func knowsTheMMIOSpaceOfEveryGPUThatNeedsMuch() throws {
        let spaces = Dictionary(grouping: try repositoryCatalog().gpus.values.filter { $0.mmioGiB != nil }) {
            $0.mmioGiB ?? 0
        }.mapValues { $0.map { "\($0.id)".suffix(4) }.sorted().joined(separator: " ") }
        #expect(
            spaces == [
                64: "1db1 1db3 1db4 1db5 1db6 1db8 1df6 1e78 20b7 2231 2233 2236 26b2 27b6 27b8",
                128: "20b0 20f1 2230 2235 26b1 26b5 26ba",
                256: "20b2 20b5 2321 2322 2324 2329 2330 2331 2337 2339 233a",
                512: "232c 2335 233b",
            ]
        )
    }
}
