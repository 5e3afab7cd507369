import Catalog
import Cluster
import ClusterSupport
import FoundationEssentials
import Health
import HostSupport
import Kubernetes
import Logging
import NodeModel
import Reporting
import SimulatedCluster
import Support
import TestSupport
import Testing

@testable import Agent

/// The loop of the daemon, with an API server on a host that is an empty tree, and without one on a host of scripts.
@Suite(.timeLimit(.minutes(2)))
struct ReconcilerTests {
    /// Runs the loop with a cluster while `body` runs.
    private func withLoop(
        _ cluster: TestCluster,
        startJitter: Duration = .zero,
        _ body: (SnapshotBox, Bell) async throws -> Void
    ) async throws {
        let host = try TemporaryDirectory()
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let link = TestLink(cluster)
        let prober = try Prober(Settings(hostRoot: host.path, hostPID: nil))
        var inspector = Inspector(prober: prober, setup: Setup(catalog: Catalog(), policy: Policy()))
        inspector.owners = link.mirror
        let (box, wakeUp) = (SnapshotBox(), Bell())
        let reconciler = Reconciler(
            inspector: inspector,
            install: nil,
            cluster: ClusterLink(mirror: link.mirror, publisher: link.publisher),
            wakeUp: wakeUp,
            box: box,
            startJitter: startJitter,
            logger: logger
        )
        let loop = Task { try await reconciler.run() }
        let publishing = Task {
            await link.publisher.run { inputsChanged in if inputsChanged { wakeUp.ring() } }
        }
        defer { publishing.cancel() }
        do { try await body(box, wakeUp) } catch {
            loop.cancel()
            throw error
        }
        loop.cancel()
        try await loop.value
    }

    private func labels(_ box: SnapshotBox) -> Reading<[String: String]>? {
        box.snapshot?.view.facts.claims.nodeLabels
    }

    @Test func knowsTheLabelsAtItsFirstLook() async throws {
        try await TestCluster.with { cluster in
            try await cluster.changeNode(["metadata": ["labels": [OwnerLabel.gpuOperatorDriver: "true"]]])
            try await withLoop(cluster) { box, _ in
                try await eventually("the first inspection") { box.snapshot != nil }
                #expect(labels(box) == .present([OwnerLabel.gpuOperatorDriver: "true"]))
            }
        }
    }

    @Test func looksAgainOnceTheServerAnswers() async throws {
        try await TestCluster.with { cluster in
            // As many as there are attempts for the first look; publishing then comes through.
            cluster.server.faults.add(Fault(.drop, times: 3))
            try await withLoop(cluster) { box, _ in
                try await eventually("the labels are read") { labels(box) == .present([:]) }
                #expect(box.snapshot?.requests.contains { $0.verb == "get" && $0.outcome == "failed" } == true)
            }
        }
    }

    @Test func goesOnWithoutTheServer() async throws {
        try await TestCluster.with { cluster in
            cluster.server.faults.add(Fault(.drop, times: 10_000))
            try await withLoop(cluster) { box, _ in
                try await eventually("the first inspection") { box.snapshot != nil }
                #expect(labels(box)?.failure?.reason == .io)
            }
        }
    }

    /// Another client can change the labels of the owner many times a second.
    @Test func manyEventsCauseOneInspectionInTwoSeconds() async throws {
        try await TestCluster.with { cluster in
            try await withLoop(cluster) { box, wakeUp in
                try await eventually("the first inspection") { box.snapshot != nil }
                var inspections: Set<Double> = []
                let started = ContinuousClock.now
                for _ in 0..<30 {
                    wakeUp.ring()
                    try await Task.sleep(for: .milliseconds(100))
                    if let at = box.snapshot?.at { inspections.insert(at) }
                }
                // On a busy machine, the 30 events take longer than three seconds.
                let pauses = Int((ContinuousClock.now - started) / .seconds(2))
                #expect((2...pauses + 2).contains(inspections.count))
            }
        }
    }

