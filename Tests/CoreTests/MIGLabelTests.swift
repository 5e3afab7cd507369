import CoreSupport
import Health
import NodeModel
import Reporting
import TestSupport
import Testing

/// The MIG labels of GPU feature discovery, with a test for each rule.
@Suite struct MIGLabelTests {
    private func publication(_ gpus: [GPUFacts], _ strategy: MIGStrategy = .single) -> Publication {
        let facts = NodeFacts.rtxProReady.withNVML { $0.gpus = gpus }
        let report = Checks(facts: facts, plan: .adoptedRTXPro).report()
        return Publication.of(facts, .adoptedRTXPro, report, Policy(migStrategy: strategy))
    }

    private func labels(_ gpus: [GPUFacts], _ strategy: MIGStrategy = .single) -> [String: String] {
        Dictionary(
            uniqueKeysWithValues: publication(gpus, strategy).labels.filter { $0.key.hasPrefix("nvidia.com/") }
                .map { (String($0.key.dropFirst("nvidia.com/".count)), $0.value) }
        )
    }

    /// The keys whose values are not known.
    private func undetermined(_ gpus: [GPUFacts]) -> Set<String> {
        Set(publication(gpus).undetermined.map { String($0.dropFirst("nvidia.com/".count)) })
    }

    private func gpu(withAttributes attributes: Reading<MIGAttributes>) -> GPUFacts {
        var device = device("2g.20gb")
        device.attributes = attributes
        var gpu = gpu(0, mig: true)
        gpu.migDevices = .present([device])
        return gpu
    }

    private func gpu(_ index: Int, mig: Bool?, _ profiles: [String] = []) -> GPUFacts {
        var gpu = GPUFacts.rtxProVGPU.at(index: index)
        gpu.name = .present("NVIDIA A100-SXM4-80GB")
        gpu.memoryMiB = .present(81920)
        gpu.migMode = mig.map { .present(MIGMode(current: $0, pending: $0)) } ?? .absent
        gpu.migDevices = mig == true ? .present(profiles.map(device)) : .absent
        return gpu
    }

    private func device(_ profile: String) -> MIGDevice {
        var device = MIGDevice.wholeRTXPro
        device.profile = profile
        device.memoryMiB = 19968
        return device
    }

    private let invalid = [
        "gpu.product": "NVIDIA-A100-SXM4-80GB-MIG-INVALID", "gpu.count": "0", "gpu.replicas": "0",
        "gpu.sharing-strategy": "", "gpu.memory": "0",
    ]
    private let attributes = [
        "gpu.multiprocessors", "gpu.slices.gi", "gpu.slices.ci", "gpu.engines.copy", "gpu.engines.decoder",
        "gpu.engines.encoder", "gpu.engines.jpeg", "gpu.engines.ofa",
    ]

