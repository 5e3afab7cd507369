import NodeModel

/// The codes for answers of a server that another try does not change.
extension Check {
    static let downloadForbidden = Check(
        .downloadForbidden,
        title: "the server allows the download of the driver package",
        group: .install,
        phase: .install,
        meaning: "The server or a proxy refused the download (status 401, 403 or 451). The agent does not repeat the "
            + "request at once, because it would get the same answer.",
        advice: "Allow the node to download from the address that the finding names. If the URL has a signature, check "
            + "whether it has expired. Or use a mirror in your own [catalog](catalog.md)."
    )

    static let downloadNotFound = Check(
        .downloadNotFound,
        title: "the server has the driver package",
        group: .install,
        phase: .install,
        meaning: "The server does not have the file (status 404 or 410).",
        advice: "Correct the URL of the driver in your own [catalog](catalog.md), or put the package on the mirror."
    )

    static let downloadWebPage = Check(
        .downloadWebPage,
        title: "the server sends the driver package and not a web page",
        group: .install,
        phase: .install,
        meaning: "A web page came instead of the package. Captive portals, proxies that ask for a login, and mirrors "
            + "without the file send such pages. The agent kept nothing of it.",
        advice: "Run `curl -I` with the address on the node and read the response. Allow the node to reach the server, "
            + "or set a [proxy](catalog.md#configuration)."
    )
}
