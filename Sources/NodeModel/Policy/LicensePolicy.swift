package import Support

/// The license of a GRID driver that the operator asks for.
package struct LicensePolicy: Codable, Sendable, Equatable {
    /// The path of the file with the client configuration token, in the agent's own file system; nil when there is none.
    package var tokenFile: String?
    /// What the license server grants.
    package var feature: Feature

    package init(tokenFile: String? = nil, feature: Feature) {
        self.tokenFile = tokenFile
        self.feature = feature
    }

    /// The values of `FeatureType` in NVIDIA's `gridd.conf`.
    ///
    /// Source: NVIDIA's template of the file and its user guide for licensing.
    package enum Feature: Int, Codable, Sendable, CaseIterable {
        /// The driver asks for no license.
        case unlicensed = 0
        /// The license follows from the type of the vGPU.
        case vgpu = 1
        /// RTX Virtual Workstation.
        case workstation = 2
        /// Virtual Compute Server.
        case compute = 4
    }

    /// The content of NVIDIA's configuration file.
    package var text: String {
        "\(OwnFile.mark) the license of its configuration (license).\nFeatureType=\(feature.rawValue)\n"
    }

    /// The most bytes of a token: a token has less than 10 KB.
    package static let tokenLimit = 64 << 10
}

/// What the agent knows about the token that the configuration names.
///
/// The token itself is a secret. It is in no fact, plan, journal or message.
package struct LicenseToken: Codable, Sendable, Equatable {
    /// The path of the file, in the agent's own file system.
    package var file: String
    package var digest: Checksum

    package init(file: String, digest: Checksum) {
        self.file = file
        self.digest = digest
    }
}

/// NVIDIA's license files on the host.
package struct LicenseFiles: Codable, Sendable, Equatable {
    /// The checksum of the token that the agent wrote; nil when there is none.
    package var token: Checksum?
    /// The paths of the files that the agent did not write, sorted.
    package var foreign: [String]

    package init(token: Checksum? = nil, foreign: [String] = []) {
        self.token = token
        self.foreign = foreign
    }

    /// The configuration of the license daemon.
    package static let configuration = "/etc/nvidia/gridd.conf"
    /// The directory in which the license daemon looks for tokens.
    package static let tokenDirectory = "/etc/nvidia/ClientConfigToken"
    /// The agent's token.
    package static let tokenPath = "/etc/nvidia/ClientConfigToken/client_configuration_token.tok"

    /// The paths of the files of others that prevent a part of this license.
    package func foreign(for license: LicensePolicy) -> [String] {
        foreign.filter { license.tokenFile != nil || $0 == Self.configuration }
    }

    /// Whether a file that the agent did not write is in the place of a token.
    package var hasForeignToken: Bool { foreign.contains { $0.hasPrefix(Self.tokenDirectory + "/") } }
    /// Whether the agent did not write the configuration of the license daemon.
    package var hasForeignConfiguration: Bool { foreign.contains(Self.configuration) }
}
