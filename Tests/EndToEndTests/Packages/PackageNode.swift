import Glibc
import NodeModel
import Planning
import TestSupport
import Testing

/// Small packages in a repository on a simulated host, and the package manager that installs them there.
///
/// The programs and their databases are real. Only the packages are made for the tests.
struct PackageNode: Sendable {
    let node: SimulatedNode
    let installer: any PackageInstaller
    /// The release of the kernel whose headers the tests install.
    let kernel: String

    static let record = HostLayout.buildPackages

    /// Runs the script that installs packages, as a job of the agent would.
    func install(_ names: [String], headers: String? = nil, patience: Int = 30) async throws -> Finished {
        var facts = NodeFacts.h100
        facts.host.osRelease = .present(installer.system)
        facts.build.packageTools = .present([installer.program])
        var packages = try #require(BuildPackages(facts, kernel: kernel))
        (packages.names, packages.headers) = (names, headers)
        let step = InstallBuildPackages(packages: packages, kernel: kernel, version: "1", patience: patience).step
        return try await run(step)
    }

    /// Runs the script that installs packages from copies of those in a directory, as a job of the agent would.
    func install(_ names: [String], headers: String, from directory: String) async throws -> Finished {
        let copies = "\(HostLayout.work)/packages"
        try await node.run([
            "sh", "-ec", "rm -rf $2; mkdir -p $2; cp $1/* $2", "sh", "\(directory)/kernel-\(kernel)", copies,
        ])
        var facts = NodeFacts.h100
        facts.host.osRelease = .present(installer.system)
        facts.build.packageTools = .present([installer.program])
        var packages = try #require(BuildPackages(facts, kernel: kernel))
        (packages.names, packages.headers) = (names, headers)
        let bundle = PackageBundle(
            kernel: kernel,
            system: "",
            architecture: .x86_64,
            names: names,
            directory: "kernel-\(kernel)",
            files: []
        )
        packages.source = BuildPackages.Source(bundle, in: directory)
        return try await run(InstallBuildPackages(packages: packages, kernel: kernel, version: "1", patience: 30).step)
    }

    /// Runs the script that installs the headers of a kernel that does not run yet.
    func installAhead(_ headers: String, of kernel: String) async throws -> Finished {
        let operation = InstallHeadersAhead(installer: installer, headers: headers, kernel: kernel, version: "1")
        return try await run(operation.step)
    }

    /// Runs the script that undoes everything that `install` did.
    func remove() async throws -> Finished {
        try await run(RemoveBuildPackages(installer: installer, version: "1").step)
    }

    /// Runs the job of a step.
    func run(_ step: PlannedStep) async throws -> Finished {
        guard case .job(let job) = step.effects.first(where: { $0.kind == "job" }) else {
            throw Failure("\(step.id) has no job")
        }
        let variables = job.environment.filter { $0.key != "TMPDIR" }.map { "\($0.key)=\($0.value)" }
        return try await runProgram(
            [Programs.script("node"), "exec", "--dir", node.directory.path, "env"] + variables + job.command
        )
    }

    /// Puts a script before a program, which runs it once, when the program is called with an argument.
    func wrap(_ program: String, at argument: String, _ script: String) async throws {
        let wrapper = """
            #!/bin/sh
            case " $* " in *" \(argument) "*) if [ -e /run/race ]; then rm /run/race; \(script)
            fi ;; esac
            exec /run/real/\(program) "$@"
            """
        try await node.run([
            "sh", "-ec",
            "mkdir /run/real; touch /run/race; ln -s /usr/bin/$1.real /run/real/$1; mv /usr/bin/$1 /usr/bin/$1.real\n"
                + "printf '%s\\n' \"$2\" >/usr/bin/$1; chmod 755 /usr/bin/$1",
            "sh", program, wrapper,
        ])
    }

    /// The lines of the record.
    func recorded() -> [String] { (node.text(Self.record) ?? "").split(separator: "\n").map(String.init) }

    /// Starts a command on the host that goes on after this function, once the condition on the host is true.
    func start(_ command: String, until condition: String) async throws {
        try await node.run([
            "sh", "-c",
            "(\(command)) >/run/started.log 2>&1 & for i in $(seq 400); do "
                + "if \(condition); then exit; fi; sleep 0.05; done; cat /run/started.log; exit 1",
        ])
    }
}

extension PackageInstaller {
    /// An operating system that has this program.
    fileprivate var system: OSRelease {
        let system = ["apt-get": "debian", "dnf": "fedora", "tdnf": "azurelinux", "zypper": "sles"][program] ?? ""
        return OSRelease(id: system, versionID: "1", prettyName: nil)
    }
}

extension Finished {
    /// The text of the finding: the line of the output that begins with `ERROR:`.
    var error: String? {
        output.split(separator: "\n").last { $0.hasPrefix("ERROR: ") }.map { String($0.dropFirst(7)) }
    }
}

/// The condition for tests that need further programs.
extension Trait where Self == ConditionTrait {
    static func having(_ programs: String...) -> Self {
        .enabled("needs \(programs.joined(separator: ", ")), which scripts/setup installs") {
            programs.allSatisfy { access("/usr/bin/\($0)", X_OK) == 0 }
        }
    }
}
