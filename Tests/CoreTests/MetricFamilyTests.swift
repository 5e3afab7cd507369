import Reporting
import Testing

/// How a metric is written, and which format a scraper gets.
@Suite struct MetricFamilyTests {
    @Test func escapesLabelValuesAndHelp() {
        let family = MetricFamily("a_seconds", "A \\ and a \"line\"\nmore.").sample([("b", "x\"y\\z\nw\r")], 1)
        let sample = "a_seconds{b=\"x\\\"y\\\\z\\nw\r\"} 1\n"
        #expect(
            family.text(.text) == "# HELP a_seconds A \\\\ and a \"line\"\\nmore.\n# TYPE a_seconds gauge\n" + sample
        )
        #expect(
            family.text(.openMetrics)
                == "# TYPE a_seconds gauge\n# UNIT a_seconds seconds\n"
                + "# HELP a_seconds A \\\\ and a \\\"line\\\"\\nmore.\n" + sample
        )
    }

    /// OpenMetrics knows a family without the suffix of its kind, and the older format has no info.
    @Test(arguments: [
        (MetricFamily("a_total", "Help.", .counter), "a_total", "counter", "a", "counter"),
        (MetricFamily("a_bytes_total", "Help.", .counter), "a_bytes_total", "counter", "a_bytes", "counter"),
        (MetricFamily("a_info", "Help.", .info), "a_info", "gauge", "a", "info"),
        (MetricFamily("a_info", "Help."), "a_info", "gauge", "a_info", "gauge"),
    ])
    func declaresItsKind(
        _ family: MetricFamily,
        _ name: String,
        _ kind: String,
        _ openName: String,
        _ openKind: String
    ) {
        let family = family.sample([], 1)
        #expect(family.text(.text).contains("# TYPE \(name) \(kind)\n"))
        #expect(family.text(.openMetrics).contains("# TYPE \(openName) \(openKind)\n"))
        #expect(family.text(.openMetrics).contains("# UNIT") == openName.hasSuffix("bytes"))
        #expect(MetricsFormat.allCases.allSatisfy { family.text($0).hasSuffix("\n\(name) 1\n") })
    }

    @Test func leavesOutWhatIsNotKnown() {
        let family = MetricFamily("a", "Help.").sample([], nil as Double?)
        #expect(MetricsFormat.allCases.allSatisfy { family.text($0).isEmpty })
    }

    @Test func keepsTheFirstOfTwoSamplesAndTheirOrder() {
        let family = MetricFamily("a", "Help.").sample([("b", "2")], 1).sample([("b", "1")], 2).sample([("b", "2")], 3)
        #expect(family.text(.text).hasSuffix("gauge\na{b=\"2\"} 1\na{b=\"1\"} 2\n"))
    }

    @Test(arguments: [
        (nil, MetricsFormat.text), ("", .text), ("*/*", .text), ("text/html", .text), (",;q=,;;", .text),
        ("application/openmetrics-text", .openMetrics), ("Application/OpenMetrics-Text ; Version=1.0.0", .openMetrics),
        ("application/openmetrics-text; version=\"1.0.0\"; charset=utf-8", .openMetrics),
        ("application/openmetrics-text;version=0.0.1", .text), ("application/openmetrics-text;q=0", .text),
        ("application/openmetrics-text;q=2", .text), ("application/openmetrics-text;q=0.4,text/plain;q=0.5", .text),
        ("application/openmetrics-text;q=0.5,*/*;q=0.6", .text),
        ("text/plain;version=0.0.4;q=0.5,application/openmetrics-text;version=1.0.0;q=0.5", .openMetrics),
        // What Prometheus 2.42 and 3.0 send.
        (
            "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
                + "text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
            .openMetrics
        ),
        (
            "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,"
                + "application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,"
                + "text/plain;version=0.0.4;q=0.2,*/*;q=0.1",
            .openMetrics
        ),
    ])
    func followsTheScraper(_ accept: String?, _ format: MetricsFormat) {
        #expect(MetricsFormat(accept: accept) == format)
    }

    @Test func readsOnlySoManyPartsOfAHeader() {
        let parts = Array(repeating: "a/b", count: 100) + ["application/openmetrics-text"]
        #expect(MetricsFormat(accept: parts.joined(separator: ",")) == .text)
    }
}
