package import Support

/// A single change to the host, which is a part of an operation.
///
/// The executor knows every kind of effect, and an operation consists only of effects. An effect is data: a plan
/// contains it, and the journal contains the effects that undo a step, so that a later version of the agent can execute
/// them.
package enum Effect: Sendable, Equatable {
    /// Writes an install record to the journal; nil removes the record.
    case record(InstallRecord?)
    /// Removes every step but the current one from the journal, because they belong to the previous install.
    case forgetEarlierSteps
    /// Creates missing directories and their parents.
    case makeDirectories([String])
    /// Creates a file that everybody can read, or replaces its content.
    case writeFile(path: String, text: String)
    /// Copies a secret from a file of the agent to a file of the host that only root can read.
    case writeSecret(Secret)
    /// Removes files and whole directories; a missing path is not an error.
    case remove([String])
    /// Removes everything in a directory but the named files; a missing directory is not an error.
    case keepOnly([String], directory: String)
    /// Downloads a file and verifies its checksum.
    case download(Download)
    /// Copies a file from a directory of the host and verifies its checksum.
    case copy(Copy)
    /// Unloads kernel modules in this order, or none of them.
    ///
    /// The list must contain only loaded modules, because `modprobe -r` fails for a module that is not installed.
    case unloadModules([String])
    /// Loads kernel modules in this order.
    ///
    /// A module that cannot be loaded is no failure: people see a note, and the journal remembers the module.
    case loadModules([String])
    /// Stops systemd services, and starts them again when a later effect of the same step fails.
    case stopServices([String])
    /// Runs commands on the host one after the other; each of them must succeed.
    case run([[String]])
    /// Runs a command as a job on the host, which can run longer than the agent, and waits for its end.
    case job(Job)
    /// Removes the files of ended jobs from the host.
    case forgetJobs([String])
    /// Inspects the node again and runs the checks.
    case verify
    /// An effect of another version of the agent, which this version cannot execute.
    case unknown(kind: String)

    /// A file to download, with its checksum.
    package struct Download: Codable, Sendable, Equatable {
        /// The URLs of the file, in the order in which the agent tries them.
        package var urls: [String]
        /// The directory on the host in which the agent saves the file.
        package var directory: String
        package var fileName: String
        package var digest: Checksum
        /// The size in bytes; nil when it is not known.
        package var size: Int?

        package init(urls: [String], directory: String, fileName: String, digest: Checksum, size: Int?) {
            self.urls = urls
            self.directory = directory
            self.fileName = fileName
            self.digest = digest
            self.size = size
        }
    }

    /// A file in a directory of the host that does not belong to the agent, with its checksum.
    package struct Copy: Codable, Sendable, Equatable {
        /// The directory on the host that has the file.
        package var source: String
        /// The directory on the host in which the agent saves the file.
        package var directory: String
        package var fileName: String
        package var digest: Checksum
        /// The size in bytes; nil when it is not known.
        package var size: Int?

        package init(source: String, directory: String, fileName: String, digest: Checksum, size: Int?) {
            self.source = source
            self.directory = directory
            self.fileName = fileName
            self.digest = digest
            self.size = size
        }
    }

    /// A secret in a file of the agent, and its place on the host.
    ///
    /// The secret itself is not part of a plan or a journal.
    package struct Secret: Codable, Sendable, Equatable {
        /// The path of the file in the agent's own file system.
        package var source: String
        /// The path on the host.
        package var path: String
        /// The checksum that the plan was made for.
        package var digest: Checksum

        package init(source: String, path: String, digest: Checksum) {
            self.source = source
            self.path = path
            self.digest = digest
        }
    }

    /// A command on the host that can run longer than the agent.
    package struct Job: Codable, Sendable, Equatable {
        /// The name by which a later agent finds the job.
        package var name: String
        package var command: [String]
        package var environment: [String: String]
        /// The log file of the program, in which errors are lines that begin with `ERROR:`.
        ///
        /// Nil for a program that reports errors on standard output or standard error.
        package var log: String?
        /// The version of the driver that the host has after the job; nil for a job that installs no driver.
        ///
        /// What is on the host then decides whether the job succeeded, and not only the exit status.
        package var provides: String?
        /// The directory for the temporary files of the program, which is removed when the job fails.
        package var scratch: String?
        /// The files of the host that decide whether the job succeeds; nil for a job that every install repeats.
        ///
        /// The journal keeps what they were like, so that a job that failed is repeated when one of them changes.
        package var basis: [String]?

        package init(
            name: String,
            command: [String],
            environment: [String: String] = [:],
            log: String? = nil,
            provides: String? = nil,
            scratch: String? = nil,
            basis: [String]? = nil
        ) {
            self.name = name
            self.command = command
            self.environment = environment
            self.log = log
            self.provides = provides
            self.scratch = scratch
            self.basis = basis
        }
    }
}

