import NodeModel
import Support

/// Reads the last word of the license daemon from the log file of a host without a journal.
struct LicenseLogFile {
    let root: HostRoot
    /// When the host booted; nil when the agent could not tell.
    let booted: Timestamp?
    let now: Timestamp

    /// The log file of Debian and Ubuntu, and that of Red Hat and SUSE.
    static let paths: [HostPath] = ["/var/log/syslog", "/var/log/messages"]
    /// The most bytes that are read, from the end of the file.
    private static let limit = 256 << 10
    /// The names of the zone without an offset, to which `/etc/localtime` leads.
    private static let universal: Set<String> = ["UTC", "UCT", "Universal", "Zulu", "GMT", "Greenwich"]

    /// The last line of this boot; skipped when the host has no such file.
    func read() -> Reading<LicensingFacts.LogLine> {
        for path in Self.paths {
            do throws(HostError) {
                guard let text = try root.tail(path, limit: Self.limit) else { continue }
                // The first line of a file that was not read from its start is not complete.
                let whole = text.utf8.count < Self.limit ? text[...] : text.drop { !$0.isNewline }
                let lines = Self.lines(in: whole, booted: booted, now: now, isUTC: try isUTC)
                if let line = LicensingFacts.LogLine(lastOf: lines.ofThisBoot) { return .present(line) }
                guard LicensingFacts.LogLine(lastOf: lines.unsure) != nil else { return .absent }
                let why = "the lines of nvidia-gridd in \(path) may be of an earlier boot"
                return .unreadable(ReadFailure(.malformed, why))
            } catch { return .unreadable(ReadFailure(error)) }
        }
        return .skipped("the host has no log file")
    }

    /// Whether the times in the log are of UTC; without `/etc/localtime`, they are.
    private var isUTC: Bool {
        get throws(HostError) {
            guard let zone = try root.resolve("/etc/localtime") else { return true }
            return Self.universal.contains(zone.lastComponent)
        }
    }

    /// The messages of the license daemon: those of this boot, and those that may be of this boot.
    ///
    /// The kernel's first line begins a boot. A line before it, or in a part of the log without it, has only its time.
    static func lines(
        in text: Substring,
        booted: Timestamp?,
        now: Timestamp,
        isUTC: Bool
    ) -> (ofThisBoot: [String], unsure: [String]) {
        var (found, unsure): ([String], [String]) = ([], [])
        var isAfterBoot = false
        for line in text.split(whereSeparator: \.isNewline) {
            if line.contains(" kernel: "), line.contains("Linux version ") {
                (found, unsure, isAfterBoot) = ([], [], true)
            }
            guard let message = message(of: line) else { continue }
            if isAfterBoot {
                found.append(message)
            } else if let booted, let time = LogTime(line, now: now, isUTC: isUTC) {
                if time.earliest >= booted.seconds {
                    found.append(message)
                } else if time.latest >= booted.seconds {
                    unsure.append(message)
                }
            } else {
                unsure.append(message)
            }
        }
        return (found, unsure)
    }

    /// The text of a line `TIME HOST nvidia-gridd[PID]: TEXT`; nil for the line of another program.
    private static func message(of line: Substring) -> String? {
        guard let tag = line.firstRange(of: " nvidia-gridd") else { return nil }
        guard !line[..<tag.lowerBound].contains(": ") else { return nil }
        var rest = line[tag.upperBound...]
        if rest.first == "[", let end = rest.firstIndex(of: "]") { rest = rest[rest.index(after: end)...] }
        guard rest.first == ":" else { return nil }
        return rest.dropFirst().trimmed
    }
}

/// When a line of a log file was written, as far as its time tells, in seconds since 1970.
///
/// The usual time `Nov 28 14:03:11` has neither a year nor a zone. The other format, `2026-11-28T14:03:11.123+01:00`,
/// has both.
struct LogTime: Equatable {
    var earliest: Double
    var latest: Double

    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]
    private static let hour = 3600.0

    init?(_ line: Substring, now: Timestamp, isUTC: Bool) {
        guard let first = line.first else { return nil }
        if first.isNumber {
            guard let seconds = Self.complete(line) else { return nil }
            (earliest, latest) = (seconds, seconds)
        } else {
            guard let seconds = Self.usual(line, now) else { return nil }
            // The zones of the world are 12 hours behind UTC to 14 hours ahead of it.
            (earliest, latest) = isUTC ? (seconds, seconds) : (seconds - 14 * Self.hour, seconds + 12 * Self.hour)
        }
    }

    private static func complete(_ line: Substring) -> Double? {
        guard let local = Timestamp("\(line.prefix(19))Z") else { return nil }
        let zone = line.dropFirst(19).prefix { $0 != " " }.drop { $0 == "." || $0.isNumber }
        if zone == "Z" { return local.seconds }
        let digits = zone.dropFirst().filter(\.isNumber)
        guard digits.count == 4, let sign = zone.first, "+-".contains(sign),
            let hours = Double(digits.prefix(2)), let minutes = Double(digits.suffix(2))
        else { return nil }
        let offset = hours * hour + minutes * 60
        return local.seconds + (sign == "+" ? -offset : offset)
    }

    /// The time in the newest year in which it is not in the future.
    private static func usual(_ line: Substring, _ now: Timestamp) -> Double? {
        let words = line.split(separator: " ", maxSplits: 3)
        guard words.count == 4, let month = months.firstIndex(of: String(words[0])), let day = Int(words[1]),
            let year = Int(now.wholeSeconds.prefix(4))
        else { return nil }
        let date = "\(twoDigits(month + 1))-\(twoDigits(day))T\(words[2])Z"
        let times = [year + 1, year, year - 1].compactMap { Timestamp("\($0)-\(date)")?.seconds }
        return times.first { $0 <= now.seconds + 14 * hour }
    }

    private static func twoDigits(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
}
