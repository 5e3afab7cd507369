import Documents
import Support

/// The proxies of downloads that the configuration names.
///
/// Each replaces an environment variable of the agent; nil leaves the variable in effect.
package struct DownloadProxies: Sendable, Equatable {
    /// The proxy for `https` URLs.
    package var https: String?
    /// The proxy for `http` URLs.
    package var http: String?
    /// The hosts that are reached without a proxy.
    package var exclusions: [String]?

    package init(https: String? = nil, http: String? = nil, exclusions: [String]? = nil) {
        self.https = https
        self.http = http
        self.exclusions = exclusions
    }
}

extension DocumentReader {
    /// Reads how the agent downloads driver packages.
    mutating func download(_ node: DocumentNode, _ config: inout Config) {
        let known = ["caFile", "sizeLimit", "httpsProxy", "httpProxy", "noProxy"]
        guard let fields = fields(node, of: "download", known: known) else { return }
        config.downloadCAFile = fields["caFile"].flatMap { text($0, "caFile") }
        config.downloadSizeLimit = fields["sizeLimit"].flatMap { sizeLimit($0) }
        config.downloadProxies = DownloadProxies(
            https: fields["httpsProxy"].flatMap { proxyURL($0, "httpsProxy") },
            http: fields["httpProxy"].flatMap { proxyURL($0, "httpProxy") },
            exclusions: fields["noProxy"].map { node in
                items(node, of: "noProxy").compactMap { text($0, "an entry of noProxy") }
            }
        )
    }

    /// Reads the URL of a proxy.
    ///
    /// The URL can have a password, so a message about it does not repeat it.
    private mutating func proxyURL(_ node: DocumentNode, _ what: String) -> String? {
        guard let text = text(node, what) else { return nil }
        let rest = text.hasPrefix("http://") ? text.dropFirst("http://".count) : text[...]
        let host = rest.prefix { $0 != "/" }.split(separator: "@", omittingEmptySubsequences: false).last ?? ""
        guard !rest.contains("://"), !text.contains(where: \.isWhitespace), !host.isEmpty, !host.hasPrefix(":") else {
            report("\(what) is not the URL of an HTTP proxy such as http://proxy.example.com:3128", at: node)
            return nil
        }
        return text
    }

    /// Reads the limit for packages of unknown size, in bytes.
    ///
    /// A lower limit would refuse real packages. A higher one would be no limit on the disks of most nodes.
    private mutating func sizeLimit(_ node: DocumentNode) -> Int? {
        value(node, "sizeLimit", form: "a size from 512MiB to 64GiB, such as 4GiB") { text in
            let units = ["MiB": 20, "GiB": 30]
            guard let shift = units[String(text.suffix(3))],
                let number = wholeNumber(text.dropLast(3), in: 1...1 << 16),
                (512 << 20...64 << 30).contains(number << shift)
            else { return nil }
            return number << shift
        }
    }
}
