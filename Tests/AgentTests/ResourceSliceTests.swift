import Cluster
import ClusterSupport
import Kubernetes
import NodeModel
import SimulatedCluster
import Support
import TestSupport
import Testing

/// What the agent reads of ResourceSlices, and with which requests.
@Suite struct ResourceSliceTests {
    private func newReader(_ cluster: TestCluster, pause: Duration = .zero) -> ResourceSliceReader {
        ResourceSliceReader(mirror: TestLink(cluster).mirror, firstPause: pause)
    }

    private func device(_ name: String, _ type: String? = nil) -> JSON {
        ["name": .string(name), "attributes": type.map { ["type": ["string": .string($0)]] } ?? [:]]
    }

    private func slice(_ name: String, node: String = TestCluster.nodeName, devices: [JSON], count: Int = 1) -> JSON {
        [
            "apiVersion": "resource.k8s.io/v1", "kind": "ResourceSlice", "metadata": ["name": .string(name)],
            "spec": [
                "driver": "gpu.nvidia.com", "nodeName": .string(node),
                "pool": ["name": .string(node), "generation": 1, "resourceSliceCount": .int(count)],
                "devices": .array(devices),
            ],
        ]
    }

    private func add(_ slice: JSON, to cluster: TestCluster) async throws {
        let answer = await cluster.server.respond(
            to: APIRequest(
                method: "POST",
                target: "/apis/resource.k8s.io/v1/resourceslices",
                contentType: "application/json",
                authorization: "Bearer other",
                body: try slice.data()
            )
        )
        try #require(answer.status == 201)
    }

    private func targets(_ cluster: TestCluster) -> [String] {
        cluster.server.log.all.filter { $0.target.contains("resourceslices") && $0.method == "GET" }.map(\.target)
    }

    /// Runs a test with the rights of the overlay for DRA.
    private func withRights(_ body: (TestCluster) async throws -> Void) async throws {
        try await TestCluster.with { cluster in
            var agent = try TestCluster.agent()
            let file = fixture("../../daemonset/overlays/dra/rbac.yaml")
            agent.rights.rules += try Rights(rbac: file, account: "gpu-agent", in: "gpu-agent").rules
            cluster.server.users.set(agent, for: "agent")
            try await body(cluster)
        }
    }

    @Test func listsTheSlicesOfItsOwnNodeWithOneRequest() async throws {
        try await withRights { cluster in
            let reader = newReader(cluster, pause: .seconds(60))
            try await add(
                slice("a", devices: [device("gpu-0", "gpu"), device("gpu-vfio-0", "vfio")], count: 2),
                to: cluster
            )
            try await add(slice("b", devices: [device("gpu-1-mig-9-4-4")], count: 2), to: cluster)
            try await add(slice("c", node: "gpu-2", devices: [device("gpu-0")]), to: cluster)
            var other = slice("d", devices: [device("channel-0")])
            other["spec"]?["driver"] = "compute-domain.nvidia.com"
            try await add(other, to: cluster)
            #expect(await reader.offered() == .present(OfferedSlices(gpus: 1, migDevices: 1)))
            #expect(await reader.offered() == .present(OfferedSlices(gpus: 1, migDevices: 1)))
            let selector = "fieldSelector=spec.nodeName%3Dgpu-1%2Cspec.driver%3Dgpu.nvidia.com"
            #expect(targets(cluster) == ["/apis/resource.k8s.io/v1/resourceslices?\(selector)"])
            #expect(await reader.untilNext > .seconds(20))
        }
    }

    @Test func noSliceIsAbsent() async throws {
        try await withRights { cluster in #expect(await newReader(cluster).offered() == .absent) }
    }

    @Test func anOlderServerHasTheBetaVersion() async throws {
        try await withRights { cluster in
            var old = slice("a", devices: [])
            old["spec"]?["devices"] = [
                ["name": "gpu-0", "basic": ["attributes": ["type": ["string": "gpu"]]]],
                ["name": "gpu-1", "basic": ["attributes": ["type": ["string": "mig"], "index": ["int": 1]]]],
            ]
            try await add(old, to: cluster)
            let missing = "the server could not find the requested resource"
            cluster.server.faults.add(Fault(.status(404, message: missing), times: 9, target: "resource.k8s.io/v1/"))
            let reader = newReader(cluster)
            #expect(await reader.offered() == .present(OfferedSlices(gpus: 1, migDevices: 1)))
            #expect(await reader.offered().value != nil)
            #expect(targets(cluster).map { $0.contains("/v1beta1/") } == [false, true, true])
        }
    }

    @Test func aServerWithoutTheResourceIsAFailureAndNotZero() async throws {
        try await withRights { cluster in
            cluster.server.faults.add(Fault(.status(404, message: "no"), times: 2, target: "resourceslices"))
            let answer = await newReader(cluster).offered()
            #expect(answer.failure?.detail.contains("resource.k8s.io/v1 or v1beta1") == true)
        }
    }

    @Test func withoutTheRightTheFailureNamesIt() async throws {
        try await TestCluster.with { cluster in
            let answer = await newReader(cluster).offered()
            #expect(answer.failure?.reason == .permission)
            #expect(answer.failure?.detail.contains("cannot list resource \"resourceslices\"") == true)
        }
    }

    struct Count: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var slices: [ResourceSlice]
        var counts: OfferedSlices?
    }

    private static func written(
        _ devices: [String],
        pool: String = "n",
        generation: Int = 1,
        of count: Int = 1,
        driver: String = "gpu.nvidia.com"
    ) -> ResourceSlice {
        ResourceSlice(
            driver: driver,
            pool: pool,
            generation: generation,
            sliceCount: count,
            devices: devices.map { ResourceSlice.Device(name: $0) }
        )
    }

    static let counts = [
        Count(testDescription: "nothing", slices: [], counts: nil),
        Count(testDescription: "another driver", slices: [written(["a"], driver: "x.example.com")], counts: nil),
        Count(testDescription: "no device", slices: [written([])], counts: OfferedSlices(gpus: 0)),
        Count(
            testDescription: "an older generation does not count",
            slices: [written(["gpu-0", "gpu-1"]), written(["gpu-0"], generation: 2)],
            counts: OfferedSlices(gpus: 1)
        ),
        Count(
            testDescription: "a slice of three is there",
            slices: [written(["gpu-0"], of: 3)],
            counts: OfferedSlices(gpus: 1, missingSlices: 2)
        ),
        Count(
            testDescription: "two pools",
            slices: [written(["gpu-0"]), written(["gpu-1"], pool: "m", generation: 7)],
            counts: OfferedSlices(gpus: 2)
        ),
        Count(
            testDescription: "names without a type",
            slices: [written(["gpu-0", "gpu-0-mig-1g5gb-19-0", "gpu-vfio-1"])],
            counts: OfferedSlices(gpus: 1, migDevices: 1)
        ),
    ]

    @Test(arguments: counts) func countsTheNewestGeneration(_ test: Count) {
        #expect(OfferedSlices(test.slices) == test.counts)
    }
}
