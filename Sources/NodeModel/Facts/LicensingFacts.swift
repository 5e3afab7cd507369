package import Support

/// What the host shows about the license of its vGPUs, beside NVML.
///
/// The agent reads it only while a vGPU has no license, or has one that ends soon.
package struct LicensingFacts: Codable, Sendable, Equatable {
    /// When the facts were read.
    package var at: Timestamp
    /// When the host booted; nil when the agent could not tell.
    package var booted: Timestamp?
    /// NVIDIA's `gridd.conf`; absent when the host has none.
    package var configuration: Reading<Configuration>
    /// The client configuration tokens in the directory of the license daemon; absent when there is none.
    package var tokens: Reading<[Token]>
    /// What the license daemon last said in its log; absent when it said nothing about a license in this boot.
    package var log: Reading<LogLine>

    package init(
        at: Timestamp,
        booted: Timestamp?,
        configuration: Reading<Configuration>,
        tokens: Reading<[Token]>,
        log: Reading<LogLine>
    ) {
        self.at = at
        self.booted = booted
        self.configuration = configuration
        self.tokens = tokens
        self.log = log
    }

    /// The parts of `gridd.conf` that say where the license comes from.
    package struct Configuration: Codable, Sendable, Equatable {
        /// The license server (`ServerAddress`); nil when the file names none, as with a token.
        package var server: String?
        /// The directory of the tokens (`ClientConfigTokenPath`); nil for the usual one.
        package var tokenDirectory: String?
        /// The value of `FeatureType`; nil when the file has none.
        package var featureType: Int?

        package init(server: String? = nil, tokenDirectory: String? = nil, featureType: Int? = nil) {
            self.server = server
            self.tokenDirectory = tokenDirectory
            self.featureType = featureType
        }
    }

    /// A client configuration token on the host.
    ///
    /// The token itself is a secret, and in no fact.
    package struct Token: Codable, Sendable, Equatable {
        package var path: String
        /// The end of the token, which its payload names (`exp`); nil when it names none.
        package var expires: Timestamp?
        /// Why the file is not a token; nil when it is one.
        package var fault: String?

        package init(path: String, expires: Timestamp? = nil, fault: String? = nil) {
            self.path = path
            self.expires = expires
            self.fault = fault
        }
    }

    /// A line of the log, and what it means.
    package struct LogLine: Codable, Sendable, Equatable {
        package var meaning: Meaning
        package var text: String

        package init(_ meaning: Meaning, _ text: String) {
            self.meaning = meaning
            self.text = text
        }
    }

    /// What the license daemon says in its log.
    package enum Meaning: String, Codable, Sendable, CaseIterable {
        case licensed
        /// The token cannot be used.
        case tokenRefused = "token-refused"
        /// The server has no license for this product.
        case noneAvailable = "none-available"
        /// The clocks of the node and of the server differ.
        case clockSkew = "clock-skew"
        /// The server gave no license, for another reason or for none.
        case serverFailed = "server-failed"
        /// There is no license, and the line does not say why.
        case unlicensed
    }
}

extension LicensingFacts.LogLine {
    /// The last line of the license daemon that says something about a license; nil when there is none.
    ///
    /// A line that only says that there is no license comes after the one that says why, so the latter counts.
    ///
    /// Source: lines of drivers of the branches 525 to 550 in public logs. No public log has the line of a server that
    /// cannot be reached, so each other failure to acquire a license counts as one of the server.
    ///
    /// - Parameter lines: The lines of the log, the oldest first.
    package init?(lastOf lines: [String]) {
        var general: Self?
        for line in lines.reversed() {
            guard let meaning = LicensingFacts.Meaning(line) else { continue }
            let found = Self(meaning, line.shortened(to: 200))
            guard meaning == .unlicensed else {
                // An earlier license does not say why there is none now.
                self = meaning == .licensed ? general ?? found : found
                return
            }
            general = general ?? found
        }
        guard let general else { return nil }
        self = general
    }
}

extension LicensingFacts.Meaning {
    private static let signs: [(String, Self)] = [
        ("License acquired successfully", .licensed), ("License renewed successfully", .licensed),
        ("Clock windback has been detected", .clockSkew),
        ("allowed time to process response has expired", .clockSkew),
        ("Failed to decode signature from token received", .tokenRefused),
        ("Failed to read configurations from client configuration token", .tokenRefused),
        ("No pool features found for", .noneAvailable), ("Failed to acquire license from", .serverFailed),
        ("Failed to setup cloud License Manager", .unlicensed), ("Valid GRID license not found", .unlicensed),
    ]

    fileprivate init?(_ line: String) {
        guard let sign = Self.signs.first(where: { line.contains($0.0) }) else { return nil }
        self = sign.1
    }
}

extension NodeFacts {
    /// The vGPUs that need a license and have none.
    package var unlicensedVGPUs: [GPUFacts] {
        (vendor.value?.nvml.value?.gpus ?? []).filter { gpu in
            gpu.license.value?.licensed == false && gpu.virtualization.value == .vgpu
        }
    }

    /// The vGPUs that have a license which ends soon, or whose end is over, as NVML says.
    ///
    /// `nvidia-gridd` renews a license of a day long before. But a server can also give licenses of some hours, so a near
    /// end alone does not mean that a renewal failed.
    package func endingLicenses(at now: Timestamp) -> [EndingLicense] {
        (vendor.value?.nvml.value?.gpus ?? []).compactMap { gpu in
            guard gpu.virtualization.value == .vgpu, let license = gpu.license.value, license.licensed
            else { return nil }
            let ends = (license.features ?? []).filter(\.licensed).compactMap { $0.expires.flatMap(Timestamp.init) }
            guard let end = ends.min(by: { $0.milliseconds < $1.milliseconds }),
                end.seconds - now.seconds < EndingLicense.nearEnd
            else { return nil }
            return EndingLicense(gpu: gpu.index, end: end)
        }
    }

    /// Why the agent did not read about the license of a node.
    package static let everyVGPUIsLicensed = "no vGPU lacks a license"
}

/// A license of a vGPU that ends soon, or that ended and still counts for NVML.
package struct EndingLicense: Sendable, Equatable {
    /// NVML's index of the GPU.
    package var gpu: Int
    package var end: Timestamp

    /// How long before its end a license counts as one that ends soon, in seconds: a quarter of a day.
    fileprivate static let nearEnd = 21_600.0
}

extension VendorFacts {
    /// The facts without what NVML says about licenses.
    package var withoutLicenses: VendorFacts {
        var facts = self
        facts.nvml = nvml.map { nvml in
            var nvml = nvml
            for index in nvml.gpus.indices { nvml.gpus[index].license = .absent }
            return nvml
        }
        return facts
    }
}