    /// Runs a loop that installs while `body` runs.
    private func withInstalls(
        on host: ScriptedHost,
        _ body: (SnapshotBox, Bell) async throws -> Void
    ) async throws {
        let (box, wakeUp) = (SnapshotBox(), Bell())
        let reconciler = Reconciler(
            inspector: host.inspector,
            install: host.install(),
            cluster: nil,
            wakeUp: wakeUp,
            box: box,
            startJitter: .zero,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
        let loop = Task { try await reconciler.run() }
        do { try await body(box, wakeUp) } catch {
            loop.cancel()
            throw error
        }
        loop.cancel()
        try await loop.value
    }

    @Test(.enabled(if: PrivateHost.isPossible, PrivateHost.reason))
    func installsTheDriverAndSaysSoMeanwhile() async throws {
        try await ScriptedHost.with { host in
            try host.order("hold")
            try await withInstalls(on: host) { box, wakeUp in
                try await eventually("the installer runs") { !host.calls("installer").isEmpty }
                #expect(box.snapshot?.view.report.verdict == .installing)
                // The file is written at most once a second.
                try await eventually("the activity is the installer") {
                    await host.activity(installing: true)?.subject.contains(ScriptedHost.version) == true
                }
                // Without a process that installs, the file is one of an agent that was killed.
                #expect(await host.activity(installing: false) == nil)
                try host.order("go")
                try await eventually("the node is ready") { box.snapshot?.view.report.verdict == .ready }
                #expect(try host.journal().record?.state == .installed)
                #expect(await host.activity(installing: true) == nil)
                // A node that is good is looked at, and nothing more.
                let before = box.snapshot?.at ?? 0
                wakeUp.ring()
                try await eventually("a new inspection") { (box.snapshot?.at ?? 0) > before }
                #expect(host.calls("installer").count == 1)
            }
        }
    }

    @Test(.enabled(if: PrivateHost.isPossible, PrivateHost.reason))
    func aNodeThatWorkedStaysReadyWhileItsDriverIsLoadedAgain() async throws {
        try await ScriptedHost.with { host in
            try await withInstalls(on: host) { box, wakeUp in
                try await eventually("the node is ready") { box.snapshot?.view.report.verdict == .ready }
                let loads = host.calls("nvidia-modprobe").count
                try host.order("hold-nodes")
                try FileManager.default.removeItem(atPath: host.tree.path("dev/nvidia-uvm"))
                wakeUp.ring()
                try await eventually("the driver is loaded again") { host.calls("nvidia-modprobe").count > loads }
                // The missing node counts only after its settling time.
                let report = box.snapshot?.view.report
                #expect(report?.verdict == .ready)
                #expect(report?.findings.contains { $0.code == .deviceNodesMissing && $0.state == .notice } == true)
                #expect(box.snapshot?.view.publication.taint == .absent)
                try host.order("go")
                try await eventually("the node is back") {
                    box.snapshot?.view.facts.driver.deviceNodes.value?.count == 3
                }
            }
        }
    }

    @Test(.enabled(if: PrivateHost.isPossible, PrivateHost.reason))
    func waitsAfterAnInstallThatFailed() async throws {
        try await ScriptedHost.with { host in
            try host.order("no-compiler")
            try await withInstalls(on: host) { box, wakeUp in
                try await eventually("the installer failed") { box.snapshot?.view.report.reason == .installerFailed }
                #expect(box.snapshot?.view.report.verdict == .notReady)
                let wait = await host.activity(installing: false)
                #expect(wait?.kind == .retry && wait?.subject == "installer-failed")
                #expect(((wait?.until?.seconds ?? 0) - (wait?.since.seconds ?? 0)).rounded() == 30)
                let before = box.snapshot?.at ?? 0
                wakeUp.ring()
                try await eventually("a new inspection") { (box.snapshot?.at ?? 0) > before }
                #expect(box.snapshot?.view.report.reason == .installerFailed)
                #expect(host.calls("installer").count == 1)
            }
        }
    }

    /// The record of the GPUs survives the daemon, and a GPU that is gone is missed.
    @Test(arguments: AgentMode.allCases)
    func remembersTheGPUsOfTheNode(_ mode: AgentMode) async throws {
        let host = try TemporaryDirectory()
        func plug(_ address: String) throws {
            let words = [("vendor", "0x10de"), ("device", "0x2321"), ("class", "0x030200"), ("revision", "0xa1")]
            for (name, text) in words { try host.write("sys/bus/pci/devices/\(address)/\(name)", "\(text)\n") }
        }
        try plug("0001:00:00.0")
        try plug("0002:00:00.0")
        let prober = try Prober(Settings(hostRoot: host.path, hostPID: nil))
        let (box, wakeUp) = (SnapshotBox(), Bell())
        let reconciler = Reconciler(
            inspector: Inspector(prober: prober, setup: Setup(catalog: Catalog(), policy: Policy())),
            install: nil,
            cluster: nil,
            wakeUp: wakeUp,
            box: box,
            startJitter: .zero,
            mode: mode,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
        let loop = Task { try await reconciler.run() }
        try await eventually("the first inspection") { box.snapshot != nil }
        try FileManager.default.removeItem(atPath: host.path("sys/bus/pci/devices/0002:00:00.0"))
        let before = box.snapshot?.at ?? 0
        wakeUp.ring()
        try await eventually("a new inspection") { (box.snapshot?.at ?? 0) > before }
        loop.cancel()
        try await loop.value

        let facts = await prober.look().facts
        let gone = PCIAddress(domain: 2, bus: 0, device: 0, function: 0)
        #expect(facts.missingGPUs == (mode == .observe ? nil : [gone]))
        #expect(facts.seenGPUs.isAbsent == (mode == .observe))
    }

    /// The results of the daemon, which every user can read, are those of its last inspection.
    @Test(arguments: AgentMode.allCases)
    func leavesItsResultsForTheCommands(_ mode: AgentMode) async throws {
        let host = try TemporaryDirectory()
        try host.write("proc/sys/kernel/random/boot_id", "8a1c6a5e-0000-4000-8000-000000000001\n")
        let prober = try Prober(Settings(hostRoot: host.path, hostPID: nil))
        let inspector = Inspector(prober: prober, setup: Setup(catalog: Catalog(), policy: Policy()))
        let (box, wakeUp) = (SnapshotBox(), Bell())
        let reconciler = Reconciler(
            inspector: inspector,
            install: nil,
            cluster: nil,
            wakeUp: wakeUp,
            box: box,
            startJitter: .zero,
            mode: mode,
            resultsLast: .seconds(300),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
        let loop = Task { try await reconciler.run() }
        try await eventually("the first inspection") { box.snapshot != nil }
        if mode == .observe {
            loop.cancel()
            try await loop.value
            #expect(await prober.daemonResults() == nil && !host.exists("run/gpu-agent"))
            return
        }
        try await eventually("the results") { await prober.daemonResults() != nil }
        let results = try #require(await prober.daemonResults())
        #expect(results.until.milliseconds - results.at.milliseconds == 300_000)
        #expect(results.facts == box.snapshot?.view.facts)
        #expect(await prober.isCurrent(results))
        var view = await inspector.currentView(results)
        // Root reads the errors of the GPUs again, with the time.
        view.facts.gpuEvents = results.facts.gpuEvents
        #expect(view.facts == results.facts && view.report == box.snapshot?.view.report)
        let attributes = try FileManager.default.attributesOfItem(atPath: host.path("run/gpu-agent/results.json"))
        #expect(attributes[.posixPermissions] as? Int == 0o600)
        try host.write("sys/module/nvidia/version", "595.71.05\n")
        #expect(await !prober.isCurrent(results), "somebody loaded a driver")
        try FileManager.default.removeItem(atPath: host.path("sys/module"))
        #expect(await prober.isCurrent(results))

        loop.cancel()
        try await loop.value
        let last = try #require(await prober.daemonResults())
        #expect(last.facts == results.facts)
        #expect(await !prober.isCurrent(last), "no daemon runs")
        try host.write("proc/sys/kernel/random/boot_id", "another\n")
        #expect(await prober.daemonResults() == nil)
    }

    @Test func asksNothingBeforeTheStartJitterIsOver() async throws {
        try await TestCluster.with { cluster in
            // A random part of it is waited.
            try await withLoop(cluster, startJitter: .seconds(1_000_000)) { _, _ in
                try await Task.sleep(for: .milliseconds(300))
                #expect(cluster.server.log.all.isEmpty)
            }
        }
    }
}
