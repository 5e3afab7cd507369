import Catalog
import CoreSupport
import Documents
import FoundationEssentials
import TestSupport
import Testing

/// The SXids of the catalog against NVIDIA's guide of the fabric manager and the table of NVSentinel.
@Suite struct CatalogSXidTests {
    /// A row of `Reference/sxids.csv`, whose severity is the one of the guide when the guide has the code.
    private struct Row {
        var code: Int
        var mnemonic: String
        var severity: String?
        var action: String
        var isDisputed: Bool

        init?(_ line: Substring) {
            let cells = line.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
            guard cells.count == 6, let code = Int(cells[0]), ["guide", "nvsentinel"].contains(cells[2])
            else { return nil }
            self.code = code
            mnemonic = cells[1]
            severity = cells[3] == "-" ? nil : cells[3]
            action = cells[4]
            isDisputed = cells[5] == "yes"
        }
    }

    private static func rows() throws -> [Row] {
        let text = try String(contentsOfFile: fixture("Reference/sxids.csv"), encoding: .utf8)
        let lines = text.split(separator: "\n").dropFirst()
        let rows = lines.compactMap(Row.init)
        try #require(rows.count == lines.count && rows.count > 150)
        return rows
    }

    @Test func theCatalogHasEachRowOfTheTable() throws {
        let sxids = try repositoryCatalog().sxids
        let rows = try Self.rows()
        #expect(Set(sxids.keys) == Set(rows.map(\.code)))
        for row in rows {
            let sxid = try #require(sxids[row.code])
            #expect(sxid.mnemonic == row.mnemonic, "\(row.code)")
            #expect(sxid.severity?.rawValue == row.severity, "\(row.code)")
            #expect(sxid.action == row.action, "\(row.code)")
        }
    }

    /// What the severity means; without one, the action is a check of the machine.
    private static let usual: [String?: XidClass] = [
        "non-fatal": .ignore, "fatal": .reboot, "always-fatal": .reboot, nil: .watch,
    ]

    @Test func aClassFollowsFromTheSeverityOrHasAReason() throws {
        let sxids = try repositoryCatalog().sxids
        for row in try Self.rows() {
            let sxid = try #require(sxids[row.code])
            #expect((sxid.reason != nil) == row.isDisputed, "\(row.code)")
            guard sxid.reason == nil else { continue }
            #expect(sxid.sxidClass == Self.usual[row.severity], "\(row.code)")
            #expect((row.action == "IGNORE") == (sxid.sxidClass == .ignore), "\(row.code)")
        }
    }

    @Test(
        arguments: [
            // The catalog decides when the line agrees, or says nothing.
            (11012, false, .ignore, "NVIDIA calls SXid 11012 non-fatal."), (11012, nil, .ignore, "non-fatal"),
            (20034, true, .reboot, "NVIDIA calls SXid 20034 fatal."), (20034, nil, .reboot, "fatal"),
            (28001, true, .watch, "NVIDIA's action is CHECK_THERMALS."), (19084, nil, .reboot, "need a reset"),
            (20012, false, .watch, "no restart helps"),
            // The line wins over the severity.
            (11012, true, .reboot, "but the NVSwitch says that it is."),
            (20034, false, .watch, "but the NVSwitch says that it is not."),
            (23001, false, .reboot, "always-fatal"),
            // Unknown errors.
            (99999, nil, .watch, "The catalog does not know SXid 99999."), (99999, false, .watch, "does not know"),
            (99999, true, .reboot, "The NVSwitch says that the error is fatal."),
        ] as [(Int, Bool?, XidClass, String)]
    )
    func whatACodeAndItsLineMean(_ code: Int, _ isFatal: Bool?, _ sxidClass: XidClass, _ why: String) throws {
        let verdict = try repositoryCatalog().sxids.verdict(onSXid: code, isFatal: isFatal)
        #expect(verdict.sxidClass == sxidClass)
        #expect(verdict.why.contains(why), "\(verdict.why)")
    }

    @Test func anOperatorChangesTheClassAndKeepsWhatNVIDIASays() throws {
        let changes = ["{code: 20034, class: watch, reason: Our links are new.}", "{code: 99999, class: ignore}"]
        let merged = try repositoryCatalog().applying(try document("sxids: [\(changes.joined(separator: ", "))]\n"))
        let changed = try #require(merged.sxids[20034])
        #expect(changed.severity == .fatal && changed.action == "RESET_GPU")
        #expect(changed.mnemonic == "NVSWITCH_ERR_HW_DLPL_LTSSM_FAULT_UP")
        let verdict = merged.sxids.verdict(onSXid: 20034, isFatal: true)
        #expect(verdict.sxidClass == .watch && verdict.why == "Our links are new.")
        #expect(merged.sxids.verdict(onSXid: 99999, isFatal: true).sxidClass == .ignore)
        let replacing = try document("sxids: [{code: 20034, class: watch, replace: true}]\n")
        let replaced = try repositoryCatalog().applying(replacing)
        #expect(replaced.sxids[20034] == CatalogSXid(code: 20034, sxidClass: .watch))
        #expect(replaced.sxids.verdict(onSXid: 20034, isFatal: true).why == "The catalog gives no reason.")
    }

    @Test func aCatalogThatReplacesTheDriversKeepsTheSXids() throws {
        let base = try repositoryCatalog()
        #expect(base.applying(try document("mode: replace\n")).sxids == base.sxids)
        let own = base.applying(try document("mode: replace\nsxids: [{code: 20034, class: watch}]\n"))
        #expect(own.sxids.count == 1 && own.xids == base.xids)
        let first = try document("sxids: [{code: 20034, class: watch}]\nxids: [{code: 31, class: watch}]\n")
        let second = try document("mode: replace\nxids: [{code: 13, class: watch}]\n")
        #expect(Set(CatalogReview([first, second]).places.keys) == [.sxid(20034), .xid(13)])
    }

    @Test func faultsAreReportedTogether() throws {
        let problems = try catalogProblems(
            """
            sxids:
              - {code: 1000000, severity: deadly, mnemonic: Minion halt}
              - {code: 13, class: ignore, immediate: IGNORE}
              - {code: 14, class: ignore}
              - {code: 14, class: watch}
            """
        )
        #expect(
            Set(problems) == [
                "2:12: code '1000000' is not the number of an SXid such as 20034",
                "2:31: severity 'deadly' is not one of non-fatal, fatal, always-fatal",
                "2:49: mnemonic 'Minion halt' is not a name of NVIDIA such as NVSWITCH_ERR_HW_MINION_HALT",
                "2:5: an SXid needs 'class'",
                "3:31: unknown key 'immediate' in an SXid",
                "5:5: duplicate entry '14' in sxids; the first one is on line 6",
            ]
        )
    }

    private func document(_ text: String) throws -> CatalogDocument {
        let header = "apiVersion: gpu-agent/v1\nkind: DriverCatalog\n"
        return try CatalogDocument.read(try YAMLDocument.parse(header + text, file: "own.yaml")).get()
    }
}
