import Agent
import ArgumentParser
import FoundationEssentials
import Glibc
import NodeModel
import Reporting
import Support

/// Writes results to standard output and everything else to standard error.
enum Output {
    static func write(_ text: String) { put(text, STDOUT_FILENO) }

    /// Writes to standard error, without control characters and without the secrets of URLs.
    static func complain(_ text: String) { put(terminalText(redacted(text)), STDERR_FILENO) }

    /// Changes the line of the cursor on a terminal; `text` is one line.
    static func overwrite(_ text: String) { put("\r\u{1B}[K\(terminalText(text))", STDERR_FILENO) }

    /// The width of the terminal on standard error, in columns; 80 when it does not report one.
    static var columns: Int {
        var size = winsize()
        guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
        return Int(size.ws_col)
    }

    /// Writes a whole text to a file descriptor.
    ///
    /// A write error is not reported. For example, the reader of a pipe may have ended.
    private static func put(_ text: String, _ descriptor: Int32) {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }

    static var environment: [String: String] { ProcessInfo.processInfo.environment }

    /// Prints a value in an output format.
    static func print(_ value: some Encodable, as format: OutputFormat, text: (Style) -> String) throws {
        switch format {
        case .text: write(terminalText(redacted(text(Style.of(STDOUT_FILENO, environment: environment)))))
        case .json: write(try Rendering.json(value))
        case .yaml: write(try Rendering.yaml(value))
        }
    }
}

/// The exit codes of the commands, which the help of `validate` describes.
enum ExitStatus {
    static let failed = ExitCode(1)
    static let usage = ExitCode(2)
    static let deadline = ExitCode(3)
    static let noGPU = ExitCode(4)
    static let cannotTell = ExitCode(5)
    static let leftAlone = ExitCode(6)
}

/// Runs the work of a command, and turns an error into a message and an exit code.
func reporting(_ work: () async throws -> Void) async throws {
    do { try await work() } catch let error as ExitCode { throw error } catch let error as AgentFailure {
        Output.complain(failureText(error))
        throw error.problem.code == .hostUnreachable ? ExitStatus.cannotTell : ExitStatus.failed
    } catch let error as SetupError {
        Output.complain("gpu-agent: \(errorChain(error))\n")
        throw ExitStatus.usage
    } catch {
        Output.complain("gpu-agent: \(errorChain(error))\n")
        throw ExitStatus.failed
    }
}

/// Prints each problem of a failure: what the agent observed, what it expected, and the remedy.
func failureText(_ failure: AgentFailure) -> String {
    let style = Style.of(STDERR_FILENO, environment: Output.environment)
    let texts = ([failure.problem] + failure.others).map { problem in
        """
        \(style.red("×")) \(style.bold(problem.code.rawValue)): \(problem.observed)
          expected: \(problem.expected)
          → \(problem.remedy)
          \(style.faint("see \(problem.code.documentation)"))

        """
    }
    return texts.joined()
}
