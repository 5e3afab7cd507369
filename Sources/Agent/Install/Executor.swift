import FoundationEssentials
import Host
package import NodeModel
import Support
import SystemPackage

/// Executes the effects of a step.
///
/// It makes no decisions about the host. The recipes do that when they build the plan.
struct Executor {
    let root: HostRoot
    let commands: HostCommands
    let downloader: Downloader
    let progress: @Sendable (InstallProgress) -> Void
    /// The longest that the agent waits for one job of the host, whatever the deadline of the step is.
    let longestJob: Duration
    /// Inspects the node within a deadline and returns what is wrong; nil when the node works.
    let verify: @Sendable (Duration) async -> Finding?
    /// Reads how much of a version of the driver is on the disk.
    var presence: @Sendable (String) async -> DriverPresence = { _ in .unknown }
    private let early = EarlyDownload()

    init(
        root: HostRoot,
        commands: HostCommands,
        downloader: Downloader,
        progress: @escaping @Sendable (InstallProgress) -> Void,
        longestJob: Duration = HostChange.longestJob,
        verify: @escaping @Sendable (Duration) async -> Finding?,
        presence: @escaping @Sendable (String) async -> DriverPresence = { _ in .unknown }
    ) {
        self.root = root
        self.commands = commands
        self.downloader = downloader
        self.progress = progress
        self.longestJob = longestJob
        self.verify = verify
        self.presence = presence
    }

    /// Begins the download of a step that comes later.
    ///
    /// An error is an error of that step. The caller must execute the step, or call `stopDownload`.
    func begin(_ file: Effect.Download, of step: PlannedStep) {
        let note = progress
        early.begin(file) { failure in
            note(.noted("The step '\(step.title)' will fail: \(failure.problem.observed)"))
        } _: { [self] progress in
            do throws(AgentFailure) {
                try await download(file, Duration(asked: step.deadlineSeconds), of: step, progress)
                return nil
            } catch { return error }
        }
    }

    /// Stops the download that `begin` started and whose step was not executed.
    func stopDownload() async { await early.stop() }

    /// Executes one step.
    ///
    /// Effects on the journal change `journal`. The caller saves it.
    func execute(_ step: PlannedStep, _ journal: inout Journal) async throws(AgentFailure) {
        do throws(AgentFailure) {
            for effect in step.effects { try await perform(effect, of: step, &journal) }
        } catch {
            var error = error
            if let problem = await startAgain(step.stoppedServices) { error.problem.observed += " (\(problem))" }
            guard step.failure.readsKernelLog, error.problem.code == step.failure.code else { throw error }
            var failure = error
            // Without the log, the remedy still tells where to look.
            let lines = (try? await KernelLog(commands: commands).lastLines()) ?? []
            if !lines.isEmpty { failure.problem.observed += " (kernel log: \(lines.joined(separator: "; ")))" }
            throw failure
        }
    }

    private func perform(
        _ effect: Effect,
        of step: PlannedStep,
        _ journal: inout Journal
    ) async throws(AgentFailure) {
        // The step can come from a journal on the host.
        let deadline = Duration(asked: step.deadlineSeconds)
        switch effect {
        case .record(let record): journal.setRecord(record)
        case .forgetEarlierSteps: journal.forgetEarlierSteps(than: step.id)
        case .makeDirectories(let paths):
            try await onHost(step) { () async throws(HostError) in
                for path in paths { try root.makeDirectories(HostPath(stringLiteral: path)) }
            }
        case .writeFile(let path, let text):
            try await onHost(step) { () async throws(HostError) in
                let path = HostPath(stringLiteral: path)
                try root.makeDirectories(path.parent)
                try root.writeAtomically(path, contents: Array(text.utf8), mode: 0o644)
            }
        case .writeSecret(let secret): try await write(secret, step)
        case .remove(let paths):
            try await onHost(step) { () async throws(HostError) in
                for path in paths { try root.removeTree(HostPath(stringLiteral: path)) }
            }
        case .keepOnly(let names, let directory):
            try await onHost(step) { () async throws(HostError) in
                try root.removeContent(of: HostPath(stringLiteral: directory), except: names)
            }
        case .download(let file):
            if try await !early.end(file, progress) { try await download(file, deadline, of: step, progress) }
        case .copy(let file): try await copy(file, deadline, of: step)
        case .stopServices(let units):
            do throws(HostError) {
                _ = try await commands.run(DriverService.command(.stop, units), deadline: deadline)
            } catch {
                var failure = step.failure
                failure.code = .driverServiceFailed
                throw error.failure(failure)
            }
        case .unloadModules(let modules):
            try await onHost(step) { () async throws(HostError) in try await unload(modules, deadline) }
        case .loadModules(let modules):
            let failed = await load(modules, deadline)
            journal.settleModules(failed: failed)
        case .run(let commands):
            try await onHost(step) { () async throws(HostError) in
                for command in commands { _ = try await self.commands.run(command, deadline: deadline) }
            }
        case .job(let job):
            // From before the job, so that a change during it leads to another attempt.
            if let files = job.basis { journal.setBasis(root.fingerprint(of: files), of: step.id) }
            try await run(job, deadline, of: step)
        case .forgetJobs(let names):
            try await onHost(step) { () async throws(HostError) in
                for name in names { try await HostJob(name, root: root, commands: commands).forget() }
            }
        case .verify:
            if let problem = await verify(deadline) { throw AgentFailure(problem) }
        case .unknown(let kind): throw AgentFailure(.unknownEffect(kind, of: step))
        }
    }

