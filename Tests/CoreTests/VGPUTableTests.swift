import Catalog
import CoreSupport
import NodeModel
import Testing

/// Compares the vGPU types of the catalog with known facts about all of them.
@Suite struct VGPUTableTests {
    @Test func everyNameOfTheTableIsReadAndTheFormsAreCounted() throws {
        var forms: [String: Int] = [:]
        var modes: [VGPUName.Mode: Int] = [:]
        let types = try repositoryCatalog().vgpuTypes
        for type in types.values {
            let name = try #require(type.parsedName, "\(type.name)")
            forms[form(name), default: 0] += 1
            if !name.isMasked { modes[name.mode, default: 0] += 1 }
        }
        #expect(types.count == 1462)
        #expect(
            forms == [
                "NC": 330, "NQ": 286, "NA": 277, "N": 179, "NB": 98, "NBN": 30, "N-NC": 166, "N-NCME": 27, "N-NQ": 17,
                "N-NA": 17, "N-N": 17, "N-NB": 2, "masked": 16,
            ]
        )
        #expect(modes == [.timeSliced: 1200, .migBacked: 200, .timeSlicedMIGBacked: 46])
    }

    private func form(_ name: VGPUName) -> String {
        guard !name.isMasked else { return "masked" }
        let media = name.hasMediaEngines ? "ME" : ""
        return (name.slices == nil ? "" : "N-") + "N\(name.series.rawValue)\(media)" + (name.variant == nil ? "" : "N")
    }

    @Test(arguments: [
        (0x2bb5, 0x2187, "NVIDIA RTX Pro 6000 Blackwell DC-4-96Q", [KernelModuleType.open]),
        (0x2bb5, 0x21a6, "NVIDIA GeForce RTX 3050", [.open]),
        (0x2236, 0x14bf, "NVIDIA A10-24Q", [.proprietary]),
        (0x1eb8, 0x1310, "GRID T4-16Q", [.proprietary]),
        (0x27b8, 0x1733, "NVIDIA L4-3Q", [.open, .proprietary]),
        (0x2330, 0x187f, "NVIDIA H100XM-4-40C", [.open, .proprietary]),
    ])
    func knowsTheTypesOfTheClouds(
        _ device: Int,
        _ subsystem: Int,
        _ name: String,
        _ kernelModuleTypes: [KernelModuleType]
    ) throws {
        let key = VGPUTypeKey(device: UInt16(device), subsystemDevice: UInt16(subsystem))
        let type = try #require(try repositoryCatalog().vgpuTypes[key])
        #expect(type.name == name)
        #expect(type.kernelModuleTypes == kernelModuleTypes)
    }

    @Test func typesOfCardsThatEndWithABranchEndWithIt() throws {
        for type in try repositoryCatalog().vgpuTypes.values where type.key.device < 0x1e00 {
            // Maxwell and Pascal end with vGPU 16, but for M10. Volta ends with vGPU 19.
            let last = type.key.device == 0x13bd || type.key.device >= 0x1db0 ? 580 : 535
            #expect(type.maxBranch == last && type.kernelModuleTypes == [.proprietary], "\(type.name)")
        }
    }

    @Test func noTypeBeginsBeforeItsCard() throws {
        let catalog = try repositoryCatalog()
        for type in catalog.vgpuTypes.values {
            guard let card = catalog.gpus[PCIID(vendor: 0x10de, device: type.key.device)] else { continue }
            #expect(type.minBranch == card.minBranch, "\(type.name)")
        }
    }
}
