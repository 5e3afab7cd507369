package import NodeModel
import Support

extension ReasonCode {
    package static let licenseDaemonMissing = ReasonCode("license-daemon-missing")
    package static let licenseTokenMissing = ReasonCode("license-token-missing")
    package static let licenseTokenUnreadable = ReasonCode("license-token-unreadable")
    package static let licenseTokenExpired = ReasonCode("license-token-expired")
    package static let licenseServerFailed = ReasonCode("license-server-unreachable")
    package static let licenseNoneAvailable = ReasonCode("license-not-available")
    package static let licenseClockSkew = ReasonCode("license-clock-skew")
    package static let licenseExpired = ReasonCode("license-expired")
    package static let licenseGrace = ReasonCode("license-grace")
}

extension Check {
    /// A check that fails while vGPUs have no license for one cause.
    private static func license(
        _ code: ReasonCode,
        title: String,
        meaning: String,
        advice: String,
        _ function: @escaping @Sendable (LicenseState) -> Outcome?
    ) -> Check {
        Check(
            code,
            title: title,
            group: .license,
            phase: .use,
            dependsOn: [.nvmlUnavailable, .gpuUnreadable],
            // nvidia-gridd requests the license after the load of the driver, and again after an outage of the server.
            settlesWithin: .seconds(120),
            meaning: meaning,
            advice: advice
        ) { node in node.licenseState.flatMap(function) }
    }

    private static let restart: String = "systemctl restart nvidia-gridd"

    static let licenseDaemonMissing = license(
        .licenseDaemonMissing,
        title: "the host has the license daemon",
        meaning:
            "A vGPU has no license, and the host lacks `nvidia-gridd` or its systemd unit. Some versions of the GRID driver "
            + "do not install the unit when the installer gets other paths (`--utility-prefix`).",
        advice: "Install the GRID driver again without options that move its files."
    ) { state in
        guard state.cause == .daemonMissing else { return nil }
        return state.outcome(
            "The host lacks nvidia-gridd or its unit nvidia-gridd.service.",
            remedy: "Install the GRID driver again, without options that move its files."
        )
    }

    static let licenseTokenMissing = license(
        .licenseTokenMissing,
        title: "the host has a license token",
        meaning:
            "A vGPU has no license. The host has no client configuration token in `/etc/nvidia/ClientConfigToken`, and its "
            + "`gridd.conf` names no license server.",
        advice: "Download a client configuration token from the license server, and name it in `license.tokenFile` "
            + "([install.md](install.md#license-of-a-grid-driver)), or copy it to the directory."
    ) { state in
        guard state.cause == .tokenMissing else { return nil }
        return state.outcome(
            "The host has neither a license token nor a license server.",
            remedy: "Set 'license.tokenFile' in the configuration, or copy a token to /etc/nvidia/ClientConfigToken."
        )
    }

    static let licenseTokenUnreadable = license(
        .licenseTokenUnreadable,
        title: "the license token can be read",
        meaning:
            "A vGPU has no license. `nvidia-gridd` refused the client configuration token, or the file is not a token.",
        advice: "Download a new client configuration token. It must reach the host unchanged. After a change, restart "
            + "`nvidia-gridd`."
    ) { state in
        guard case .tokenUnreadable(let what) = state.cause else { return nil }
        return state.outcome(
            "The license token cannot be used: \(what).",
            remedy: Remedy("Replace it with a new token, and restart nvidia-gridd.", command: restart)
        )
    }

    static let licenseTokenExpired = license(
        .licenseTokenExpired,
        title: "the license token has not expired",
        meaning:
            "A vGPU has no license, and the end of the client configuration token is in the past. The agent reads the end "
            + "in the token, and does not verify its signature.",
        advice: "Download a new client configuration token from the license server."
    ) { state in
        guard case .tokenExpired(let path, let end) = state.cause else { return nil }
        return state.outcome(
            "The license token \(path) expired at \(end.wholeSeconds).",
            remedy: Remedy("Replace it with a new token, and restart nvidia-gridd.", command: restart)
        )
    }

    static let licenseServerFailed = license(
        .licenseServerFailed,
        title: "the license server gives a license",
        meaning:
            "A vGPU has no license. `nvidia-gridd` asked the license server and got no license, and its log names no other cause. The "
            + "finding quotes the log.",
        advice:
            "Check that the node reaches the license server, also through its firewall and proxy, and that the certificate of "
            + "the server is valid. When the log names one of these, so does the finding. `nvidia-gridd` tries again by "
            + "itself."
    ) { state in
        guard case .serverFailed(let line) = state.cause else { return nil }
        return state.outcome("nvidia-gridd: \(line)", remedy: .reachingLicenseServer(line))
    }

    static let licenseNoneAvailable = license(
        .licenseNoneAvailable,
        title: "the license server has a license",
        meaning:
            "A vGPU has no license, because the license server has none for the product that this vGPU needs: all are in use, "
            + "or the server never had one.",
        advice: "Add licenses of this product to the license server, or return those of other machines."
    ) { state in
        guard case .noneAvailable(let line) = state.cause else { return nil }
        return state.outcome(
            "nvidia-gridd: \(line)",
            remedy: "Add a license for this product to the license server, or return one that is in use."
        )
    }

    static let licenseClockSkew = license(
        .licenseClockSkew,
        title: "the clock of the node is right",
        meaning:
            "A vGPU has no license, because the clocks of the node and of the license server differ. Their messages are signed "
            + "with a time.",
        advice:
            "Check the time and the time zone of the node and of the server (`timedatectl`). Then restart `nvidia-gridd`."
    ) { state in
        guard case .clockSkew(let line) = state.cause else { return nil }
        return state.outcome(
            "nvidia-gridd: \(line)",
            remedy: Remedy("Correct the clock of the node, and restart nvidia-gridd.", command: restart)
        )
    }

    static let licenseExpired = license(
        .licenseExpired,
        title: "the licenses have not expired",
        meaning: "The license of a vGPU ended, and `nvidia-gridd` did not get a new one. Nothing on the host says why.",
        advice: "Read `journalctl -u nvidia-gridd`, and check that the node reaches the license server."
    ) { state in
        guard case .expired(let end) = state.cause else { return nil }
        return state.outcome(
            "The license ended at \(end.wholeSeconds).",
            remedy: "Check that nvidia-gridd runs and reaches its license server: journalctl -u nvidia-gridd."
        )
    }

    static let licenseGrace = license(
        .licenseGrace,
        title: "every vGPU has its license",
        meaning:
            "A vGPU has no license, and does not need one yet: the configuration allows some time (`license.grace`) after the "
            + "boot and after the end of a license. Until then, the finding about the license is a warning.",
        advice: "Do what the finding about the license says. After this time, the node is `not-ready`."
    ) { state in
        guard let end = state.graceEnd else { return nil }
        return .notice(
            "The node stays ready without a license until \(end.wholeSeconds).",
            expected: "licensed",
            remedy: .none
        )
    }
}
