import NodeModel

/// The package index of apt on a host.
struct AptIndex: Sendable {
    private static let directory: HostPath = "/var/lib/apt/lists"

    var root: HostRoot

    /// What it means that apt offers none of the packages: absent when apt has an index, and unreadable when it has none.
    func withoutOffers<Offer: Sendable>() async throws(HostError) -> Reading<Offer> {
        let root = root
        let files = try await offPool { () throws(HostError) in try root.list(Self.directory) ?? [] }
        guard !files.contains(where: { $0.contains("Packages") }) else { return .absent }
        let why = "the index of apt in \(Self.directory) is empty, and 'apt-get update' fills it"
        return .unreadable(ReadFailure(.command, why))
    }
}
