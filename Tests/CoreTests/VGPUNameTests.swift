import Catalog
import Testing

@Suite struct VGPUNameTests {
    @Test func readsAMIGBackedType() throws {
        let name = try #require(VGPUName("NVIDIA RTX Pro 6000 Blackwell DC-4-96Q"))
        #expect(name.brand == .nvidia)
        #expect(name.board == "RTX Pro 6000 Blackwell DC")
        #expect(name.slices == 4)
        #expect(name.frameBufferGB == 96)
        #expect(name.series == .workstation)
        #expect(name.series.licenseProduct == "NVIDIA RTX Virtual Workstation")
        #expect(name.mode == .migBacked)
        #expect(!name.hasMediaEngines && name.variant == nil && !name.isMasked)
    }

    @Test(arguments: [
        ("NVIDIA RTX Pro 6000 Blackwell DC-96Q", VGPUName.Mode.timeSliced),
        ("NVIDIA RTX Pro 6000 Blackwell DC-2-48Q", .migBacked),
        ("NVIDIA RTX Pro 6000 Blackwell DC-2-12Q", .timeSlicedMIGBacked),
        ("NVIDIA RTX Pro 6000 Blackwell DC-2-12Q-MIG 2g.48gb+gfx", .timeSlicedMIGBacked),
        ("NVIDIA RTX 6000D-1-42C", .migBacked),
        ("GRID A100DX-1-10C", .migBacked),
        ("GRID A100DX-1-20C", .migBacked),
        ("NVIDIA RTX6000-Ada-48Q", .timeSliced),
    ])
    func tellsTheMode(_ text: String, _ mode: VGPUName.Mode) throws {
        #expect(try #require(VGPUName(text)).mode == mode)
    }

    @Test func readsTheMediaEngineSuffixAndTheVariant() throws {
        let media = try #require(VGPUName("GRID A100D-1-10CME"))
        #expect(media.board == "A100D" && media.slices == 1 && media.series == .compute && media.hasMediaEngines)
        let variant = try #require(VGPUName("GRID T4-2B4"))
        #expect(variant.board == "T4" && variant.frameBufferGB == 2 && variant.series == .desktop)
        #expect(variant.variant == 4 && variant.slices == nil)
    }

    @Test func readsNamesThatBreakTheForm() throws {
        let spaced = try #require(VGPUName("NVIDIA AC AD104-A 4Q"))
        #expect(spaced.board == "AC AD104-A" && spaced.frameBufferGB == 4 && spaced.series == .workstation)
        let masked = try #require(VGPUName("NVIDIA GeForce RTX 3060"))
        #expect(masked.isMasked && masked.series == .gaming && masked.mode == .timeSliced)
        #expect(masked.board == "GeForce RTX 3060")
        #expect(try #require(VGPUName("GeForce RTX T10x-8")).frameBufferGB == 8)
        #expect(try #require(VGPUName("GRID M10-0B")).frameBufferGB == 0)
    }

    @Test(arguments: [
        "", "NVIDIA", "NVIDIA ", "NVIDIA -4Q", "NVIDIA -4-96Q", "NVIDIA A40", "NVIDIA A40-", "NVIDIA A40-Q",
        "NVIDIA A40-48X", "NVIDIA A40-48QQ", "NVIDIA A40-48Q12", "NVIDIA A40-99999Q", "AMD V620-8Q",
        "NVIDIA A40-٤Q", "NVIDIA  A40-4Q", "NVIDIA A40-48ME", "NVIDIA AC 4Q",
    ])
    func refusesWhatIsNoName(_ text: String) {
        #expect(VGPUName(text) == nil)
    }
}
