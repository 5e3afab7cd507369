package import Support

/// A change to a host that the executor can make: the closed set of which every operation is composed.
///
/// An effect is data. A plan shows it, the journal keeps those that take a step back, and a later version of the agent
/// can still carry them out.
package enum Effect: Sendable, Equatable {
    /// Puts an install record into the journal; nil removes the one that is there.
    case record(InstallRecord?)
    /// Removes every step but the current one from the journal: they belong to the install before.
    case forgetEarlierSteps
    /// Makes directories, and those above them, where they are missing.
    case makeDirectories([String])
    /// Removes files and whole directories; what is not there is no error.
    case remove([String])
    /// Fetches a file, verified while it streams.
    case download(Download)
    /// Removes loaded kernel modules in this order, or none of them.
    ///
    /// `modprobe -r` fails for a module that is not installed, so only modules that are loaded may be named.
    case unloadModules([String])
    /// Runs commands on the host, one after the other; each must succeed.
    case run([[String]])
    /// Runs a command as a job of the host that outlives the agent, and waits for its end.
    case job(Job)
    /// Removes what ended jobs of these names left on the host.
    case forgetJobs([String])
    /// Looks at the node again and judges what is seen.
    case verify
    /// An effect of another version of the agent; nothing can carry it out.
    case unknown(kind: String)

    /// A file to fetch and what it must be.
    package struct Download: Codable, Sendable, Equatable {
        /// Where the file is, in the order to try.
        package var urls: [String]
        /// The directory on the host that the file goes to.
        package var directory: String
        package var fileName: String
        package var digest: Checksum
        /// Bytes, when known.
        package var size: Int?

        package init(urls: [String], directory: String, fileName: String, digest: Checksum, size: Int?) {
            self.urls = urls
            self.directory = directory
            self.fileName = fileName
            self.digest = digest
            self.size = size
        }
    }

    /// A long command of the host.
    package struct Job: Codable, Sendable, Equatable {
        /// The name under which a later agent finds the job again.
        package var name: String
        package var command: [String]
        package var environment: [String: String]
        /// The file in which the program itself reports errors, as lines that begin with `ERROR:`.
        ///
        /// Nil for a program that reports them on its standard output and error.
        package var log: String?

        package init(name: String, command: [String], environment: [String: String] = [:], log: String? = nil) {
            self.name = name
            self.command = command
            self.environment = environment
            self.log = log
        }
    }
}

extension Effect: Codable {
    private enum Key: String, CodingKey {
        case kind, record, paths, download, modules, commands, job, jobs
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        let kind = try container.decode(String.self, forKey: .kind)
        switch kind {
        case "record": self = .record(try container.decodeIfPresent(InstallRecord.self, forKey: .record))
        case "forget-earlier-steps": self = .forgetEarlierSteps
        case "make-directories": self = .makeDirectories(try container.decode([String].self, forKey: .paths))
        case "remove": self = .remove(try container.decode([String].self, forKey: .paths))
        case "download": self = .download(try container.decode(Download.self, forKey: .download))
        case "unload-modules": self = .unloadModules(try container.decode([String].self, forKey: .modules))
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
        case .download(let download): try container.encode(download, forKey: .download)
        case .unloadModules(let modules): try container.encode(modules, forKey: .modules)
        case .run(let commands): try container.encode(commands, forKey: .commands)
        case .job(let job): try container.encode(job, forKey: .job)
        case .forgetJobs(let jobs): try container.encode(jobs, forKey: .jobs)
        case .forgetEarlierSteps, .verify, .unknown: break
        }
    }

    /// The stable name of the effect in plans and journals.
    package var kind: String {
        switch self {
        case .record: "record"
        case .forgetEarlierSteps: "forget-earlier-steps"
        case .makeDirectories: "make-directories"
        case .remove: "remove"
        case .download: "download"
        case .unloadModules: "unload-modules"
        case .run: "run"
        case .job: "job"
        case .forgetJobs: "forget-jobs"
        case .verify: "verify"
        case .unknown(let kind): kind
        }
    }
}
