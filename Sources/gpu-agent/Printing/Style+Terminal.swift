import Glibc
import Reporting

extension Style {
    /// The style for a file descriptor: 1 for standard output, 2 for standard error.
    static func of(_ descriptor: Int32, environment: [String: String]) -> Style {
        let refused = environment["NO_COLOR"].map { !$0.isEmpty } ?? false
        return Style(color: isatty(descriptor) == 1 && !refused && environment["TERM"] != "dumb")
    }
}
