import NodeModel
import Synchronization
import Testing

@testable import VendorProbe

/// How long each of NVIDIA's libraries took.
@Suite struct MeasuredPartsTests {
    private final class Heard: Sendable {
        private let times = Mutex<[VendorProber.Part: Duration]>([:])

        var all: [VendorProber.Part: Duration] { times.withLock(\.self) }

        func note(_ part: VendorProber.Part, _ time: Duration) { times.withLock { $0[part] = time } }
    }

    @Test func onlyWhatWasAskedIsMeasured() async throws {
        let heard = Heard()
        try await StandInHost.with(hardware: StandInHost.vgpu) { host in
            host.measured = { heard.note($0, $1) }
            _ = await host.prober().facts()
        }
        // One GPU has no peer, and nobody asks for Vulkan.
        #expect(heard.all.keys.map(\.rawValue).sorted() == ["cuda", "nvml"])
        #expect(heard.all.values.allSatisfy { $0 > .zero })
    }

    /// The time of a library that cannot be loaded counts, too.
    @Test func aFailureIsMeasured() async throws {
        let heard = Heard()
        try await StandInHost.with(hardware: StandInHost.vgpu) { host in
            host.measured = { heard.note($0, $1) }
            let libraries = VendorLibraries(nvml: "\(host.root)/usr/lib/missing.so", cuda: nil)
            #expect(await host.prober(libraries: libraries).facts().nvml.failure != nil)
        }
        #expect(heard.all.keys.map(\.rawValue) == ["nvml"])
    }
}
