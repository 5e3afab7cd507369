import NodeModel
import Support

/// The lines of the status about what an agent does on the host now, or waits for.
struct ActivityText {
    var activity: Activity
    /// The current time in seconds since 1970.
    var now: Double

    var lines: [String] {
        let duration = spoken(seconds: max(0, now - activity.since.seconds))
        switch activity.kind {
        case .step: return ["  \(activity.subject), for \(duration)\(usual)\(download)"] + output
        case .job:
            return ["  waiting for job \(activity.subject), which an earlier agent started, for \(duration)"] + output
        case .retry:
            let next = activity.until.map { until in
                let left = until.seconds - now
                return left > 0 ? "The next attempt is in \(spoken(seconds: left))." : "The next attempt is due."
            }
            return ["  The last install failed \(duration) ago with \(activity.subject). \(next ?? "")"]
        case .node: return ["  waiting for the API server, for \(duration): \(activity.subject)"]
        }
    }

    private var usual: String {
        activity.usualSeconds.map { " of about \(spoken(seconds: $0))" } ?? ""
    }

    private var download: String {
        guard let received = activity.receivedBytes else { return "" }
        let total = activity.totalBytes.map { " of \($0 >> 20)" } ?? ""
        return ", \(received >> 20)\(total) MiB"
    }

    private var output: [String] {
        guard let line = activity.lastLine, let at = activity.lastLineAt else { return [] }
        return ["    its last output, \(spoken(seconds: max(0, now - at.seconds))) ago: \(line)"]
    }
}
