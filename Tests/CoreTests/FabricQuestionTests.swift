import NodeModel
import Selection
import TestSupport
import Testing

/// Whether the agent asks the package manager for the packages of NVLink, which takes long.
@Suite struct FabricQuestionTests {
    struct Row: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var action = Decision.Action.adopt
        var program: DriverService.Program = .fabricManager
        /// What the program says; nil for a host without it.
        var version: String?
        var archive: String?
        var isAsked: Bool
    }

    static let rows = [
        Row(testDescription: "no fabric manager", isAsked: true),
        Row(testDescription: "the fabric manager of the driver's version", version: "595.71.05", isAsked: false),
        Row(testDescription: "the one of another version", version: "595.58.03", isAsked: true),
        Row(testDescription: "one that does not say its version", version: "", isAsked: true),
        Row(
            testDescription: "one whose install was interrupted",
            version: "595.71.05",
            archive: FabricSurroundings.incomplete,
            isAsked: true
        ),
        Row(testDescription: "IMEX beside the fabric manager", program: .imex, version: "595.71.05", isAsked: true),
        Row(testDescription: "an install", action: .install, version: "595.71.05", isAsked: true),
    ]

    @Test(arguments: rows)
    func aCompleteNodeDoesNotAsk(_ row: Row) {
        let facts = NodeFacts.h100Ready.with { facts in
            let program = DriverProgram(
                path: row.version == nil ? nil : "/usr/bin/\(row.program.rawValue)",
                isRunning: row.version != nil,
                version: row.version == "" ? nil : row.version
            )
            facts.driver.surroundings = DriverSurroundings(
                hasSystemd: true,
                programs: [row.program.rawValue: program],
                fabric: FabricSurroundings(archive: row.archive)
            )
        }
        var decision = Decision(action: row.action, summary: "")
        decision.fabricManager = FabricManagerNeed(isNeeded: true, why: "NVSwitch")
        #expect((decision.needsNoFabricPackages(facts, Policy()) == nil) == row.isAsked)
    }
}
