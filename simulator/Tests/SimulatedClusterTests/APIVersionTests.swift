import SimulatedCluster
import Testing

/// The versions of API groups: which ones the server says that it has, and which ones it answers.
@Suite struct APIVersionTests {
    private static let slices = "/apis/resource.k8s.io"

    private func get(_ target: String) async throws -> (status: Int, body: JSON) {
        let exchange = Exchange(method: "GET", target: target, status: 200)
        return try await exchange.send(to: try await Exchange.server())
    }

    @Test(arguments: [
        (group: "resource.k8s.io", versions: ["v1", "v1beta1"]), (group: "coordination.k8s.io", versions: ["v1"]),
        (group: "policy", versions: ["v1"]),
    ])
    func discoveryNamesTheVersions(_ group: String, _ versions: [String]) async throws {
        let (_, body) = try await get("/apis/\(group)")
        #expect((body["versions"]?.array ?? []).compactMap { $0["version"]?.string } == versions)
        #expect(body[path: ["preferredVersion", "version"]] == "v1")
    }

    @Test func everyVersionOfResourceSlicesHasThem() async throws {
        for version in ["v1", "v1beta1"] {
            let (_, body) = try await get("\(Self.slices)/\(version)")
            #expect(body["groupVersion"]?.string == "resource.k8s.io/\(version)")
            #expect((body["resources"]?.array ?? []).compactMap { $0["name"]?.string } == ["resourceslices"])
        }
    }

    @Test(arguments: [
        (slices + "/v1/resourceslices", 200), (slices + "/v1beta1/resourceslices", 200),
        (slices + "/v1alpha3/resourceslices", 404), (slices + "/v1alpha3", 404),
        ("/apis/coordination.k8s.io/v1beta1/leases", 404),
    ])
    func answersTheVersionsThatItHas(_ target: String, _ status: Int) async throws {
        #expect(try await get(target).status == status)
    }

    /// A driver of an older server writes devices with other members.
    @Test func devicesOfBothVersionsAreKept() async throws {
        let server = try await Exchange.server()
        let devices: JSON = [
            ["name": "gpu-0", "attributes": ["type": ["string": "gpu"]]],
            ["name": "gpu-1", "basic": ["attributes": ["type": ["string": "mig"]]]],
        ]
        let body: JSON = ["metadata": ["name": "a"], "spec": ["driver": "gpu.nvidia.com", "devices": devices]]
        let target = Self.slices + "/v1/resourceslices"
        let creation = Exchange(method: "POST", target: target, type: "application/json", body: body, status: 201)
        #expect(try await creation.send(to: server).0 == 201)
        for version in ["v1", "v1beta1"] {
            let target = "\(Self.slices)/\(version)/resourceslices/a"
            let (_, found) = try await Exchange(method: "GET", target: target, status: 200).send(to: server)
            #expect(found[path: ["spec", "devices"]] == devices)
        }
    }
}
