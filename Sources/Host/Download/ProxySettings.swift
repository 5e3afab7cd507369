import FoundationEssentials

/// The proxies that the environment variables `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` name, or the configuration.
///
/// Every request uses a tunnel (`CONNECT`), even one to an `http` URL.
package struct ProxySettings: Sendable, Equatable {
    /// A proxy, with the user name and password for it.
    package struct Server: Sendable, Equatable {
        package var host: String
        package var port: Int
        package var user: String?
        package var password: String?
    }

    package var https: String?
    package var http: String?
    /// Hosts that are reached without a proxy: a domain with its subdomains, an address, an IPv4 range
    /// (`10.0.0.0/8`), or `*` for all hosts.
    package var exclusions: [String]
    /// Where the proxy for `https` URLs comes from, for errors.
    private var httpsName = "HTTPS_PROXY"
    /// Where the proxy for `http` URLs comes from, for errors.
    private var httpName = "HTTP_PROXY"

    package init(https: String? = nil, http: String? = nil, exclusions: [String] = []) {
        self.https = https
        self.http = http
        self.exclusions = exclusions
    }

    /// Reads the variables of an environment, in upper or in lower case.
    package init(environment: [String: String]) {
        func value(_ name: String) -> String? {
            let text = environment[name] ?? environment[name.lowercased()]
            return text?.isEmpty == true ? nil : text
        }
        let exclusions = value("NO_PROXY")?.split { $0 == "," || $0 == " " }.map(String.init)
        self.init(https: value("HTTPS_PROXY"), http: value("HTTP_PROXY"), exclusions: exclusions ?? [])
    }

    /// Replaces the proxies of the environment by those of the configuration; nil keeps the one of the environment.
    package mutating func configure(https: String?, http: String?, exclusions: [String]?) {
        if let https { (self.https, httpsName) = (https, "download.httpsProxy") }
        if let http { (self.http, httpName) = (http, "download.httpProxy") }
        if let exclusions { self.exclusions = exclusions }
    }

    /// The proxy for a URL; nil for a direct connection.
    ///
    /// - Throws: `badAddress` when the URL has no host, `badProxy` when the proxy's URL cannot be used.
    package func server(for address: String) throws(DownloadError) -> Server? {
        guard let url = URL(string: address), let host = url.host(percentEncoded: false), !host.isEmpty else {
            throw .badAddress(address, cause: nil)
        }
        let isSecure = url.scheme?.lowercased() == "https"
        guard let proxy = isSecure ? https : http else { return nil }
        guard !excludes(host: host.lowercased(), port: url.port ?? (isSecure ? 443 : 80)) else { return nil }
        guard let server = URL(string: proxy.contains("://") ? proxy : "http://\(proxy)"),
            server.scheme?.lowercased() == "http", let name = server.host(percentEncoded: false), !name.isEmpty
        else { throw .badProxy(setting: isSecure ? httpsName : httpName) }
        return Server(
            host: name,
            port: server.port ?? 80,
            user: server.user(percentEncoded: false),
            password: server.password(percentEncoded: false)
        )
    }

    private func excludes(host: String, port: Int) -> Bool {
        exclusions.contains { exclusion in
            var rule = exclusion.lowercased()
            if rule == "*" { return true }
            if let range = IPv4Range(rule), let number = IPv4Range.number(host) { return range.contains(number) }
            // A name with a port has one colon; an IPv6 address has more.
            let parts = rule.split(separator: ":", omittingEmptySubsequences: false)
            if parts.count == 2 {
                guard Int(parts[1]) == port else { return false }
                rule = String(parts[0])
            }
            let name = rule.drop { $0 == "." }
            return !name.isEmpty && (host == name || host.hasSuffix(".\(name)"))
        }
    }
}

/// A range of IPv4 addresses, such as `10.0.0.0/8`.
private struct IPv4Range {
    var network: UInt32
    var mask: UInt32

    init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let network = Self.number(parts[0]), let length = Int(parts[1]), 0...32 ~= length
        else { return nil }
        mask = length == 0 ? 0 : ~UInt32(0) << (32 - length)
        self.network = network & mask
    }

    func contains(_ address: UInt32) -> Bool { address & mask == network }

    static func number(_ text: some StringProtocol) -> UInt32? {
        let bytes = text.split(separator: ".", omittingEmptySubsequences: false).map { UInt8($0) }
        guard bytes.count == 4 else { return nil }
        return bytes.reduce(UInt32?.some(0)) { number, byte in
            guard let number, let byte else { return nil }
            return number << 8 | UInt32(byte)
        }
    }
}
