import ArgumentParser
import FoundationEssentials
import Glibc
import SimulatedCluster

/// `gpu-sim api-server`: an API server for Nodes and Events that stores all objects in memory.
struct APIServerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "api-server",
        abstract: "Serve the Node and Event API, as strictly as the real server.",
        discussion: """
            make-certificates creates the certificate. The server stores all objects in memory, and with --state-file \
            also in a file.
            """
    )

    @Option(help: "Listen on this address.")
    var host = "127.0.0.1"

    @Option(help: "Listen on this port; 0 takes any free port.")
    var port = 0

    @Option(help: ArgumentHelp("Write the port to this file when the server listens.", valueName: "file"))
    var portFile: String?

    @Option(help: ArgumentHelp("The server's certificate (PEM).", valueName: "file"))
    var cert: String

    @Option(help: ArgumentHelp("The certificate's private key (PEM).", valueName: "file"))
    var key: String

    @Option(help: ArgumentHelp("A token with all rights; repeatable.", valueName: "token"))
    var token: [String] = []

    @Option(
        help: ArgumentHelp("A token for the agent of a node; repeatable.", valueName: "token=node")
    )
    var agentToken: [String] = []

    @Option(help: ArgumentHelp("The manifest with the rights of the agents.", valueName: "file"))
    var rbac = "daemonset/base/rbac.yaml"

    @Option(
        help: ArgumentHelp(
            "Enforce the admission policies in this manifest, for example daemonset/admission/policy.yaml.",
            valueName: "file"
        )
    )
    var admissionPolicy: String?

    @Option(help: ArgumentHelp("The program that evaluates the admission policies.", valueName: "file"))
    var admissionEvaluator = "simulator/bin/admission-evaluator"

    @Option(help: ArgumentHelp("The Python for that program; it needs cel-python and PyYAML.", valueName: "file"))
    var python = "python3"

    @Option(help: ArgumentHelp("A Node, or a list of them, as JSON; repeatable.", valueName: "file"))
    var nodeFile: [String] = []

    @Option(
        help: ArgumentHelp(
            "Keep the objects in this file. At the next start, they replace those of --node-file.",
            valueName: "file"
        )
    )
    var stateFile: String?

    @Option(help: ArgumentHelp("Append a line of JSON to this file for each request.", valueName: "file"))
    var requestLog: String?

    @Option(
        help: ArgumentHelp(
            "Answer all requests with this method, and with this text in the path, with a status; 'garbage' as the "
                + "status sends a malformed response. Repeatable.",
            valueName: "method:text:status[:retry-after]"
        )
    )
    var fault: [String] = []

    func validate() throws {
        for text in fault where Fault(argument: text) == nil {
            throw ValidationError("--fault needs METHOD:TEXT:STATUS, not \"\(text)\"")
        }
        guard !token.isEmpty || !agentToken.isEmpty else {
            throw ValidationError("--token or --agent-token is required")
        }
        for entry in agentToken where !entry.contains("=") {
            throw ValidationError("--agent-token needs TOKEN=NODE, not \"\(entry)\"")
        }
    }

    func run() async throws {
        let admission = admissionPolicy.map { AdmissionEvaluator(command: [python, admissionEvaluator, $0]) }
        try await admission?.start()
        let server = try SimulatedAPIServer(
            certificate: ServerCertificate(certificateFile: cert, privateKeyFile: key),
            tokens: try users(),
            admission: admission,
            requestLogFile: requestLog
        )
        if let stateFile { try await server.store.keep(in: stateFile) }
        for path in nodeFile {
            let document = try JSON(parsing: try Data(contentsOf: URL(filePath: path)))
            for node in document["items"]?.array ?? document.array ?? [document] {
                let name = node[path: ["metadata", "name"]]?.string ?? ""
                guard await server.store.object(ObjectKey(resource: "nodes", name: name)) == nil else { continue }
                try await server.seed(node: node)
            }
        }
        for text in fault { Fault(argument: text).map(server.faults.add) }
        let (host, portFile) = (host, portFile)
        try await server.run(host: host, port: port) { port in
            if let portFile { try? Data("\(port)\n".utf8).write(to: URL(filePath: portFile), options: .atomic) }
            print("listening on https://\(host):\(port)")
            fflush(nil)
        }
    }

    private func users() throws -> [String: User] {
        var users: [String: User] = [:]
        for token in token { users[token] = User("admin", .everything) }
        guard !agentToken.isEmpty else { return users }
        let rights = try Rights(rbac: rbac, account: "gpu-agent", in: "gpu-agent")
        for entry in agentToken {
            let parts = entry.split(separator: "=", maxSplits: 1).map(String.init)
            guard parts.count == 2 else { continue }
            users[parts[0]] = .serviceAccount("gpu-agent", in: "gpu-agent", node: parts[1], rights)
        }
        return users
    }
}

extension Fault {
    /// The fault of a command-line argument, which never ends; nil for a malformed argument.
    fileprivate init?(argument: String) {
        let parts = argument.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 3 || parts.count == 4 else { return nil }
        let action: Action
        if parts[2] == "garbage" {
            action = .garbage("{")
        } else {
            guard let status = Int(parts[2]), (400...599).contains(status) else { return nil }
            let pause = parts.count == 4 ? Int(parts[3]) : nil
            action = .status(status, message: "an injected fault", retryAfter: pause)
        }
        self.init(action, times: .max, method: parts[0], target: parts[1])
    }
}
