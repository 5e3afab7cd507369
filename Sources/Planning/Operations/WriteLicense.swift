package import NodeModel
package import Support

/// Writes the license configuration of a GRID driver and the token, and starts the license daemon again.
///
/// It touches only files that the agent wrote, or that do not exist.
package struct WriteLicense: Operation {
    /// The content of NVIDIA's configuration file; nil when the file is right or belongs to somebody else.
    package var configuration: String?
    /// The token to write; nil when the token on the host is right, or belongs to somebody else.
    package var token: LicenseToken?
    /// The checksum of the token that the agent wrote before; nil when there is none.
    package var formerToken: Checksum?
    /// Whether the agent's token goes, because the configuration names none.
    package var removesToken: Bool
    /// Whether the license daemon is a service of systemd, which the step starts again.
    package var restarts: Bool

    package init(
        configuration: String?,
        token: LicenseToken?,
        formerToken: Checksum? = nil,
        removesToken: Bool = false,
        restarts: Bool
    ) {
        self.configuration = configuration
        self.token = token
        self.formerToken = formerToken
        self.removesToken = removesToken
        self.restarts = restarts
    }

    package var id: StepID { .license }
    package var title: String {
        let parts = [
            configuration == nil ? nil : "the license configuration", token == nil ? nil : "the license token",
        ].compactMap(\.self)
        let start = "start nvidia-gridd"
        if parts.isEmpty { return removesToken ? "remove the license token, and \(start)" : "\(start) again" }
        return "write \(parts.joined(separator: " and "))" + (restarts ? ", and \(start)" : "")
    }
    package var changes: String { "\(LicenseFiles.configuration), \(LicenseFiles.tokenDirectory) and nvidia-gridd" }
    package var deadlineSeconds: Int { 120 }
    package var effects: [Effect] {
        (token.map(write) ?? []) + (removesToken ? [.run([OwnFile.tokenRemoval])] : [])
            + (configuration.map { [.writeFile(path: LicenseFiles.configuration, text: $0)] } ?? [])
            + (restarts ? [.run([Self.restart])] : [])
    }
    package var failure: StepFailure {
        StepFailure(
            .licenseDaemonNotRunning,
            subject: "setting up the license",
            remedy:
                "Read 'journalctl -u nvidia-gridd' on the node, and correct the license in the configuration. Then run "
                + "'gpu-agent install'."
        )
    }
    package var inverse: (any Operation)? { RemoveLicense(isDriverThere: false) }

    /// The effects that write the token.
    ///
    /// The agent recognizes its token by the checksum. So the checksum is on the host before the token, and the checksum
    /// of the former token as long as that one can still be there.
    private func write(_ token: LicenseToken) -> [Effect] {
        let digests = [formerToken, token.digest].compactMap { $0 }.map { "\($0.hex)\n" }
        let secret = Effect.Secret(source: token.file, path: LicenseFiles.tokenPath, digest: token.digest)
        return [.writeFile(path: HostLayout.licenseToken, text: digests.joined()), .writeSecret(secret)]
    }

    /// Starts the license daemon again, and checks that it does not end soon, as it does with a token that it cannot
    /// read.
    ///
    /// Without the unit, the next check of the node says that the driver has no license daemon.
    private static let restart = [
        "sh", "-ec",
        """
        systemctl cat nvidia-gridd.service >/dev/null 2>&1 || exit 0
        systemctl restart nvidia-gridd.service
        for second in 1 2 3; do
            sleep 1
            systemctl is-active --quiet nvidia-gridd.service || {
                echo "nvidia-gridd.service is not active $second s after its start" >&2
                exit 1
            }
        done
        """,
        "restart-license-daemon",
    ]
}

extension WriteLicense {
    /// What differs between the license on the host and the one that the configuration asks for.
    init(_ wanted: LicensePolicy, files: LicenseFiles, found: DriverSurroundings) {
        let text = wanted.text
        let isWritten = found.ownFiles[LicenseFiles.configuration] == OwnFile.lines(text)
        let token = wanted.tokenFile == nil || files.hasForeignToken ? nil : found.licenseToken.value
        self.init(
            configuration: isWritten || files.hasForeignConfiguration ? nil : text,
            token: token?.digest == files.token ? nil : token,
            formerToken: files.token,
            removesToken: wanted.tokenFile == nil && files.token != nil,
            restarts: found.hasSystemd == true
        )
    }

    /// Whether a file differs, or the daemon does not run although it could.
    func isNeeded(_ found: DriverSurroundings) -> Bool {
        if configuration != nil || token != nil || removesToken { return true }
        guard restarts, let daemon = found.program(.licenseDaemon) else { return false }
        return daemon.unitFile != nil && daemon.isMasked != true && daemon.isRunning == false
    }
}

/// Removes the license files that the agent wrote.
package struct RemoveLicense: Operation {
    /// Whether the driver stays, so that its license daemon must start again without the files.
    package var isDriverThere: Bool

    package init(isDriverThere: Bool) {
        self.isDriverThere = isDriverThere
    }

    package var id: StepID { isDriverThere ? .license : .removeLicense }
    package var title: String { "remove the license configuration and the license token" }
    package var changes: String { "\(LicenseFiles.configuration) and \(LicenseFiles.tokenDirectory)" }
    package var deadlineSeconds: Int { 60 }
    package var effects: [Effect] {
        let removal = [OwnFile.removal(of: LicenseFiles.configuration), OwnFile.tokenRemoval]
        return [.run(removal + (isDriverThere ? [Self.restart] : []))]
    }
    package var failure: StepFailure { .uninstall }
    package var inverse: (any Operation)? { isDriverThere ? RemoveLicense(isDriverThere: false) : nil }

    /// Starts the license daemon again if it runs.
    ///
    /// A daemon that somebody has stopped stays stopped, and a host without the unit is no error.
    private static let restart = [
        "sh", "-ec",
        """
        ! systemctl is-active --quiet nvidia-gridd.service || systemctl restart nvidia-gridd.service
        """,
        "restart-running-license-daemon",
    ]
}

extension Finding {
    /// The license token that the configuration names cannot be used.
    package static func licenseTokenUnusable(_ failure: ReadFailure) -> Finding {
        Finding(
            .licenseTokenUnusable,
            observed: "The agent cannot use the license token: \(failure.detail).",
            expected: "a client configuration token in the file that license.tokenFile names",
            remedy: Remedy(
                "Download a client configuration token from your license server and mount it into the agent's pod as a "
                    + "Secret. The file must be a regular file of at most \(LicensePolicy.tokenLimit >> 10) KiB. Or "
                    + "remove license.tokenFile from the configuration."
            )
        )
    }
}
