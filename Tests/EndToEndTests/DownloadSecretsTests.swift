import ClusterSupport
import FoundationEssentials
import Glibc
import HostSupport
import Kubernetes
import NodeModel
import SimulatedCluster
import TestSupport
import Testing

/// Failures of downloads from signed URLs, and a proxy with a password: the secrets get nowhere.
@Suite(.onSimulatedNodes, .timeLimit(.minutes(10)))
struct DownloadSecretsTests {
    private static let marker = "MARKER5f8a"
    /// `user:MARKER5f8a` in Base64, as the proxy gets it.
    private static let encoded = "dXNlcjpNQVJLRVI1Zjhh"

    private struct Fault: Sendable {
        var name: String
        /// The scheme of the URLs; the server itself has no TLS.
        var scheme = "http"
        var answer: FileServer.Answer
        /// Whether the server has another file than the catalog says: of another size, or with another checksum.
        var file: File = .right
        /// What the agent must print, so that the row is about this fault.
        var says: String

        enum File { case right, short, tampered }
    }

    private static let faults = [
        Fault(
            name: "a redirect to a server that does not answer",
            answer: .redirect("http://user:\(marker)@127.0.0.1:1/driver.run?sig=\(marker)"),
            says: "127.0.0.1:1"
        ),
        Fault(
            name: "a redirect that the agent does not follow",
            answer: .redirect("ftp://user:\(marker)@127.0.0.1/driver.run?sig=\(marker)"),
            says: "redirect"
        ),
        Fault(name: "another checksum", answer: .file, file: .tampered, says: "checksum"),
        Fault(name: "another size", answer: .file, file: .short, says: "bytes, expected"),
        Fault(
            name: "a transfer that is cut off",
            answer: .cut(after: 1000),
            says: "the other side closed the connection"
        ),
        Fault(name: "an error of the server", answer: .status(500), says: "status 500"),
        Fault(name: "a refusal", answer: .status(403), says: "status 403"),
        Fault(name: "a web page", answer: .webPage, says: "web page"),
        Fault(name: "no TLS", scheme: "https", answer: .file, says: "TLS"),
    ]

