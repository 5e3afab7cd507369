import NodeModel
import Reporting
import TestSupport
import Testing
import VendorProbe

@testable import Agent

/// How long the parts of an inspection take.
@Suite struct ProbeTimesTests {
    @Test func hasThePartsThatRan() async throws {
        let host = try TemporaryDirectory()
        let prober = try Prober(Settings(hostRoot: host.path, hostPID: nil))
        #expect(prober.times.whole == nil && prober.times.parts.isEmpty)
        _ = await prober.look()
        // Without a process of the host, the agent loads none of NVIDIA's libraries.
        #expect(Set(prober.times.parts.keys) == [.pci, .host, .build, .claims, .driver, .runtime, .plugin])
        let whole = try #require(prober.times.whole)
        #expect(prober.times.parts.values.allSatisfy { (0...whole).contains($0) })
    }

    /// Each library that the prober of NVIDIA's libraries measures has a name in the metrics.
    @Test func aPartOfNVIDIAsLibrariesHasTheSameName() {
        for part in VendorProber.Part.allCases { #expect(ProbePart(rawValue: part.rawValue) != nil) }
    }
}
