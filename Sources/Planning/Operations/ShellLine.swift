/// Returns a command as a line of a shell script, with quotes around words that need them.
func shellLine(_ command: [String]) -> String {
    command.map { word in
        let plain = word.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "-_./=:+,@%".contains($0)) }
        return plain && !word.isEmpty
            ? word
            : "'"
                + word.split(separator: "'", omittingEmptySubsequences: false)
                .joined(separator: "'\\''") + "'"
    }.joined(separator: " ")
}
