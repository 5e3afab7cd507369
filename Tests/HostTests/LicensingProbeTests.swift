import FoundationEssentials
import NodeModel
import Support
import TestSupport
import Testing

@testable import Host

/// Reads what the host shows about its license from a directory tree.
@Suite struct LicensingProbeTests {
    private static func token(_ payload: String) -> String {
        let text = Data(payload.utf8).base64EncodedString().replacing("+", with: "-").replacing("/", with: "_")
        return "eyJhbGciOiJSUzI1NiJ9.\(text.prefix { $0 != "=" }).c2lnbmF0dXJl"
    }

    @Test(
        arguments: [
            (token(#"{"exp":1795219200,"jti":"x"}"#), .some(.some(1_795_219_200))),
            (token(#"{"exp":1795219200.5,"url":"https://a/?>~"}"#) + "\n", .some(.some(1_795_219_200.5))),
            (token(#"{"jti":"x"}"#), .some(.none)), (token(#"{"exp":"soon"}"#), .none), (token("no JSON"), .none),
            ("a.b", .none), ("", .none), ("a..c", .none), ("header.p\u{0}yload.signature", .none),
        ] as [(String, Double??)]
    )
    func readsTheEndOfAToken(_ token: String, _ expected: Double??) {
        let end = LicensingProbe.expiry(of: Array(token.utf8))
        #expect(end.map { $0?.seconds } == expected)
    }

    @Test func readsTheConfiguration() {
        let text = "# ServerAddress=a\nServerAddress=10.1.2.3\r\n FeatureType = 4 \nClientConfigTokenPath=\nnonsense\n"
        let expected = LicensingFacts.Configuration(server: "10.1.2.3", tokenDirectory: nil, featureType: 4)
        #expect(LicensingProbe.parse(text) == expected)
        #expect(LicensingProbe.parse("ServerAddress=a\nServerAddress=\n") == LicensingFacts.Configuration())
    }

    @Test func readsTheFilesOfTheHost() async throws {
        let tree = try TemporaryDirectory()
        let probe = LicensingProbe(root: try HostRoot(tree.path), commands: nil)
        let none = await probe.read(at: Timestamp(5000), hasSystemd: true)
        #expect(none.configuration == .absent && none.tokens == .absent && none.booted == nil)
        #expect(none.log == .skipped("the agent runs no commands on the host"))
        try tree.write("proc/uptime", "1000.25 1.00\n")
        try tree.write("etc/nvidia/gridd.conf", "FeatureType=1\nClientConfigTokenPath=/etc/tokens\n")
        try tree.write("etc/tokens/a.tok", Self.token(#"{"exp":7}"#))
        try tree.write("etc/tokens/b.tok", "MARKER")
        try tree.write("etc/tokens/c.tok", String(repeating: "x", count: 70_000))
        try tree.write("etc/tokens/other", "x")
        let found = await probe.read(at: Timestamp(5000), hasSystemd: false)
        #expect(found.booted == Timestamp(3999.75) && found.configuration.value?.featureType == 1)
        let tokens = try #require(found.tokens.value)
        #expect(tokens.map(\.path) == ["/etc/tokens/a.tok", "/etc/tokens/b.tok", "/etc/tokens/c.tok"])
        #expect(tokens[0] == LicensingFacts.Token(path: "/etc/tokens/a.tok", expires: Timestamp(7)))
        #expect(tokens[1].fault == "it is not a signed token" && tokens[2].fault?.isEmpty == false)
        #expect(found.log == .skipped("the host has no journal of systemd"))
        let text = String(decoding: try JSONEncoder().encode(found), as: UTF8.self)
        #expect(!text.contains("MARKER") && !text.contains("eyJ"))
    }

    /// Lines of real logs, with other names of servers.
    @Test(
        arguments: [
            (
                ["NLS initialized", "License acquired successfully. (Info: srv, vGPU; Expiry: 2027-1-2 3:4:5 GMT)"],
                .licensed
            ),
            (
                [
                    "License acquired successfully.",
                    "Failed to acquire license from srv (Info: NVIDIA RTX Virtual Workstation - Error: No pool features "
                        + "found for : NVIDIA RTX Virtual Workstation)", "Service stopped",
                ], .noneAvailable
            ),
            (
                ["Failed to acquire license from srv (Info: x - Error: Clock windback has been detected)"],
                .clockSkew
            ),
            (
                [
                    "Failed to acquire license from srv (Info: x - Error: The allowed time to process response has expired)"
                ],
                .clockSkew
            ),
            (
                [
                    "Failed to decode signature from token received",
                    "Failed to read configurations from client configuration token",
                    "Failed to setup cloud License Manager: 3",
                ], .tokenRefused
            ),
            (["Failed to register client (2)", "Failed to acquire license from 10.0.0.1"], .serverFailed),
            (["License acquired successfully.", "Valid GRID license not found"], .unlicensed),
            (["Failed to acquire license from srv", "Valid GRID license not found"], .serverFailed),
            (["Failed to setup cloud License Manager: 3"], .unlicensed),
            (["Valid GRID license not found", "License renewed successfully."], .licensed),
            (["Configuration parameter ( ServerAddress  FeatureType) not set"], nil), ([], nil),
        ] as [([String], LicensingFacts.Meaning?)]
    )
    func theLastLineOfTheDaemonCounts(_ lines: [String], _ meaning: LicensingFacts.Meaning?) {
        #expect(LicensingFacts.LogLine(lastOf: lines)?.meaning == meaning)
    }
}
