import Catalog
import FoundationEssentials
import Host
package import NodeModel
package import Planning
import SystemPackage

/// Does the steps of a plan, one `switch` and nothing more; every `if` about the host is in the planner.
struct Executor {
    let root: HostRoot
    let commands: HostCommands
    let downloader: Downloader
    let progress: @Sendable (InstallProgress) -> Void
    /// Looks at the node again and says what is wrong, if anything.
    let verify: @Sendable (Duration) async -> Finding?

    /// Does one step; its record for the journal comes back changed where the step is about the journal itself.
    func execute(_ step: PlannedStep, _ journal: inout Journal) async throws(AgentFailure) {
        let deadline = Duration.seconds(step.deadlineSeconds)
        switch step.action {
        case .begin(let record):
            journal.record = record
            journal.steps.removeAll { $0.step != step.id }
            try await onHost(.installFailed) { () async throws(HostError) in
                // What an earlier choice left half downloaded or half unpacked is of no use to this one.
                for directory in [HostLayout.packages, HostLayout.work] {
                    try root.removeTree(HostPath(stringLiteral: directory))
                }
                for directory in [HostLayout.packages, HostLayout.work, HostLayout.logs] {
                    try root.makeDirectories(HostPath(stringLiteral: directory))
                }
                // A result that an earlier install of this version left must not count for this one.
                try await forgetJobs(of: record)
            }
        case .download(let artifact):
            try await download(artifact, deadline)
        case .unload(let modules):
            try await onHost(.moduleUnloadFailed) { () async throws(HostError) in try await unload(modules, deadline) }
        case .run(let commands, let failure):
            try await onHost(failure) { () async throws(HostError) in
                for command in commands { _ = try await self.commands.run(command, deadline: deadline) }
            }
        case .job(let name, let command, let failure):
            try await run(name, command, deadline, failure)
        case .verify:
            if let problem = await verify(deadline) { throw AgentFailure(problem) }
        case .finish(let record, let package):
            try await onHost(.installFailed) { () async throws(HostError) in
                try root.remove(HostPath(stringLiteral: HostLayout.packages).entry(package))
                try root.removeTree(HostPath(stringLiteral: HostLayout.work))
                try await forgetJobs(of: record)
            }
            journal.record = record
        }
    }

    private func download(_ artifact: Artifact, _ deadline: Duration) async throws(AgentFailure) {
        guard let digest = artifact.digest else {
            throw AgentFailure(
                Finding(
                    .artifactWithoutHash,
                    observed: "\(artifact.fileName) has no checksum",
                    expected: "a SHA-256 or SHA-512",
                    remedy: "add the checksum in a catalog of your own"
                )
            )
        }
        let request = DownloadRequest(
            urls: artifact.urls,
            fileName: artifact.fileName,
            digest: digest,
            size: artifact.size,
            deadline: deadline
        )
        let directory = try await onHost(.downloadFailed) { () async throws(HostError) in
            try root.openDirectory(HostPath(stringLiteral: HostLayout.packages), create: true)
        }
        defer { try? directory.close() }
        let progress = progress
        do throws(DownloadError) {
            _ = try await downloader.fetch(request, into: directory) {
                progress(.downloaded(bytes: $0.received, total: $0.total))
            }
        } catch { throw error.failure(of: artifact) }
    }

    /// Where a module is in use, those that are gone by then come back: without its UVM module a driver runs no new
    /// CUDA program.
    private func unload(_ modules: [String], _ deadline: Duration) async throws(HostError) {
        for (index, module) in modules.enumerated() {
            do throws(HostError) { _ = try await commands.run(["modprobe", "-r", module], deadline: deadline) } catch {
                let commands = commands
                // Not part of this task: an agent that is told to stop in the middle brings them back all the same.
                await Task {
                    for gone in modules[..<index].reversed() {
                        _ = try? await commands.run(["modprobe", gone], deadline: deadline)
                    }
                }.value
                throw error
            }
        }
    }

    private func forgetJobs(of record: InstallRecord) async throws(HostError) {
        for name in StepID.jobs.map({ $0.jobName(for: record.version) }) {
            try await HostJob(name, root: root, commands: commands).forget()
        }
    }

    /// Starts a job anew and waits for its end.
    ///
    /// What an earlier agent left running was waited for before.
    private func run(
        _ name: String,
        _ command: [String],
        _ deadline: Duration,
        _ failure: ReasonCode
    ) async throws(AgentFailure) {
        let progress = progress
        let (outcome, log) = try await onHost(failure) { () async throws(HostError) in
            let job = try HostJob(name, root: self.root, commands: self.commands)
            // What a compiler that is killed leaves behind is removed with the work directory.
            try await job.start(command, environment: ["TMPDIR": HostLayout.work])
            return (try await job.wait(deadline: deadline) { progress(.said($0)) }, job.log)
        }
        guard outcome != .finished(status: 0) else { return }
        let path = failure == .installerFailed ? HostPath(stringLiteral: HostLayout.installerLog) : log
        throw AgentFailure(JobLog(path: path, code: failure).problem(outcome, root: root))
    }

    private func onHost<Value: Sendable>(
        _ code: ReasonCode,
        _ work: () async throws(HostError) -> Value
    ) async throws(AgentFailure) -> Value {
        do throws(HostError) { return try await work() } catch { throw error.failure(code) }
    }
}

/// What happens while a plan is carried out.
package enum InstallProgress: Sendable {
    case started(PlannedStep, number: Int, of: Int)
    /// Bytes that are there, and of how many when that is known.
    case downloaded(bytes: Int, total: Int?)
    /// A line that the installer wrote.
    case said(String)
    case finished(PlannedStep, seconds: Double)
    case failed(PlannedStep, Finding)
    /// An installer that an earlier agent started still runs.
    case waitingForJob(String)
}
