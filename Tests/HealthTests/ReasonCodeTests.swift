import FoundationEssentials
import Health
import NodeModel
import Testing

/// Reason codes in documents of every version of the agent.
@Suite struct ReasonCodeTests {
    static let names: [(name: String, code: String?)] = [
        ("driver-missing", "driver-missing"),
        // Names of earlier versions.
        ("licence-missing", "license-missing"), ("module-flavour-mismatch", "kernel-module-type-mismatch"),
        // A newer version can know more codes.
        ("nvlink-down", "nvlink-down"), ("xid-79", "xid-79"),
        // No version has such codes: they are labels of metrics and anchors of the documentation.
        ("", nil), ("-", nil), ("driver-", nil), ("driver--missing", nil), ("Driver-Missing", nil), ("a b", nil),
        ("a\nb", nil), ("a\"b", nil), ("ä", nil),
        (String(repeating: "a", count: 63), String(repeating: "a", count: 63)),
        (String(repeating: "a", count: 64), nil),
    ]

    @Test(arguments: names)
    func areNamesThatALabelCanHold(_ name: String, _ code: String?) throws {
        let document = try JSONEncoder().encode([name])
        guard let code else {
            #expect(throws: DecodingError.self) { try JSONDecoder().decode([ReasonCode].self, from: document) }
            return
        }
        let codes = try JSONDecoder().decode([ReasonCode].self, from: document)
        #expect(codes.map(\.rawValue) == [code])
        #expect(try JSONDecoder().decode([String].self, from: JSONEncoder().encode(codes)) == [code])
    }
}
