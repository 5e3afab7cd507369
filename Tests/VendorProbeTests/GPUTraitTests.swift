import NodeModel
import Testing
import VendorProbe

/// The traits of a GPU are what NVML reports.
@Suite struct GPUTraitTests {
    static let cases: [(trait: GPUTrait, hardware: String, expected: Reading<GPUTrait.Value>)] = [
        (.ecc, "trait.ecc=on", .present(.flag(true))), (.ecc, "trait.ecc=off", .present(.flag(false))),
        (.gspFirmware, "trait.gspFirmware=580.105.08", .present(.text("580.105.08"))),
        (.persistenceMode, "trait.persistenceMode=on", .present(.flag(true))),
        (.persistenceMode, "trait.persistenceMode=off", .present(.flag(false))),
    ]

    @Test(arguments: cases)
    func isWhatNVMLReports(_ trait: GPUTrait, _ hardware: String, _ expected: Reading<GPUTrait.Value>) async throws {
        #expect(try await readings(trait, hardware) == [expected, expected])
    }

    /// The stand-in GPU has a trait only when its hardware says so.
    @Test(arguments: GPUTrait.allCases)
    func isAbsentWhenTheGPUDoesNotHaveIt(_ trait: GPUTrait) async throws {
        #expect(try await readings(trait, "") == [.absent, .absent])
        #expect(Self.cases.contains { $0.trait == trait }, "no case for \(trait)")
    }

    private func readings(_ trait: GPUTrait, _ words: String) async throws -> [Reading<GPUTrait.Value>]? {
        let hardware = StandInHost.twoH100.replacing("virtualization=", with: "\(words) virtualization=")
        return try await StandInHost.with(hardware: hardware) { host in
            await host.prober().facts().nvml.value?.gpus.map { $0.traits[trait] }
        }
    }
}
