import FoundationEssentials
import Glibc
import HostSupport
import TestSupport

extension InstallFault {
    /// Faults of the server and of the way to it.
    static let downloads: [InstallFault] = [
        InstallFault(
            name: "a package with another checksum",
            inject: { try $0.flipByte() },
            heal: { try $0.flipByte() },
            code: "download-hash-mismatch",
            says: "The agent deleted the file."
        ),
        InstallFault(answer: .webPage, name: "a web page", code: "download-web-page", says: "answered with a web page"),
        InstallFault(
            answer: .status(403),
            name: "a forbidden download",
            code: "download-forbidden",
            says: "status 403"
        ),
        InstallFault(answer: .status(404), name: "a missing package", code: "download-not-found", says: "status 404"),
        InstallFault(
            answer: .cut(after: 1000),
            name: "a server that truncates the package and sends no ranges",
            isWhole: true,
            code: "download-failed",
            says: "the other side closed the connection",
            leaves: [.partialPackage]
        ),
        InstallFault(
            answer: .cut(after: 400_000),
            name: "a server that truncates every answer",
            code: nil,
            says: "! the agent tries the download again: "
        ),
        // After a minute without a byte, the agent asks for the rest.
        InstallFault(
            answer: .stall(after: 1_100_000),
            name: "a server that stalls at 99 %",
            code: nil,
            says: "ready: ",
            limit: .seconds(300),
            isSlow: true
        ),
        // The agent gives up after eight attempts without progress.
        InstallFault(
            answer: .stall(after: 1_100_000),
            name: "a server that stalls at 99 % and sends no ranges",
            isWhole: true,
            code: "download-failed",
            says: "attempts",
            limit: .seconds(900),
            leaves: [.partialPackage],
            isSlow: true
        ),
        InstallFault(
            name: "a proxy that dies during the download",
            around: { node, body in try await node.withDyingProxy(after: 300_000, body) },
            heal: { node in
                await node.setup.reset()
                try await node.serveOriginal()
            },
            code: "download-failed",
            says: " through the proxy 127.0.0.1:",
            leaves: [.partialPackage]
        ),
    ]

    /// A server that gives the same answer to every request; `isWhole` is one without entity tags, and so without
    /// ranges.
    private init(
        answer: FileServer.Answer,
        name: String,
        isWhole: Bool = false,
        code: String?,
        says: String,
        limit: Duration = .seconds(60),
        leaves: Set<Leftover> = [],
        isSlow: Bool = false
    ) {
        self.init(
            name: name,
            around: { node, body in
                let package = [UInt8](try node.servedPackage())
                let answers = Array(repeating: answer, count: 64)
                try await FileServer.serving(package, tag: isWhole ? nil : "\"v1\"", answers: answers) { server in
                    try node.nameServer(server.url.replacing("/file", with: ""))
                    try await body()
                }
            },
            heal: { try await $0.serveOriginal() },
            code: code,
            says: says,
            limit: limit,
            leaves: leaves,
            isSlow: isSlow
        )
    }
}

extension FaultyNode {
    /// Changes a byte of the package on the server, or changes it back.
    fileprivate func flipByte() throws {
        var bytes = try servedPackage()
        bytes[bytes.count / 2] ^= 1
        try bytes.write(to: URL(filePath: node.directory.path("packages/\(Self.package)")))
    }

    /// A proxy that opens tunnels, and ends when it has sent so many bytes to its clients.
    private static let dyingProxy = """
        import os, socket, sys, threading
        left = int(sys.argv[2])
        def pump(source, target, is_counted):
            global left
            while data := source.recv(16384):
                target.sendall(data)
                if is_counted:
                    left -= len(data)
                    if left <= 0: os._exit(0)
        def serve(client):
            head = b""
            while b"\\r\\n\\r\\n" not in head: head += client.recv(4096)
            host, port = head.split()[1].decode().rsplit(":", 1)
            server = socket.create_connection((host, int(port)))
            client.sendall(b"HTTP/1.1 200 OK\\r\\n\\r\\n")
            threading.Thread(target=pump, args=(server, client, True), daemon=True).start()
            pump(client, server, False)
        listener = socket.create_server(("127.0.0.1", 0))
        with open(sys.argv[1], "w") as file: file.write(f"{listener.getsockname()[1]}\\n")
        while True: threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
        """

    /// Runs `body` with an agent that uses this proxy.
    fileprivate func withDyingProxy(after bytes: Int, _ body: @escaping @Sendable () async throws -> Void) async throws
    {
        let file = node.directory.path("proxy-port")
        try await runProgram(["python3", "-c", Self.dyingProxy, file, "\(bytes)"]) { proxy in
            defer { kill(proxy, SIGKILL) }
            try await until("the proxy listens") {
                try node.directory.exists("proxy-port") && node.directory.text("proxy-port").hasSuffix("\n")
            }
            let port = try node.directory.text("proxy-port").filter(\.isNumber)
            await setup.add(environment: ["HTTP_PROXY": "http://127.0.0.1:\(port)"])
            let own = try node.directory.text("port").filter(\.isNumber)
            try nameServer("http://127.0.0.1:\(own)")
            try await body()
        }
    }
}
