import FoundationEssentials
import NodeModel
import TestSupport
import Testing

/// The document of facts: what an agent wrote, every later one reads.
@Suite struct NodeFactsTests {
    /// The facts as the first agents wrote them, before they looked for claims.
    private struct FirstFacts: Encodable {
        var apiVersion = NodeFacts.currentAPIVersion
        var kind = NodeFacts.documentKind
        var host: HostFacts
        var pci: Reading<[PCIFunction]>
        var unidentified: [UnidentifiedFunction] = []
        var driver: DriverFacts
        var build: BuildFacts
        var vendor: Reading<VendorFacts>
    }

    @Test func readsFactsFromBeforeTheClaims() throws {
        let facts = NodeFacts.h100Ready
        let first = FirstFacts(
            host: facts.host,
            pci: facts.pci,
            driver: facts.driver,
            build: facts.build,
            vendor: facts.vendor
        )
        let json = try JSONEncoder().encode(first)
        let text = String(decoding: json, as: UTF8.self)
        for key in ["claims", "hypervisor", "otherLibraries", "\"name\":null"] { #expect(!text.contains(key)) }
        let read = try JSONDecoder().decode(NodeFacts.self, from: json)
        let skipped = ClaimFacts.skipped("these facts are of an agent that did not look at this")
        #expect(read == facts.with { $0.claims = skipped })
        #expect(read.host.hypervisor == nil)
        #expect(read.driver.otherLibraries == nil)
    }

    @Test func keepsWhatItReads() throws {
        let facts = NodeFacts.h100Ready.withGPU { $0.name = "GH100 [H100L 94GB]" }.with { facts in
            facts.host.hypervisor = .present(true)
            facts.driver.otherLibraries = .present([LibraryFile(path: "/x/libcuda.so.580.65.06", version: "580.65.06")])
            facts.claims.packages = .present([DriverPackage(manager: .rpm, name: "nvidia-driver", version: "3:1-1")])
            facts.claims.runfile = .unreadable(ReadFailure(.malformed, "no version"))
            facts.claims.dkms = .present([DKMSTree(name: "nvidia", version: "580.65.06", kernels: ["6.8.0"])])
            facts.claims.aksMarker = .present(AKSMarker(version: nil, kind: "cuda", kernel: nil))
            facts.claims.driverContainer = .present(
                DriverContainer(isMounted: true, version: nil, hasPIDFile: true, validations: ["driver-ready"])
            )
            facts.claims.deviceUsers = .present([DeviceUser(pid: 7, command: "python3", nodes: ["nvidia0"])])
            facts.claims.nodeLabels = .present([OwnerLabel.gpuOperatorDriver: "true"])
        }
        let json = try JSONEncoder().encode(facts)
        #expect(try JSONDecoder().decode(NodeFacts.self, from: json) == facts)
    }
}
