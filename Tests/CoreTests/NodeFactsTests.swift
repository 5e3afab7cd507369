import FoundationEssentials
import NodeModel
import Support
import TestSupport
import Testing

/// Facts documents: every version of the agent reads those of earlier versions.
@Suite struct NodeFactsTests {
    /// A file from the simulated node that an agent wrote before keys were renamed.
    private static func recorded(_ name: String) throws -> JSONValue {
        let path = fixture("../Formats/v1-0.1/\(name)")
        return try JSONValue(parsing: Data(contentsOf: URL(filePath: path)))
    }

    private static func facts(_ document: JSONValue) throws -> NodeFacts {
        try JSONDecoder().decode(NodeFacts.self, from: EarlierNames.upgraded(document.data()))
    }

    @Test func readsAFileOfTheFirstVersionWithItsNames() throws {
        let facts = try Self.facts(Self.recorded("facts.json"))
        #expect(facts.driver.runningModule == .present(RunningModule(version: "595.91.07", kernelModuleType: .open)))
        #expect(facts.driver.record.value?.kernelModuleType == .open)
        #expect(facts.vendor.value?.nvml.value?.gpus.first?.license.value?.licensed == true)
    }

    /// The paths of all readings in a document: the objects that have a state.
    private static func readings(_ value: JSONValue, _ path: [String] = []) -> [[String]] {
        guard case .object(let members) = value else { return [] }
        let here =
            members["state"]?.string.map { ["present", "absent", "unreadable", "skipped"].contains($0) } ?? false
        return (here ? [path] : []) + members.flatMap { readings($0.value, path + [$0.key]) }
    }

    private static func removing(_ path: [String], from value: JSONValue) -> JSONValue {
        guard let key = path.first else { return value }
        var value = value
        value[key] = path.count == 1 ? nil : value[key].map { removing(Array(path.dropFirst()), from: $0) }
        return value
    }

    /// New versions add readings.
    ///
    /// A reading that the file lacks is `not recorded`, and the other readings are used.
    @Test func aReadingThatAnEarlierVersionDidNotHaveIsNotRecorded() throws {
        let document = try EarlierNames.upgraded(Self.recorded("facts.json"))
        let paths = Self.readings(document)
        #expect(paths.count > 30)
        for path in paths {
            let facts = try Self.facts(Self.removing(path, from: document))
            let written = try JSONValue(encoding: facts)
            #expect(written[path: path]?["state"] == "skipped", "\(path)")
            #expect(written[path: path]?["detail"] == "not recorded by the agent that wrote the file", "\(path)")
        }
        let withoutClaims = try Self.facts(Self.removing(["claims"], from: document))
        #expect(withoutClaims.claims == .skipped("not recorded by the agent that wrote the file"))
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