    private func expectInvalid(_ gpus: [GPUFacts], sourceLocation: SourceLocation = #_sourceLocation) {
        let labels = labels(gpus)
        for (key, value) in invalid { #expect(labels[key] == value, sourceLocation: sourceLocation) }
        #expect(attributes.allSatisfy { labels[$0] == nil }, sourceLocation: sourceLocation)
        #expect(labels["mig.strategy"] == "single" && labels["mig.capable"] == "true", sourceLocation: sourceLocation)
        #expect(labels["gpu.family"] == "blackwell", sourceLocation: sourceLocation)
    }

    @Test func singleWithoutMIGIsAsWithoutTheStrategy() {
        var expected = labels([gpu(0, mig: false), gpu(1, mig: false)], .none)
        #expect(expected["gpu.count"] == "2" && expected["mig.capable"] == "true")
        #expect(expected["mig.strategy"] == nil)
        expected["mig.strategy"] = "single"
        #expect(labels([gpu(0, mig: false), gpu(1, mig: false)]) == expected)
    }

    @Test func singleShowsTheOneProfileOfAllGPUs() {
        let labels = labels([gpu(0, mig: true, ["2g.20gb", "2g.20gb", "2g.20gb"]), gpu(1, mig: true, ["2g.20gb"])])
        #expect(labels["gpu.product"] == "NVIDIA-A100-SXM4-80GB-MIG-2g.20gb")
        #expect(labels["gpu.count"] == "4")
        #expect(labels["gpu.replicas"] == "1")
        #expect(labels["gpu.sharing-strategy"] == "none")
        #expect(labels["gpu.memory"] == "19968")
        #expect(attributes.map { labels[$0] } == ["188", "4", "4", "4", "4", "4", "4", "1"])
        #expect(labels["gpu.compute.major"] == "12" && labels["mig.strategy"] == "single")
    }

    @Test func aPlusInAProfileBecomesADot() {
        let product = labels([gpu(0, mig: true, ["1g.10gb+me.all"])])["gpu.product"]
        #expect(product == "NVIDIA-A100-SXM4-80GB-MIG-1g.10gb.me.all")
    }

    @Test func attributesThatNVMLDoesNotGiveAreLeftOut() {
        let plain = gpu(withAttributes: .absent)
        #expect(labels([plain])["gpu.count"] == "1")
        #expect(attributes.allSatisfy { labels([plain])[$0] == nil })
        #expect(undetermined([plain]).isEmpty)
    }

    /// As feature discovery has it, also when NVML reports another memory for the device.
    @Test func theMemoryIsThatOfTheAttributes() throws {
        var attributes = try #require(MIGDevice.wholeRTXPro.attributes.value)
        attributes.memoryMiB = 20096
        #expect(labels([gpu(withAttributes: .present(attributes))])["gpu.memory"] == "20096")
        #expect(labels([gpu(withAttributes: .absent)])["gpu.memory"] == "19968")
    }

    @Test func attributesThatCannotBeReadStayAsTheyAre() {
        let unread = gpu(withAttributes: .unreadable(ReadFailure(.vendor, "nvmlDeviceGetAttributes_v2: 999")))
        #expect(labels([unread])["gpu.product"] == "NVIDIA-A100-SXM4-80GB-MIG-2g.20gb")
        #expect(undetermined([unread]) == Set(attributes))
    }

    @Test func aMIGGPUWithoutANameIsNotShownAsAWholeOne() {
        var nameless = gpu(1, mig: true, ["2g.20gb"])
        nameless.name = .unreadable(ReadFailure(.vendor, "nvmlDeviceGetName: 999"))
        let gpus = [gpu(0, mig: false), nameless]
        let single = ["gpu.count", "gpu.product", "gpu.memory", "gpu.replicas", "gpu.sharing-strategy"]
        #expect(undetermined(gpus) == Set(single + attributes))
        #expect(labels(gpus)["gpu.product"] == nil)
        #expect(labels(gpus)["mig.strategy"] == "single")
    }

    @Test func singleIsInvalidWithAnEmptyGPU() {
        expectInvalid([gpu(0, mig: true)])
        expectInvalid([gpu(0, mig: true, ["2g.20gb"]), gpu(1, mig: true)])
    }

    @Test func singleIsInvalidWhereMIGIsOnForSomeOnly() {
        expectInvalid([gpu(0, mig: true, ["2g.20gb"]), gpu(1, mig: false)])
        expectInvalid([gpu(0, mig: false), gpu(1, mig: true, ["2g.20gb"])])
        expectInvalid([gpu(0, mig: true, ["2g.20gb"]), gpu(1, mig: nil)])
    }

    @Test func singleIsInvalidWithSeveralProfiles() {
        expectInvalid([gpu(0, mig: true, ["2g.20gb", "3g.40gb"])])
        expectInvalid([gpu(0, mig: true, ["2g.20gb"]), gpu(1, mig: true, ["3g.40gb"])])
    }

    @Test func anInvalidLayoutNamesTheFirstModelWithMIG() {
        var h100 = GPUFacts.h100.at(index: 0)
        h100.migMode = .present(MIGMode(current: false, pending: true))
        let labels = labels([h100, gpu(1, mig: true, ["2g.20gb"])])
        #expect(labels["gpu.product"] == "NVIDIA-A100-SXM4-80GB-MIG-INVALID")
    }

    @Test func noneAndMixedShowWholeGPUs() {
        let gpus = [gpu(0, mig: true, ["2g.20gb", "3g.40gb"]), gpu(1, mig: true)]
        for (strategy, shown) in [(MIGStrategy.none, nil), (.mixed, String?.some("mixed"))] {
            let labels = labels(gpus, strategy)
            #expect(labels["gpu.product"] == "NVIDIA-A100-SXM4-80GB")
            #expect(labels["gpu.count"] == "2" && labels["gpu.memory"] == "81920")
            #expect(labels["mig.capable"] == "true" && labels["mig.strategy"] == shown)
            #expect(attributes.allSatisfy { labels[$0] == nil })
        }
    }

    @Test func aGPUWithoutMIGIsNotCapable() {
        let labels = labels([gpu(0, mig: nil)])
        #expect(labels["mig.capable"] == "false" && labels["mig.strategy"] == "single")
        #expect(labels["gpu.product"] == "NVIDIA-A100-SXM4-80GB")
    }

    @Test func theProfileSurvivesALongProductName() {
        var long = gpu(0, mig: true, ["1g.24gb+me.all"])
        long.name = .present("NVIDIA RTX PRO 6000 Blackwell Max-Q Workstation Edition")
        #expect(
            labels([long])["gpu.product"] == "NVIDIA-RTX-PRO-6000-Blackwell-Max-Q-Workstat-MIG-1g.24gb.me.all"
        )
        long.migDevices = .present([])
        let invalid = labels([long])["gpu.product"]
        #expect(invalid == "NVIDIA-RTX-PRO-6000-Blackwell-Max-Q-Workstation-Edi-MIG-INVALID")
        #expect(invalid?.count == 63)
    }
}
