/// A job that runs now, with what a person needs to find its processes.
package struct RunningJob: Sendable, Equatable, CustomStringConvertible {
    package var name: String
    /// The transient unit with the processes of the job; nil on a host without systemd, and for a job that an earlier
    /// version of the agent started.
    package var unit: String?
    /// The process ID on the host, which is also the ID of the session and of the process group; nil when it is not
    /// known.
    package var pid: Int?

    package init(name: String, unit: String? = nil, pid: Int? = nil) {
        self.name = name
        self.unit = unit
        self.pid = pid
    }

    /// The directory with the lock and the log of the job.
    package var directory: String { "\(HostJob.directory)/\(name)" }

    package var description: String {
        let names = [unit.map { "unit \($0)" }, pid.map { "process \($0)" }].compactMap(\.self)
        return names.isEmpty ? "job \(name)" : "job \(name) (\(names.joined(separator: ", ")))"
    }
}

extension HostJob {
    /// The jobs that run on the host now, also those that no journal names, sorted by name.
    ///
    /// A directory that cannot be examined is no job that runs.
    package static func running(
        on root: HostRoot,
        _ commands: HostCommands
    ) async throws(HostError) -> [HostJob] {
        try await offPool { () throws(HostError) in
            var jobs: [HostJob] = []
            for name in (try root.list(directory) ?? []).sorted() {
                let job = try HostJob(name, root: root, commands: commands)
                if (try? job.isRunning()) == true { jobs.append(job) }
            }
            return jobs
        }
    }

    /// What identifies the processes of this job, which runs.
    package func whereItRuns() -> RunningJob {
        RunningJob(name: name, unit: record?.unit, pid: leader)
    }

    /// The process ID in the file `pid`; nil when the file is missing or damaged, and when the number belongs to another
    /// process by now.
    private var leader: Int? {
        guard let bytes = try? root.readOwn(file("pid"), limit: 64) else { return nil }
        let words = String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isWhitespace)
        guard words.count == 2, let pid = Int(words[0]), pid > 1 else { return nil }
        // The group of a leader that has ended keeps its number, so a missing file says nothing.
        guard let path = HostPath(absolute: "/proc/\(pid)/stat"), let stat = (try? root.text(path)) ?? nil else {
            return pid
        }
        // The fields after the name of the program, which can have spaces: the 20th is the start time.
        let fields = stat.split(separator: ")").last?.split(whereSeparator: \.isWhitespace) ?? []
        return fields.count > 19 && fields[19] == words[1] ? pid : nil
    }
}
