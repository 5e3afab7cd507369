import GPUNode
import Testing

/// The catalog's GPUs against what is known of them as a whole.
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
                flavours: [open, proprietary]
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
            flavours: [.open, .proprietary],
            minBranch: 525,
            maxBranch: 999,
            migProfiles: ["1g.10gb", "7g.80gb"],
            mmioGiB: 256,
            fabricManager: .withNVSwitch
        )
        #expect(document.catalog.gpus == [id: expected])
    }

    @Test func architecturesHaveTheirFlavoursAndLastBranches() throws {
        for gpu in try repositoryCatalog().gpus.values {
            switch gpu.architecture {
            case "kepler": #expect(gpu.flavours == [.proprietary] && gpu.maxBranch == 470, "\(gpu.name)")
            case "maxwell", "pascal", "volta":
                #expect(gpu.flavours == [.proprietary] && gpu.maxBranch == 580, "\(gpu.name)")
            case "turing", "ampere", "ada-lovelace":
                #expect(gpu.flavours == [.open, .proprietary] && gpu.maxBranch == nil, "\(gpu.name)")
            case "hopper":
                let grace = gpu.name.hasPrefix("GH")
                #expect(gpu.flavours == (grace ? [.open] : [.open, .proprietary]), "\(gpu.name)")
            case "blackwell":
                #expect(gpu.flavours == [.open] && (gpu.minBranch ?? 0) >= 570, "\(gpu.name)")
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

    /// GB200's types count a GB more than NVIDIA's MIG guide does.
    @Test func theTypesOfGPUInstancesFitTheProfilesOfTheCard() throws {
        let catalog = try repositoryCatalog()
        var compared = 0
        for type in catalog.vgpuTypes.values where type.key.device != 0x2941 {
            guard let name = type.parsedName, name.mode == .migBacked, let slices = name.slices,
                let memory = name.frameBufferGB, !name.board.contains("6000D"),
                let card = catalog.gpus[PCIID(vendor: 0x10de, device: type.key.device)]
            else { continue }
            #expect(card.migProfiles.contains("\(slices)g.\(memory)gb"), "\(type.name)")
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
}
