import CoreSupport
import Health
import NodeModel
import Planning
import Reporting
import TestSupport
import Testing

@Suite struct MetricsTests {
    private func journal() -> Journal {
        var journal = Journal()
        for (step, start, seconds) in [(StepID.download, 100.0, 12.5), (.install, 112.5, 97), (.load, 209.5, 3.25)] {
            journal.begin(step, at: start)
            journal.end(step, at: start + seconds)
        }
        journal.begin(.verify, at: 213)
        return journal
    }

    private func text(
        _ facts: NodeFacts,
        _ report: NodeReport,
        journal: Journal? = nil,
        requests: [Metrics.APIRequestCount] = [],
        lookedAt: Double = 1_795_219_200.5,
        abandoned: Int = 0
    ) throws -> String {
        Metrics(
            report: report,
            facts: facts,
            decision: try Plan.made(for: facts).decision,
            journal: journal,
            apiRequests: requests,
            lookedAt: lookedAt,
            abandonedProcesses: abandoned
        ).text()
    }

    /// The samples without their values.
    private func samples(_ text: String) -> [Substring] {
        text.split(separator: "\n").filter { !$0.hasPrefix("#") }
            .map { line in line.lastIndex(of: " ").map { line[..<$0] } ?? line }
    }

    @Test func areThoseOfTheGolden() throws {
        try expectGolden(try Metrics.full().text(), "Goldens/metrics-rtx-pro-6000.txt")
        try expectGolden(try Metrics.full().text(.openMetrics), "Goldens/openmetrics-rtx-pro-6000.txt")
        try expectGolden(text(.noGPU, try .made(for: .noGPU)), "Goldens/metrics-no-gpu.txt")
    }

    /// Both formats have the same samples in the same order, whichever the scraper asks for.
    @Test func haveTheSameSamplesInEachFormat() throws {
        let metrics = try Metrics.full()
        let lines = MetricsFormat.allCases.map { format in
            metrics.text(format).split(separator: "\n").filter { !$0.hasPrefix("#") }
        }
        #expect(lines[0] == lines[1] && lines[0].count > 60)
        #expect(metrics.text(.openMetrics).hasSuffix("\n# EOF\n") && !metrics.text().contains("EOF"))
        #expect(try Metrics.full().text() == metrics.text(), "the order depends on nothing but the node")
    }

    /// Each family is declared once, before its samples, and no other family is between them.
    @Test func declareEachFamilyOnce() throws {
        let lines = try Metrics.full().text().split(separator: "\n")
        let declared = lines.filter { $0.hasPrefix("# TYPE ") }.map { $0.split(separator: " ")[2] }
        #expect(Set(declared).count == declared.count)
        #expect(lines.count { $0.hasPrefix("# HELP ") } == declared.count)
        var family = Substring()
        for line in lines {
            if line.hasPrefix("# TYPE ") { family = line.split(separator: " ")[2] }
            if !line.hasPrefix("#") { #expect(line.prefix { $0 != "{" && $0 != " " } == family, "\(line)") }
        }
    }

    @Test func oneVerdictHolds() throws {
        for facts in [NodeFacts.rtxProReady, .h100, .noGPU] {
            let report = try NodeReport.made(for: facts)
            let lines = try text(facts, report).split(separator: "\n").filter { $0.hasPrefix("gpu_agent_verdict{") }
            #expect(lines.count == Verdict.allCases.count)
            #expect(
                lines.filter { $0.hasSuffix(" 1") } == ["gpu_agent_verdict{verdict=\"\(report.verdict.rawValue)\"} 1"]
            )
        }
    }

    @Test func noSampleStandsTwice() throws {
        let finding = Finding(.cudaFailed, .failed, observed: "x", expected: "y", remedy: "z")
        var passed = finding
        passed.state = .pass
        let report = NodeReport(verdict: .notReady, reason: .cudaFailed, nextAction: "", findings: [finding, passed])
        let requests = [1, 2].map {
            Metrics.APIRequestCount(verb: "get", resource: "nodes", outcome: "ok", count: $0)
        }
        let text = try text(.rtxProReady, report, journal: journal(), requests: requests)
        let samples = samples(text)
        #expect(Set(samples).count == samples.count)
        #expect(text.contains("gpu_agent_check_passed{code=\"cuda-failed\"} 0\n"))
    }

    @Test func aHostileVersionBreaksNoLine() throws {
        for version in ["5\"8\\0\n.1", "580\r\n.1", "\r\n", "\\\""] {
            let facts = NodeFacts.h100Ready.with { $0.driver.loadedVersion = .present(version) }
            let text = try text(facts, try .made(for: .h100Ready))
            for line in text.unicodeScalars.split(separator: "\n").map({ String($0) }) where !line.hasPrefix("#") {
                let rule = #/[a-z_]+(\{\w+="([^"\\\n]|\\["\\n])*"(,\w+="([^"\\\n]|\\["\\n])*")*\})? [-+.0-9a-z]+/#
                    .matchingSemantics(.unicodeScalar)
                #expect(line.wholeMatch(of: rule) != nil, "\(line)")
            }
        }
        let facts = NodeFacts.h100Ready.with { $0.driver.loadedVersion = .present("a\"b\\c\nd") }
        #expect(try text(facts, try .made(for: .h100Ready)).contains(#"version="a\"b\\c\nd","#))
    }

    @Test func countsTheProcessesThatCannotBeKilled() throws {
        let text = try text(.h100Ready, try .made(for: .h100Ready), abandoned: 3)
        #expect(text.contains("\ngpu_agent_abandoned_processes 3\n"))
    }

    @Test func aFamilyWithoutSamplesIsLeftOut() throws {
        let text = try text(.h100, try .made(for: .h100))
        for name in ["gpu_agent_driver_info", "gpu_agent_install_step_seconds", "gpu_agent_api_requests_total"] {
            #expect(!text.contains(name))
        }
        #expect(!text.contains("source=\"nvml\"") && text.contains("gpu_agent_gpus{source=\"pci\"} 1\n"))
    }

    @Test(arguments: [(1e300, "1e+300"), (.infinity, "+Inf"), (.nan, "NaN"), (0, "0"), (-3, "-3"), (0.25, "0.25")])
    func anyNumberIsWritten(_ value: Double, _ written: String) throws {
        let text = try text(.noGPU, try .made(for: .noGPU), lookedAt: value)
        #expect(text.contains("gpu_agent_last_look_timestamp_seconds \(written)\n"))
    }
}