    /// Copies a secret to the host.
    ///
    /// Its directory is only for root, unless it exists already. No error contains the secret.
    private func write(_ secret: Effect.Secret, _ step: PlannedStep) async throws(AgentFailure) {
        let content = try await LicenseTokenFile.content(secret)
        try await onHost(step) { () async throws(HostError) in
            let path = HostPath(stringLiteral: secret.path)
            try root.makeDirectories(path.parent.parent)
            try root.makeDirectories(path.parent, mode: 0o700)
            try root.writeAtomically(path, contents: content, mode: 0o600)
        }
    }

    private func download(
        _ file: Effect.Download,
        _ deadline: Duration,
        of step: PlannedStep,
        _ progress: @escaping @Sendable (InstallProgress) -> Void
    ) async throws(AgentFailure) {
        let request = DownloadRequest(
            urls: file.urls,
            fileName: file.fileName,
            digest: file.digest,
            size: file.size,
            deadline: deadline,
            stallTimeout: downloader.stallTimeout
        )
        let directory = try await onHost(step) { () async throws(HostError) in
            try root.openDirectory(HostPath(stringLiteral: file.directory), create: true)
        }
        defer { try? directory.close() }
        do throws(DownloadError) {
            _ = try await downloader.fetch(request, into: directory) {
                progress(.downloaded(bytes: $0.received, total: $0.total))
            } onRetry: {
                progress(.noted("the agent tries the download again: \(errorChain($0))"))
            }
        } catch { throw error.failure(of: file, step.failure) }
    }

    private func copy(
        _ file: Effect.Copy,
        _ deadline: Duration,
        of step: PlannedStep
    ) async throws(AgentFailure) {
        let copy = PackageCopy(
            source: HostPath(stringLiteral: file.source),
            fileName: file.fileName,
            digest: file.digest,
            size: file.size,
            deadline: deadline
        )
        let directory = try await onHost(step) { () async throws(HostError) in
            try root.openDirectory(HostPath(stringLiteral: file.directory), create: true)
        }
        defer { try? directory.close() }
        let progress = progress
        do throws(PackageSourceError) {
            _ = try await copy.run(from: root, into: directory) {
                progress(.downloaded(bytes: $0.received, total: $0.total))
            }
        } catch { throw error.failure(of: file, step.failure) }
    }

    /// Starts services that a failed step has stopped, so that the node is as it was before the step.
    ///
    /// - Returns: Why a service could not be started; nil when all run.
    func startAgain(_ units: [String]) async -> String? {
        guard !units.isEmpty else { return nil }
        let commands = commands
        // A new task, so that the services are started again even when this task is canceled.
        return await Task {
            do throws(HostError) {
                _ = try await commands.run(DriverService.command(.start, units), deadline: .seconds(120))
                return nil
            } catch { return errorChain(error) }
        }.value
    }

    /// Starts a job and waits for its end.
    ///
    /// `InstallRun` has already waited for jobs that an earlier agent left running. A job that passes the deadline goes
    /// on (`job-running`).
    private func run(_ effect: Effect.Job, _ deadline: Duration, of step: PlannedStep) async throws(AgentFailure) {
        let progress = progress
        let (outcome, output) = try await onHost(step) { () async throws(HostError) in
            let job = try HostJob(effect.name, root: self.root, commands: self.commands)
            // The log of an earlier run would be taken for this one's, when the program does not get that far. A link
            // in its place would lead the program elsewhere.
            if let log = effect.log.flatMap({ HostPath(absolute: $0) }) {
                try self.root.makeDirectories(log.parent)
                try self.root.removeTree(log)
            }
            try await job.start(
                effect.command,
                environment: effect.environment,
                durable: true,
                deadlineSeconds: step.deadlineSeconds
            )
            return (try await job.wait(deadline: min(deadline, longestJob)) { progress(.said($0)) }, job.log)
        }
        let log = JobLog(of: effect, output: output, failure: step.failure)
        var gap: String?
        if let version = effect.provides, case .finished(let status) = outcome {
            switch await presence(version).result(ofStatus: status) {
            case .succeeded: return
            // What comes after the programs, such as a unit, can be missing then.
            case .succeededInSpiteOfStatus where log.tellsOfFullDisk(root: root): break
            case .succeededInSpiteOfStatus:
                // The job writes the files to the disk only when its program succeeds.
                try await onHost(step) { () async throws(HostError) in
                    _ = try await commands.run(["sync", "-f", "/", "/usr", "/var"], deadline: deadline)
                }
                progress(.noted("\(step.failure.subject) exited with status \(status), but the driver is complete"))
                return
            case .failed(let missing): gap = missing
            }
        } else if outcome == .finished(status: 0) {
            return
        }
        // A full disk hurts the whole node. An error here would hide the problem of the job.
        if let scratch = effect.scratch.flatMap({ HostPath(absolute: $0) }) { try? root.removeTree(scratch) }
        throw AgentFailure(log.problem(outcome, root: root, gap: gap))
    }

    private func onHost<Value: Sendable>(
        _ step: PlannedStep,
        _ work: () async throws(HostError) -> Value
    ) async throws(AgentFailure) -> Value {
        do throws(HostError) { return try await work() } catch { throw error.failure(step.failure) }
    }
}

/// The progress of an install.
package enum InstallProgress: Sendable {
    /// A step starts. `usual` is how long it took in the last install, in seconds; nil when it is not known.
    case started(PlannedStep, number: Int, of: Int, usual: Double?)
    /// The bytes downloaded so far, and the total when it is known.
    case downloaded(bytes: Int, total: Int?)
    /// A line of a job's output.
    case said(String)
    /// Something went wrong that does not make the step fail, as a clause.
    case noted(String)
    case finished(PlannedStep, seconds: Double)
    case failed(PlannedStep, Finding)
    /// A job of an earlier agent is still running, and the install waits for it.
    case waitingForJob(String)
    /// Another process changes the host, and the install waits for it.
    case waitingForLock(holder: String)
}
