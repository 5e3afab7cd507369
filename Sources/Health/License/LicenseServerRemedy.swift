import NodeModel

extension Remedy {
    /// What `nvidia-gridd` writes about the network behind `Error:`, and what to do about it.
    ///
    /// The words are those of libcurl. No public log has such a line.
    private static let networkCauses: [(words: [String], Remedy)] = [
        (["resolve"], "Correct the name resolution (DNS) of the node. It does not find the license server."),
        (
            ["timed out", "timeout"],
            "Let the node reach the license server through firewalls and proxies. The server does not answer."
        ),
        (
            ["connect"],
            "Check that the license server runs, and its address and port. The node cannot connect to it."
        ),
        (
            ["certificate"],
            "Check the certificate of the license server, a proxy that replaces it, and the clock of the node."
        ),
    ]

    /// What to do when the license server gave no license: names the part of the network that the log names.
    ///
    /// - Parameter line: What the license daemon last said.
    /// - Returns: The remedy, in general words when the line names no part.
    static func reachingLicenseServer(_ line: String) -> Remedy {
        let parts = line.lowercased().split(separator: "error:", maxSplits: 1)
        if parts.count == 2, let cause = networkCauses.first(where: { $0.words.contains { parts[1].contains($0) } }) {
            return cause.1
        }
        return "Check that the node reaches the license server."
    }
}
