import FoundationEssentials
import Glibc
import Subprocess
import Support
import SystemPackage

/// Programs and paths for the tests of this target.
enum Toolbox {
    struct Failed: Error, CustomStringConvertible {
        let description: String
    }

    /// The root of the repository.
    static let repository = FilePath(#filePath).removingLastComponent().removingLastComponent().removingLastComponent()
        .string

    /// The directory of the built programs, which contains the test program.
    static let products: String = {
        let program = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        let directory = FilePath(program).removingLastComponent().string
        return FileManager.default.fileExists(atPath: "\(directory)/gpu-agent")
            ? directory : "\(repository)/.build/debug"
    }()

    static let agent = "\(products)/gpu-agent"

    /// A directory that stays after the run, for files that take long to create.
    static let cache = "\(products)/vendor-tests"

    /// Runs a program of this machine, which must succeed, and returns its output.
    @discardableResult
    static func run(_ program: String, _ arguments: [String]) async throws -> String {
        let result = try await Subprocess.run(
            program.contains("/") ? .path(FilePath(program)) : .name(program),
            arguments: Arguments(arguments),
            output: .string(limit: 1 << 20),
            error: .string(limit: 1 << 20)
        )
        guard result.terminationStatus.isSuccess else {
            let words = result.standardOutput + result.standardError
            throw Failed(description: "\(program) \(arguments.joined(separator: " ")): \(words.suffix(2000))")
        }
        return result.standardOutput
    }

    static func write(_ text: String, to path: String) throws {
        let parent = FilePath(path).removingLastComponent().string
        try FileManager.default.createDirectory(atPath: parent, withIntermediateDirectories: true)
        try Data(text.utf8).write(to: URL(filePath: path))
    }

    static func read(_ path: String) throws -> String {
        String(decoding: try Data(contentsOf: URL(filePath: path)), as: UTF8.self)
    }

    /// Calls `body` with a new directory, and removes it afterwards.
    static func withDirectory<Result>(_ body: (String) async throws -> Result) async throws -> Result {
        var template = Array("/tmp/vendor-tests-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw Failed(description: "no temporary directory") }
        let path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        defer { try? FileManager.default.removeItem(atPath: path) }
        return try await body(path)
    }

    /// Waits until `condition` holds, for at most a minute.
    static func eventually(_ condition: () -> Bool) async throws -> Bool {
        let deadline = ContinuousClock.now + .seconds(60)
        while !condition() {
            guard ContinuousClock.now < deadline else { return false }
            try await Task.sleep(for: .milliseconds(5))
        }
        return true
    }

    /// The processes that have `text` in their command line.
    static func processes(mentioning text: String) -> [String] {
        let processes = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return processes.filter { process in
            Int(process) != nil && (try? read("/proc/\(process)/cmdline"))?.contains(text) == true
        }
    }
}