extension Effect: Codable {
    private enum Key: String, CodingKey {
        case kind, record, paths, download, copy, modules, commands, job, jobs, units, path, text, names, directory,
            secret
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        let kind = try container.decode(String.self, forKey: .kind)
        switch kind {
        case "record": self = .record(try container.decodeIfPresent(InstallRecord.self, forKey: .record))
        case "forget-earlier-steps": self = .forgetEarlierSteps
        case "make-directories": self = .makeDirectories(try container.decode([String].self, forKey: .paths))
        case "write-file":
            let path = try container.decode(String.self, forKey: .path)
            self = .writeFile(path: path, text: try container.decode(String.self, forKey: .text))
        case "write-secret": self = .writeSecret(try container.decode(Secret.self, forKey: .secret))
        case "keep-only":
            let directory = try container.decode(String.self, forKey: .directory)
            self = .keepOnly(try container.decode([String].self, forKey: .names), directory: directory)
        case "remove": self = .remove(try container.decode([String].self, forKey: .paths))
        case "download": self = .download(try container.decode(Download.self, forKey: .download))
        case "copy": self = .copy(try container.decode(Copy.self, forKey: .copy))
        case "unload-modules": self = .unloadModules(try container.decode([String].self, forKey: .modules))
        case "load-modules": self = .loadModules(try container.decode([String].self, forKey: .modules))
        case "stop-services": self = .stopServices(try container.decode([String].self, forKey: .units))
        case "run": self = .run(try container.decode([[String]].self, forKey: .commands))
        case "job": self = .job(try container.decode(Job.self, forKey: .job))
        case "forget-jobs": self = .forgetJobs(try container.decode([String].self, forKey: .jobs))
        case "verify": self = .verify
        default: self = .unknown(kind: kind)
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(kind, forKey: .kind)
        switch self {
        case .record(let record): try container.encodeIfPresent(record, forKey: .record)
        case .makeDirectories(let paths), .remove(let paths): try container.encode(paths, forKey: .paths)
        case .keepOnly(let names, let directory):
            try container.encode(names, forKey: .names)
            try container.encode(directory, forKey: .directory)
        case .writeFile(let path, let text):
            try container.encode(path, forKey: .path)
            try container.encode(text, forKey: .text)
        case .writeSecret(let secret): try container.encode(secret, forKey: .secret)
        case .download(let download): try container.encode(download, forKey: .download)
        case .copy(let copy): try container.encode(copy, forKey: .copy)
        case .unloadModules(let modules), .loadModules(let modules): try container.encode(modules, forKey: .modules)
        case .stopServices(let units): try container.encode(units, forKey: .units)
        case .run(let commands): try container.encode(commands, forKey: .commands)
        case .job(let job): try container.encode(job, forKey: .job)
        case .forgetJobs(let jobs): try container.encode(jobs, forKey: .jobs)
        case .forgetEarlierSteps, .verify, .unknown: break
        }
    }

    /// The stable name of the kind of effect in plans and journals.
    package var kind: String {
        switch self {
        case .record: "record"
        case .forgetEarlierSteps: "forget-earlier-steps"
        case .makeDirectories: "make-directories"
        case .writeFile: "write-file"
        case .writeSecret: "write-secret"
        case .keepOnly: "keep-only"
        case .remove: "remove"
        case .download: "download"
        case .copy: "copy"
        case .unloadModules: "unload-modules"
        case .loadModules: "load-modules"
        case .stopServices: "stop-services"
        case .run: "run"
        case .job: "job"
        case .forgetJobs: "forget-jobs"
        case .verify: "verify"
        case .unknown(let kind): kind
        }
    }
}
