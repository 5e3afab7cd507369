import CoreSupport
import Health
import NodeModel
import TestSupport
import Testing

/// The checks that compare the device plugin with the agent and with the Node.
@Suite struct DevicePluginCheckTests {
    private func process(
        _ strategy: MIGStrategy?,
        _ source: DevicePluginProcess.Source = .argument,
        pid: Int = 7
    ) -> DevicePluginProcess {
        DevicePluginProcess(
            pid: pid,
            strategy: strategy.map { .present($0) } ?? .unreadable(ReadFailure(.permission, "no access")),
            source: source,
            configFile: source == .file ? "/config/config.yaml" : nil
        )
    }

    private func report(
        _ processes: [DevicePluginProcess],
        ours: MIGStrategy = .single,
        allocatable: Reading<[String: Int]> = .skipped("no Node"),
        label: Reading<String> = .absent,
        gpus: [[String]?] = [["1g.5gb", "1g.5gb"]],
        change: (inout NodeFacts) -> Void = { _ in }
    ) -> NodeReport {
        let facts = NodeFacts.h100Ready.with { facts in
            facts.pci = .present(gpus.indices.map { PCIFunction.h100.at(bus: UInt8($0)) })
            facts.vendor = .answering("595.71.05", gpus: DevicePluginOfferTests.gpus(gpus))
            facts.devicePlugin = DevicePluginFacts(
                configLabel: label,
                processes: processes.isEmpty ? .absent : .present(processes),
                allocatable: allocatable
            )
            change(&facts)
        }
        return Checks(facts: facts, plan: .adoptedH100, migStrategy: ours).report()
    }

    @Test(arguments: [MIGStrategy.single, .mixed]) func theSameStrategyPasses(_ strategy: MIGStrategy) {
        let found = report([process(strategy)], ours: strategy).finding(.devicePluginStrategy)
        #expect(found?.state == .pass)
        #expect(found?.observed == "\(strategy.rawValue), from its argument --mig-strategy")
    }

    @Test(arguments: [
        (DevicePluginProcess.Source.argument, "its argument --mig-strategy."),
        (.environment, "its environment variable MIG_STRATEGY."),
        (
            .file,
            "flags.migStrategy in its file /config/config.yaml, which the label nvidia.com/device-plugin.config=a100 "
                + "selects."
        ),
    ])
    func anotherStrategyIsAWarningThatNamesTheSetting(_ source: DevicePluginProcess.Source, _ setting: String) {
        let report = report([process(.mixed, source)], label: .present("a100"))
        let found = report.finding(.devicePluginStrategy)
        #expect(found?.state == .warning && report.verdict == .degraded && report.readiness == .usable)
        #expect(found?.remedy.text.hasSuffix(setting) == true)
        #expect(found?.remedy.text.hasPrefix("Set mig.strategy in the configuration of the agent to mixed.") == true)
    }

    /// The strategies differ only for GPUs in MIG mode, and the plugin's default is not the agent's.
    @Test func withoutMIGTheStrategyDoesNotMatter() {
        let report = report([process(MIGStrategy.none, .preset)], gpus: [nil])
        #expect(report.verdict == .ready && report.finding(.devicePluginStrategy) == nil)
    }

    @Test func whatCannotBeReadIsANotice() {
        let report = report([process(nil)], allocatable: .present(["nvidia.com/gpu": 99]))
        #expect(report.finding(.devicePluginStrategy)?.state == .notice && report.verdict == .ready)
        #expect(report.finding(.devicePluginResources) == nil)
    }

    @Test func twoPluginsThatDifferAreAWarning() {
        let report = report([process(.single), process(.mixed, pid: 9)], allocatable: .present([:]))
        let found = report.finding(.devicePluginStrategy)
        #expect(found?.state == .warning && found?.observed.contains("single (process 7), mixed (process 9)") == true)
        #expect(report.finding(.devicePluginResources) == nil)
    }

    /// The plugin offers whole GPUs then, whatever the agent thinks; the node stays ready.
    @Test func aPluginWithNoneUnderMIGIsAWarning() {
        let report = report([process(MIGStrategy.none, .preset)])
        #expect(report.finding(.migStrategyNone)?.state == .warning && report.finding(.devicePluginStrategy) == nil)
        #expect(report.readiness == .usable)
    }

    /// The pods get MIG devices, so only the labels are wrong.
    @Test func thePluginDecidesWhetherPodsGetMIGDevices() {
        let report = report([process(.single)], ours: MIGStrategy.none)
        #expect(report.finding(.migStrategyNone)?.state == .pass)
        #expect(report.finding(.devicePluginStrategy)?.state == .warning)
        #expect(self.report([], ours: MIGStrategy.none).finding(.migStrategyNone)?.state == .failed)
    }

    @Test func aLayoutThatThePluginTakesIsNotInvalid() {
        let layout: [[String]?] = [["1g.5gb", "3g.20gb"]]
        #expect(report([process(.mixed)], gpus: layout).finding(.migLayoutInvalid) == nil)
        #expect(report([process(.single)], gpus: layout).finding(.migLayoutInvalid)?.state == .failed)
        #expect(report([], gpus: layout).finding(.migLayoutInvalid)?.state == .failed)
    }

    @Test func staleResourcesAreAWarning() {
        let report = report([process(.single)], allocatable: .present(["nvidia.com/gpu": 7]))
        let found = report.finding(.devicePluginResources)
        #expect(found?.state == .warning && report.verdict == .degraded && report.readiness == .usable)
        #expect(found?.observed == "The Node offers other devices than its GPUs have: nvidia.com/gpu: 7 in place of 2.")
        #expect(found?.expected == "what the GPUs have with the MIG strategy single: nvidia.com/gpu: 2")
    }

    @Test func theResourcesOfTheGPUsPass() {
        let found = report([process(.single)], allocatable: .present(["nvidia.com/gpu": 2]))
            .finding(.devicePluginResources)
        #expect(found?.state == .pass && found?.observed == "nvidia.com/gpu: 2")
    }

    /// A plugin that gets one of two GPUs offers one, and nobody can tell from outside which one.
    @Test(arguments: [(true, .notApplicable), (nil, nil), (false, .warning)] as [(Bool?, Finding.State?)])
    func aPluginThatGetsOnlySomeGPUsIsNotOutOfDate(_ isLimited: Bool?, _ state: Finding.State?) {
        var plugin = process(.single)
        plugin.isLimited = isLimited
        let report = report([plugin], allocatable: .present(["nvidia.com/gpu": 1]), gpus: [nil, nil])
        #expect(report.finding(.devicePluginResources)?.state == state)
    }

    /// The Node of a node without a plugin says nothing, and neither does one that nobody read.
    @Test func withoutAPluginOrTheNodeNothingIsJudged() {
        #expect(report([], allocatable: .present([:])).finding(.devicePluginResources) == nil)
        #expect(report([process(.single)]).finding(.devicePluginResources) == nil)
    }

    /// The plugin takes back a GPU that is lost, and it is right.
    @Test func aLostGPUIsNotTheFaultOfThePlugin() {
        let report = report([process(.single)], allocatable: .present(["nvidia.com/gpu": 1]), gpus: [nil, nil]) {
            $0.vendor = .answering("595.71.05", gpus: [.h100.at(index: 0), .lost(index: 1)])
        }
        #expect(report.finding(.devicePluginResources) == nil)
    }
}
