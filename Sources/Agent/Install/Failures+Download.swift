import Host
import NetworkErrors
import NodeModel
import Support

extension DownloadError {
    /// Returns the finding for a download that failed.
    ///
    /// `machine` is what the remedies call the machine that downloads.
    func failure(of file: Effect.Download, _ step: StepFailure, on machine: String = "the node") -> AgentFailure {
        let observed = errorChain(self)
        let address = redacted(file.urls.first ?? "the URL")
        switch self {
        case .wrongDigest(_, let expected, let actual):
            let problem = Finding(
                .downloadHashMismatch,
                observed: "\(file.fileName) has the checksum \(actual). The agent deleted the file.",
                expected: "\(expected)",
                remedy: "Do not install this file. Compare the checksum in the catalog with the one that "
                    + "NVIDIA publishes, and find out which server answers at \(address)."
            )
            return AgentFailure(problem)
        case .noSpace:
            return failure(observed, file, step, "Free some space in \(file.directory) on \(machine).", .diskSpace)
        case .file, .busy, .cancelled: return failure(observed, file, step, step.remedy)
        case .badRequest, .badAddress:
            let remedy = "Correct the URLs of this driver in the catalog. 'gpu-agent plan' prints them."
            return failure(observed, file, step, remedy)
        case .badProxy(let setting):
            let place = setting.hasPrefix("download.") ? "the configuration" : "the environment of the agent"
            return failure(observed, file, step, "Correct \(setting) in \(place).")
        case .lasting(_, _, cause: .certificate(.unknownAuthority)), .lasting(_, _, cause: .certificate(.rejected)):
            let remedy =
                "If your own certificate authority signed the server's certificate, set 'download.caFile' in the "
                + "configuration to the file of this authority. Otherwise do not trust this server."
            return failure(observed, file, step, remedy)
        case .lasting(_, _, cause: .proxyAuthenticationRequired):
            return failure(observed, file, step, "Add the user name and the password to the URL of the proxy.")
        case .lasting:
            let remedy = "Correct the certificate of the server, or add a mirror of the package to your own catalog."
            return failure(observed, file, step, remedy)
        case .tooLarge:
            let remedy =
                "Run 'curl -I \(address)' on \(machine) and read the response. If the package really is that large, add "
                + "its size to the catalog, or raise 'download.sizeLimit' in the configuration."
            return failure(observed, file, step, remedy)
        case .refused(_, status: 401), .refused(_, status: 403), .refused(_, status: 451):
            let remedy =
                "Allow \(machine) to download from \(address), or add a mirror of the package to your own catalog. "
                + "If the URL has a signature, check whether it has expired."
            return failure(observed, file, step, remedy, .downloadForbidden)
        case .refused(_, status: 404), .refused(_, status: 410):
            let remedy =
                "Correct the URLs of this driver in your own catalog ('gpu-agent plan' prints them), or put the package "
                + "on the mirror."
            return failure(observed, file, step, remedy, .downloadNotFound)
        case .webPage:
            let remedy =
                "Run 'curl -I \(address)' on \(machine) and read the response. Allow \(machine) to reach the server, set "
                + "a proxy, or add a mirror of the package to your own catalog."
            return failure(observed, file, step, remedy, .downloadWebPage)
        case .refused, .badRedirect, .unavailable, .deadline, .wrongSize:
            if let proxy {
                let remedy =
                    "Run 'curl -I --proxytunnel --proxy http://\(proxy) \(address)' on \(machine). If the proxy does not "
                    + "answer, start it, or correct it in the configuration or in the environment of the agent."
                return failure(observed, file, step, remedy)
            }
            let remedy =
                "Run 'curl -I \(address)' on \(machine) and read the response, "
                + "or add a mirror of the package to your own catalog."
            return failure(observed, file, step, remedy)
        }
    }

    private func failure(
        _ observed: String,
        _ file: Effect.Download,
        _ step: StepFailure,
        _ remedy: String,
        _ code: ReasonCode? = nil
    ) -> AgentFailure {
        let problem = Finding(code ?? step.code, observed: observed, expected: file.fileName, remedy: remedy)
        return AgentFailure(problem)
    }
}
