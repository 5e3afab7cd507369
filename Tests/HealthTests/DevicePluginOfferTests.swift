import NodeModel
import TestSupport
import Testing

@testable import Health

/// What the device plugin offers for the GPUs of a node, and when the Node offers something else.
@Suite struct DevicePluginOfferTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var strategy: MIGStrategy
        /// The MIG devices of each GPU; nil for a GPU without MIG mode.
        var gpus: [[String]?]
        /// The resources without their prefix; nil when the plugin refuses the GPUs.
        var counts: [String: Int]?
    }

    static let cases = [
        Case(testDescription: "whole GPUs", strategy: MIGStrategy.none, gpus: [nil, nil], counts: ["gpu": 2]),
        Case(
            testDescription: "none ignores MIG",
            strategy: MIGStrategy.none,
            gpus: [nil, ["1g.5gb"]],
            counts: ["gpu": 2]
        ),
        Case(testDescription: "single without MIG", strategy: .single, gpus: [nil, nil], counts: ["gpu": 2]),
        Case(
            testDescription: "single",
            strategy: .single,
            gpus: [["1g.5gb", "1g.5gb"], ["1g.5gb"]],
            counts: ["gpu": 3]
        ),
        Case(testDescription: "single, two profiles", strategy: .single, gpus: [["1g.5gb", "2g.10gb"]], counts: nil),
        Case(testDescription: "single, one GPU without MIG", strategy: .single, gpus: [["1g.5gb"], nil], counts: nil),
        Case(
            testDescription: "mixed",
            strategy: .mixed,
            gpus: [nil, ["1g.5gb", "1g.5gb", "1g.5gb+me"], ["3g.20gb"]],
            counts: ["gpu": 1, "mig-1g.5gb": 2, "mig-1g.5gb.me": 1, "mig-3g.20gb": 1]
        ),
        Case(testDescription: "mixed, no MIG device", strategy: .mixed, gpus: [[], ["1g.5gb"]], counts: nil),
        Case(testDescription: "mixed, a part of an instance", strategy: .mixed, gpus: [["1c.3g.20gb"]], counts: nil),
    ]

    static func gpus(_ layout: [[String]?]) -> [GPUFacts] {
        layout.enumerated().map { index, profiles in
            var gpu = GPUFacts.h100.at(index: index)
            gpu.migMode = .present(MIGMode(current: profiles != nil, pending: profiles != nil))
            let devices = profiles?.map { profile in
                var device = MIGDevice.wholeRTXPro
                device.profile = profile
                return device
            }
            gpu.migDevices = devices.map { .present($0) } ?? .absent
            return gpu
        }
    }

    private static func full(_ counts: [String: Int]) -> [String: Int] {
        Dictionary(uniqueKeysWithValues: counts.map { ("nvidia.com/\($0.key)", $0.value) })
    }

    @Test(arguments: cases) func followsTheRulesOfThePlugin(_ test: Case) {
        let offer = DevicePluginOffer(strategy: test.strategy, gpus: Self.gpus(test.gpus))
        #expect(offer?.counts == test.counts.map(Self.full))
    }

    @Test func aGPUWhoseMIGModeIsNotKnownIsNotCounted() {
        var gpus = Self.gpus([nil, ["1g.5gb"]])
        gpus[0].migMode = .unreadable(ReadFailure(.vendor, "no"))
        #expect(DevicePluginOffer(strategy: .mixed, gpus: gpus) == nil)
        #expect(DevicePluginOffer(strategy: .single, gpus: gpus) == nil)
    }

    struct Comparison: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var gpus: [[String]?] = [nil, nil]
        var strategy = MIGStrategy.mixed
        var offered: [String: Int]
        var isSharing: Bool?
        var differing: [String] = []
    }

    static let comparisons = [
        Comparison(testDescription: "the same", offered: ["gpu": 2]),
        Comparison(testDescription: "time-slicing", offered: ["gpu": 8]),
        Comparison(testDescription: "another plugin that shares", offered: ["gpu": 20], isSharing: false),
        Comparison(testDescription: "renamed", offered: ["gpu.shared": 8, "gpu": 0], isSharing: true),
        Comparison(testDescription: "no multiple", offered: ["gpu": 3], differing: ["gpu 3 for 2"]),
        Comparison(testDescription: "too few", offered: ["gpu": 1], isSharing: true, differing: ["gpu 1 for 2"]),
        Comparison(testDescription: "none", offered: [:], differing: ["gpu 0 for 2"]),
        Comparison(testDescription: "zero", offered: ["gpu": 0], differing: ["gpu 0 for 2"]),
        Comparison(testDescription: "other resources", offered: ["gpu": 2, "GA100_A100": 1, "gpumem": 3]),
        Comparison(
            testDescription: "stale after a new layout",
            gpus: [["3g.20gb", "3g.20gb"]],
            offered: ["gpu": 0, "mig-1g.5gb": 7],
            isSharing: false,
            differing: ["mig-1g.5gb 7 for 0", "mig-3g.20gb 0 for 2"]
        ),
        Comparison(
            testDescription: "a multiple by chance",
            gpus: [["1g.5gb", "1g.5gb"]],
            strategy: .single,
            offered: ["gpu": 4],
            isSharing: false,
            differing: ["gpu 4 for 2"]
        ),
        Comparison(
            testDescription: "a multiple that can be sharing",
            gpus: [["1g.5gb", "1g.5gb"]],
            strategy: .single,
            offered: ["gpu": 4]
        ),
    ]

    @Test(arguments: comparisons) func comparesWithTheNode(_ test: Comparison) throws {
        let offer = try #require(DevicePluginOffer(strategy: test.strategy, gpus: Self.gpus(test.gpus)))
        let found = offer.differences(from: Self.full(test.offered), isSharing: test.isSharing)
        #expect(
            found.map { "\($0.resource) \($0.offered) for \($0.wanted)" } == test.differing.map { "nvidia.com/\($0)" }
        )
    }
}
