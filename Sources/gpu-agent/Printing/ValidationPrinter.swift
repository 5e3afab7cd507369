import Agent
import Glibc
import NodeModel
import Reporting
import Support

/// Prints the answer of `validate`, and writes it into the report file.
///
/// Each format gives a whole document, also when there is no result.
struct ValidationPrinter {
    private let format: ValidationFormat
    private let file: ReportFile?

    /// - Throws: `SetupError.noReport` when the report file cannot be written.
    init(_ options: ValidationOutput) throws(SetupError) {
        format = options.output
        if let name = options.report { file = try ReportFile(name) } else { file = nil }
    }

    func print(_ document: ValidationDocument) throws {
        Output.write(try rendered(document, Style.of(STDOUT_FILENO, environment: Output.environment)))
        try save(document)
    }

    /// Prints that there is no result.
    ///
    /// As text, standard output stays empty: the error is on standard error, where a person sees it once.
    func printFailure(_ why: String, _ problems: [Finding], _ rules: ValidationRules) throws {
        let document = ValidationDocument(without: .unknown, note: why, problems: problems, rules: rules)
        if format != .text { Output.write(try rendered(document, Style(color: false))) }
        try save(document)
    }

    private func save(_ document: ValidationDocument) throws {
        try file?.write(try rendered(document, Style(color: false)))
    }

    private func rendered(_ document: ValidationDocument, _ style: Style) throws -> String {
        switch format {
        case .text: terminalText(redacted(document.text(style)))
        case .json: try Rendering.json(document)
        case .yaml: try Rendering.yaml(document)
        case .junit: JUnitReport(document).text
        case .tap: TAPReport(document).text
        case .github: GitHubReport(document).text
        }
    }
}
