import ArgumentParser
import FoundationEssentials
import Hummingbird
import Logging
import NIOCore
import SimulatedCluster

/// `gpu-sim download-server`: the download site of a vendor.
struct DownloadServerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "download-server",
        abstract: "Serve a directory with Range, ETag and If-Range, optionally slowly or with faults.",
        discussion: """
            --fault is repeatable:
              cut=N          every response ends after N bytes of its body
              unavailable=N  the first N requests get status 503
              html           every request gets a web page with status 200
              corrupt=N      byte N of every file is wrong
            """
    )

    @Argument(help: "The directory with the files.")
    var directory: String

    @Option(help: "The port on 127.0.0.1; 0 takes any free port.")
    var port = 0

    @Option(help: "Write the port to this file when the server listens.")
    var portFile: String?

    @Option(help: "The maximum rate of each response.")
    var bytesPerSecond: Int?

    @Option(help: "A fault to inject; repeatable.")
    var fault: [DownloadFault] = []

    @Option(help: "Append a line of JSON to this file for each request.")
    var log: String?

    func validate() throws {
        if let bytesPerSecond, bytesPerSecond <= 0 {
            throw ValidationError("--bytes-per-second must be positive")
        }
    }

    func run() async throws {
        let server = try DownloadServer(
            directory: directory,
            bytesPerSecond: bytesPerSecond,
            faults: fault,
            log: RequestLog(path: log)
        )
        var logger = Logger(label: "gpu-sim")
        logger.logLevel = .warning
        let portFile = portFile
        let application = Application(
            responder: CallbackResponder { (request: Request, _: BasicRequestContext) in
                await server.respond(to: request)
            },
            configuration: ApplicationConfiguration(address: .hostname("127.0.0.1", port: port)),
            onServerRunning: { channel in
                guard let port = channel.localAddress?.port else { return }
                print("http://127.0.0.1:\(port)")
                if let portFile {
                    writePort(port, to: portFile)
                }
            },
            logger: logger
        )
        try await application.runService()
    }
}

/// Writes the port atomically, so that a reader finds either the whole number or no file.
private func writePort(_ port: Int, to path: String) {
    do {
        try Data("\(port)\n".utf8).write(to: URL(filePath: path), options: .atomic)
    } catch {
        print("cannot write \(path): \(error)")
    }
}

/// A fault of the server.
enum DownloadFault: ExpressibleByArgument, Sendable, Equatable {
    case cut(afterBytes: Int)
    case unavailable(requests: Int)
    case html
    case corrupt(byte: Int)

    init?(argument: String) {
        let parts = argument.split(separator: "=", maxSplits: 1)
        let number = parts.count == 2 ? Int(parts[1]) : nil
        switch (parts.first, number) {
        case ("cut", let number?) where number >= 0: self = .cut(afterBytes: number)
        case ("unavailable", let number?) where number >= 0: self = .unavailable(requests: number)
        case ("corrupt", let number?) where number >= 0: self = .corrupt(byte: number)
        case ("html", nil) where parts.count == 1: self = .html
        default: return nil
        }
    }
}
