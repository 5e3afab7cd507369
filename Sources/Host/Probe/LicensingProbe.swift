import FoundationEssentials
package import NodeModel
package import Support

/// Reads why the vGPUs of the host have no license.
package struct LicensingProbe: Sendable {
    private let root: HostRoot
    private let commands: HostCommands?

    /// The most tokens that are read.
    private static let tokenLimit = 16

    package init(root: HostRoot, commands: HostCommands?) {
        self.root = root
        self.commands = commands
    }

    /// Reads the files, and the log of the license daemon.
    ///
    /// - Parameters:
    ///   - now: The current time.
    ///   - hasSystemd: Whether the log of the license daemon is in the journal of systemd.
    /// - Returns: The facts; what cannot be read is unreadable in them.
    package func read(at now: Timestamp, hasSystemd: Bool) async -> LicensingFacts {
        let root = root
        let (configuration, tokens, uptime) = await offPool {
            let configuration = Self.configuration(root)
            let directory = configuration.value?.tokenDirectory ?? LicenseFiles.tokenDirectory
            return (configuration, Self.tokens(root, in: directory), root.reading("/proc/uptime"))
        }
        let seconds = uptime.value.flatMap { $0.split(separator: " ").first }.flatMap { Double($0) }
        let booted = seconds.map { Timestamp(now.seconds - $0) }
        return LicensingFacts(
            at: now,
            booted: booted,
            configuration: configuration,
            tokens: tokens,
            log: await log(LicenseLogFile(root: root, booted: booted, now: now), hasSystemd: hasSystemd)
        )
    }

    private static func configuration(_ root: HostRoot) -> Reading<LicensingFacts.Configuration> {
        reading { () throws(HostError) in
            let bytes = try root.read(HostPath(stringLiteral: LicenseFiles.configuration), limit: 64 << 10)
            return bytes.map { parse(String(decoding: $0, as: UTF8.self)) }
        }
    }

    /// Reads the lines `KEY=VALUE` of `gridd.conf`; the last line with a key wins.
    static func parse(_ text: String) -> LicensingFacts.Configuration {
        var values: [String: String] = [:]
        for line in text.split(whereSeparator: \.isNewline) {
            let line = line.trimmed
            guard !line.hasPrefix("#"), let sign = line.firstIndex(of: "=") else { continue }
            let value = line[line.index(after: sign)...].trimmed
            values[line[..<sign].trimmed] = value.isEmpty ? nil : value
        }
        return LicensingFacts.Configuration(
            server: values["ServerAddress"],
            tokenDirectory: values["ClientConfigTokenPath"],
            featureType: values["FeatureType"].flatMap { Int($0) }
        )
    }

    private static func tokens(_ root: HostRoot, in path: String) -> Reading<[LicensingFacts.Token]> {
        guard let directory = HostPath(absolute: path) else {
            return .unreadable(ReadFailure(.malformed, "'\(path)' is not an absolute path"))
        }
        return reading { () throws(HostError) in
            guard try root.isDirectory(directory) else { return nil }
            let names = (try root.list(directory) ?? []).filter { $0.hasSuffix(".tok") }.sorted()
            guard !names.isEmpty else { return nil }
            var tokens: [LicensingFacts.Token] = []
            for name in names.prefix(tokenLimit) { tokens.append(token(root, try directory.entry(name))) }
            return tokens
        }
    }

    private static func token(_ root: HostRoot, _ path: HostPath) -> LicensingFacts.Token {
        var token = LicensingFacts.Token(path: path.text)
        do throws(HostError) {
            let bytes = try root.read(path, limit: LicensePolicy.tokenLimit) ?? []
            switch expiry(of: bytes) {
            case .some(let expires): token.expires = expires
            case .none: token.fault = "it is not a signed token"
            }
        } catch { token.fault = errorChain(error) }
        return token
    }

    /// The end of a signed token (RFC 7519), which its second part names; the signature is not verified.
    ///
    /// - Returns: Nil when the bytes are not such a token, and a nil time when it has no end.
    static func expiry(of token: [UInt8]) -> Timestamp?? {
        let parts = String(decoding: token, as: UTF8.self).trimmed.split(
            separator: ".",
            omittingEmptySubsequences: false
        )
        guard parts.count == 3 else { return nil }
        var text = parts[1].replacing("-", with: "+").replacing("_", with: "/")
        text += String(repeating: "=", count: (4 - text.utf8.count % 4) % 4)
        guard let data = Data(base64Encoded: String(text)),
            let payload = try? JSONDecoder().decode(Payload.self, from: data)
        else { return nil }
        return .some(payload.exp.map { Timestamp($0) })
    }

    private struct Payload: Decodable {
        var exp: Double?
    }

    /// The last word of the license daemon in this boot, from the journal, or from the log file of the host.
    ///
    /// A journal that keeps nothing passes its lines on to the file.
    private func log(_ file: LicenseLogFile, hasSystemd: Bool) async -> Reading<LicensingFacts.LogLine> {
        let journal = await journal(hasSystemd: hasSystemd)
        guard journal.value == nil else { return journal }
        let found = await offPool { file.read() }
        if found.value != nil { return found }
        // A file without a word says nothing about a journal that was not read.
        guard !hasSystemd else { return journal }
        if case .skipped = found { return journal }
        return found
    }

    /// The last word of the license daemon in the journal of this boot.
    private func journal(hasSystemd: Bool) async -> Reading<LicensingFacts.LogLine> {
        guard hasSystemd else { return .skipped("the host has no journal of systemd") }
        guard let commands else { return .skipped("the agent runs no commands on the host") }
        let command = [
            "journalctl", "--unit=nvidia-gridd", "--boot", "--output=cat", "--no-pager", "--lines=200",
        ]
        do throws(HostError) {
            let output = try await commands.run(command, deadline: .seconds(5)).output
            let lines = output.split(whereSeparator: \.isNewline).map(String.init)
            return LicensingFacts.LogLine(lastOf: lines).map { .present($0) } ?? .absent
        } catch { return .unreadable(ReadFailure(error)) }
    }
}
