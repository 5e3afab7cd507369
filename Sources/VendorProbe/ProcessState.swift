import FoundationEssentials
import Glibc
import Support

/// What the kernel says about a process that does not answer, read from `/proc` (proc(5)).
struct ProcessState: Equatable, CustomStringConvertible {
    /// The state of the main thread, such as `S` (waits), `R` (runs) or `D` (waits, and cannot be interrupted).
    let letter: Character
    /// The function of the kernel in which it waits; nil when it does not wait, or when the kernel does not tell.
    let waitChannel: String?

    /// The state of a process now; nil when it is gone.
    init?(of process: pid_t) {
        guard let stat = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8) else { return nil }
        // Linux shows 0 without this right, and for a process that runs.
        let channel = try? String(contentsOfFile: "/proc/\(process)/wchan", encoding: .utf8)
        self.init(stat: stat, waitChannel: channel ?? "")
    }

    /// Reads the contents of `/proc/PID/stat` and `/proc/PID/wchan`; nil when the first has another form.
    init?(stat: String, waitChannel: String) {
        // The second field is a name in parentheses, which can contain any character.
        guard let name = stat.lastIndex(of: ")"),
            let letter = stat[stat.index(after: name)...].split(separator: " ").first?.first
        else { return nil }
        self.letter = letter
        let channel = String(waitChannel.prefix { !$0.isWhitespace })
        let isName = !channel.isEmpty && channel.utf8.count <= 128 && channel.allSatisfy(Self.isOfSymbol)
        self.waitChannel = isName && channel != "0" ? channel : nil
    }

    private static func isOfSymbol(_ character: Character) -> Bool {
        character.isASCII && (character.isLetter || character.isNumber || "_.".contains(character))
    }

    var description: String { "process state \(letter)" + (waitChannel.map { " in \($0)" } ?? "") }
}
