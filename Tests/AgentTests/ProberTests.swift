import Catalog
import FoundationEssentials
import Glibc
import NodeModel
import TestSupport
import Testing

@testable import Agent

@Suite struct ProberTests {
    /// A read that hangs must not occupy one more thread for each inspection.
    @Test func aLookWaitsBehindTheHangingReadOfTheLastOne() async throws {
        let host = try TemporaryDirectory()
        let function = "sys/bus/pci/devices/0001:00:00.0"
        for (name, text) in [("device", "0x2321"), ("class", "0x030200"), ("revision", "0xa1")] {
            try host.write("\(function)/\(name)", "\(text)\n")
        }
        let vendor = host.path("\(function)/vendor")
        try #require(mkfifo(vendor, 0o644) == 0)
        try #require(link(vendor, host.path("pipe")) == 0)

        var prober = try Prober(Settings(hostRoot: host.path, hostPID: nil))
        prober.busDeadline = .milliseconds(300)
        #expect(await prober.look().facts.pci.failure?.reason == .hang)

        // A read that begins now would succeed; the first one still hangs in the pipe.
        try FileManager.default.removeItem(atPath: vendor)
        try host.write("\(function)/vendor", "0x10de\n")
        #expect(await prober.look().facts.pci.failure?.reason == .hang)

        // Opening the other end lets the reader go.
        let writer = open(host.path("pipe"), O_WRONLY)
        try #require(writer >= 0)
        close(writer)
        prober.busDeadline = .seconds(60)
        #expect(await prober.look().facts.pci.value?.count == 1)
    }

    /// The list of the host comes first, because an operator of the node uses it and it may be newer than the agent's
    /// list.
    @Test func takesTheNamesOfDevicesFromTheHostsOwnList() async throws {
        let host = try TemporaryDirectory()
        let function = "sys/bus/pci/devices/0001:00:00.0"
        for (name, text) in [("vendor", "0x10de"), ("device", "0xffff"), ("class", "0x030200"), ("revision", "0xa1")] {
            try host.write("\(function)/\(name)", "\(text)\n")
        }
        let prober = try Prober(Settings(hostRoot: host.path, hostPID: nil))
        #expect(await prober.look().facts.gpus.map(\.name) == [nil])
        try host.write("usr/share/hwdata/pci.ids", "10de  NVIDIA Corporation\n\tffff  GX999 [Of next year]\n")
        try host.link("usr/share/misc/pci.ids", to: "/usr/share/hwdata/pci.ids")
        #expect(await prober.look().facts.gpus.map(\.name) == ["GX999 [Of next year]"])
    }

    @Test func aLookTakesTheOwnersLabelsFromWhoeverKnowsThem() async throws {
        let host = try TemporaryDirectory()
        let prober = try Prober(Settings(hostRoot: host.path, hostPID: nil))
        #expect(await prober.look().facts.claims.nodeLabels == .skipped("the agent did not query a cluster"))
        var inspector = Inspector(prober: prober, setup: Setup(catalog: Catalog(), policy: Policy()))
        for labels in [
            OwnerLabels(.present([OwnerLabel.gpuOperatorDriver: "true"]), last: ["not": "this"]),
            OwnerLabels(.unreadable(ReadFailure(.io, "no answer")), last: ["a": "b"]),
        ] {
            inspector.owners = Known(labels: labels)
            let claims = await inspector.look().facts.claims
            #expect(claims.nodeLabels == labels.current)
            #expect(claims.lastNodeLabels == (labels.current.value == nil ? labels.last : nil))
        }
    }

    /// Otherwise, each inspection would run dmesg for a GPU that the agent has nothing to say about.
    @Test(
        arguments: [
            (ignored: false, why: "the agent reads the kernel log only as root"), (true, "every GPU that counts"),
        ]
    )
    func theLogIsNotReadForAGPUThatTheConfigurationIgnores(_ ignored: Bool, _ why: String) async throws {
        let host = try TemporaryDirectory()
        let function = "sys/bus/pci/devices/0001:00:00.0"
        for (name, text) in [("vendor", "0x10de"), ("device", "0x2321"), ("class", "0x030200"), ("revision", "0xa1")] {
            try host.write("\(function)/\(name)", "\(text)\n")
        }
        var prober = try Prober(Settings(hostRoot: host.path, hostPID: nil))
        prober.heard = .answering("595.71.05", gpus: [])
        let id = PCIID(vendor: 0x10de, device: 0x2321)
        let policy = Policy(hardware: ignored ? [HardwareOverride(id: id, treatment: .ignored)] : [])
        let inspector = Inspector(prober: prober, setup: Setup(catalog: Catalog(), policy: policy))
        guard case .skipped(let reason) = await inspector.look().facts.kernelLog else {
            Issue.record("there is no host process that could read the log")
            return
        }
        #expect(reason.hasPrefix(why))
    }

    private struct Known: OwnerLabelSource {
        let labels: OwnerLabels

        func ownerLabels() async -> OwnerLabels { labels }
    }
}