    /// Names the server in the catalog of the node, with signed URLs.
    ///
    /// There are as many as the agent makes attempts, so that it does not wait between them. The first attempt may make
    /// progress and not count.
    private func sign(_ node: SimulatedNode, _ catalog: String, scheme: String, server: FileServer) throws {
        let place = server.url.replacing("http://", with: "\(scheme)://")
        let lines = catalog.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            guard line.contains("urls:") else { return String(line) }
            let urls = (1...9).map { "\"\(place)/NVIDIA.run?number=\($0)&sig=\(Self.marker)\"" }
            return "      urls: [\(urls.joined(separator: ", "))]"
        }
        try node.directory.write("catalog.yaml", lines.joined(separator: "\n"))
    }

    private func check(_ texts: [String: String]) {
        for (name, text) in texts {
            #expect(!text.isEmpty, "\(name) is empty")
            #expect(!text.contains(Self.marker) && !text.contains(Self.encoded), "\(name): \(text)")
        }
    }

    private func checkFiles(_ node: SimulatedNode, _ places: String = "/run /var/lib /var/log /etc") async throws {
        let pattern = "-e \(Self.marker) -e \(Self.encoded)"
        let found = try await node.run(["sh", "-c", "grep -rl \(pattern) \(places) 2>/dev/null || true"])
        #expect(found == "", "files with the secret")
    }

    @Test func theFaultsOfADownloadKeepTheSecretsOfURLs() async throws {
        try await SimulatedNode.with { node in
            let catalog = try node.directory.text("catalog.yaml")
            let name = "packages/NVIDIA-Linux-x86_64-595.91.07-grid-azure.run"
            let package = [UInt8](try Data(contentsOf: URL(filePath: node.directory.path(name))))
            for fault in Self.faults {
                var file = package
                switch fault.file {
                case .right: break
                case .short: file.removeLast()
                case .tampered: file[file.count / 2] ^= 1
                }
                let answers = Array(repeating: fault.answer, count: 64)
                let install = try await FileServer.serving(file, tag: nil, answers: answers) { server in
                    try sign(node, catalog, scheme: fault.scheme, server: server)
                    return try await node.agent("install")
                }
                install.expectExit(1)
                #expect(install.errors.contains(fault.says), "\(fault.name): \(install)")
                var texts = ["install": "\(install.output)\(install.errors)"]
                texts["journal"] = node.text(HostLayout.journal) ?? ""
                texts["status"] = try await node.agent("status").output
                texts["status as JSON"] = try await node.agent("status", ["-o", "json"]).output
                texts = Dictionary(uniqueKeysWithValues: texts.map { ("\(fault.name): \($0.key)", $0.value) })
                check(texts)
                // Later faults replace some of these.
                try await checkFiles(node, "/run/gpu-agent /var/lib/gpu-agent")
            }
            try await checkFiles(node)
        }
    }

    // MARK: A proxy that works

    /// A proxy that opens tunnels, and writes its port and the heads of the requests to files.
    private static let proxy = """
        import socket, sys, threading
        def pump(source, target):
            try:
                while data := source.recv(65536): target.sendall(data)
                target.shutdown(socket.SHUT_WR)
            except OSError: pass
        def serve(client):
            head = b""
            while b"\\r\\n\\r\\n" not in head:
                part = client.recv(4096)
                if not part: return
                head += part
            with open(sys.argv[2], "ab") as heads: heads.write(head)
            host, port = head.split()[1].decode().rsplit(":", 1)
            server = socket.create_connection((host, int(port)))
            client.sendall(b"HTTP/1.1 200 OK\\r\\n\\r\\n")
            threading.Thread(target=pump, args=(server, client)).start()
            pump(client, server)
        listener = socket.create_server(("127.0.0.1", 0))
        with open(sys.argv[1], "w") as file: file.write(f"{listener.getsockname()[1]}\\n")
        while True: threading.Thread(target=serve, args=(listener.accept()[0],)).start()
        """

    /// The command lines of the processes on the host that have the password in their environment.
    private func processesWithThePassword(_ node: SimulatedNode) -> [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: node.path("/proc"))) ?? []
        return names.filter { Int($0) != nil }.compactMap { number in
            guard let environment = node.text("/proc/\(number)/environ"), environment.contains(Self.marker) else {
                return nil
            }
            return node.text("/proc/\(number)/cmdline")
        }
    }

    /// The installer gets the proxy in its environment, and the agent has a token of the cluster.
    @Test func anInstallThroughAProxyKeepsItsPasswordAndTheToken() async throws {
        try await TestCluster.with { cluster in
            try await SimulatedNode.with { node in
                let token = "eyJhbGciOiJSUzI1NiJ9.\(Self.marker).token"
                cluster.server.users.set(User("system:serviceaccount:gpu-agent:gpu-agent", .everything), for: token)
                try cluster.directory.write("token", token + "\n")
                let files = ["proxy-port", "proxy-heads"].map(node.directory.path)
                let server = try await runProgram(["python3", "-c", Self.proxy] + files) { proxy in
                    defer { kill(proxy, SIGKILL) }
                    try await until("the proxy listens") {
                        try node.directory.exists("proxy-port") && node.directory.text("proxy-port").hasSuffix("\n")
                    }
                    let port = try node.directory.text("proxy-port").filter(\.isNumber)
                    let environment = ["HTTP_PROXY": "http://user:\(Self.marker)@127.0.0.1:\(port)"]
                    let options = ["--log-level", "debug"]
                    let run = try await RunningAgent.with(node, cluster, options: options, environment: environment) {
                        agent in
                        try await until("the installer has the proxy in its environment") {
                            processesWithThePassword(node).contains { $0.contains("--silent") }
                        }
                        try await agent.awaitVerdict(.ready)
                    }
                    var texts = ["run": "\(run.output)\(run.errors)", "journal": node.text(HostLayout.journal) ?? ""]
                    texts["status"] = try await node.agent("status", ["-o", "json"], environment: environment).output
                    texts["node"] = "\(try await cluster.client.node(TestCluster.nodeName))"
                    texts["events"] = "\(await cluster.server.store.list("events", namespace: "default").objects)"
                    check(texts)
                    try await checkFiles(node)
                }
                #expect(server.wasKilled, "\(server)")
                let heads = try node.directory.text("proxy-heads").lowercased()
                #expect(heads.contains("proxy-authorization: basic \(Self.encoded.lowercased())"), "\(heads)")
            }
        }
    }
}
