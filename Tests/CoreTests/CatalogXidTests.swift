import Catalog
import CoreSupport
import Documents
import FoundationEssentials
import TestSupport
import Testing

/// The Xids of the catalog against the merged table of NVIDIA's catalog and of six other programs.
@Suite struct CatalogXidTests {
    /// A row of `Reference/xids.csv`.
    ///
    /// The columns of the other programs have the short forms of the merged table; `.` means that a program does not
    /// look at the code.
    private struct Row {
        var code: Int
        var mnemonic: String
        var immediate: String?
        var investigatory: String?
        var isDisputed: Bool

        init?(_ line: Substring) {
            let cells = line.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
            guard cells.count == 11, let code = Int(cells[0]) else { return nil }
            self.code = code
            mnemonic = cells[1]
            immediate = cells[2] == "-" ? nil : cells[2]
            investigatory = cells[3] == "-" ? nil : cells[3]
            isDisputed = cells[10] == "yes"
        }
    }

    private static func rows() throws -> [Row] {
        let text = try String(contentsOfFile: fixture("Reference/xids.csv"), encoding: .utf8)
        let lines = text.split(separator: "\n").dropFirst()
        let rows = lines.compactMap(Row.init)
        try #require(rows.count == lines.count && rows.count > 100)
        return rows
    }

    @Test func theCatalogHasEachRowOfTheTable() throws {
        let xids = try repositoryCatalog().xids
        let rows = try Self.rows()
        #expect(Set(xids.keys) == Set(rows.map(\.code)))
        for row in rows {
            let xid = try #require(xids[row.code])
            #expect(xid.mnemonic == row.mnemonic, "\(row.code)")
            #expect(xid.immediate == row.immediate, "\(row.code)")
            #expect(xid.investigatory == row.investigatory, "\(row.code)")
        }
    }

    /// The class that NVIDIA's immediate action means; a class that differs from it needs a reason.
    private static let usual: [String: XidClass] = [
        "RESTART_APP": .application, "RESET_GPU": .gpuReset, "RESTART_BM": .reboot, "RESTART_VM": .reboot,
        "IGNORE": .ignore,
    ]

    @Test func aClassFollowsFromNVIDIAsActionOrHasAReason() throws {
        let xids = try repositoryCatalog().xids
        for row in try Self.rows() {
            let xid = try #require(xids[row.code])
            guard xid.reason == nil else { continue }
            #expect(!row.isDisputed, "the sources contradict each other about \(row.code)")
            #expect(xid.xidClass == row.immediate.flatMap { Self.usual[$0] }, "\(row.code)")
        }
    }

    /// Errors of programs take no GPU away, also where another program does so.
    @Test(arguments: [
        (8, XidClass.application), (13, .application), (31, .application), (43, .application), (45, .application),
        (68, .application), (94, .application), (48, .gpuReset), (95, .gpuReset), (109, .gpuReset), (119, .gpuReset),
        (79, .reboot), (151, .reboot), (54, .hardware), (64, .hardware), (63, .watch), (92, .watch), (145, .watch),
        (106, .ignore), (999, .watch),
    ])
    func codesHaveTheirClass(code: Int, expected: XidClass) throws {
        #expect(try repositoryCatalog().xids.verdict(onXid: code).xidClass == expected)
    }

    @Test func aVerdictSaysWhy() throws {
        let xids = try repositoryCatalog().xids
        #expect(xids.verdict(onXid: 79).why == "NVIDIA's immediate action is RESTART_BM.")
        #expect(xids.verdict(onXid: 94).why.contains("Xid 154 follows"))
        #expect(xids.verdict(onXid: 999).why == "The catalog does not know Xid 999.")
        let bare = [999: CatalogXid(code: 999, xidClass: .ignore)]
        #expect(bare.verdict(onXid: 999).why == "The catalog gives no reason.")
    }

    @Test func anOperatorChangesTheClassAndKeepsNVIDIAsActions() throws {
        let changes = ["{code: 31, class: watch, reason: Our programs do not do this.}", "{code: 999, class: ignore}"]
        let own = "xids: [\(changes.joined(separator: ", "))]\n"
        let merged = try repositoryCatalog().applying(try document(own))
        let changed = try #require(merged.xids[31])
        #expect(changed.xidClass == .watch && changed.reason == "Our programs do not do this.")
        #expect(changed.immediate == "RESTART_APP" && changed.investigatory == "WORKFLOW_XID_31")
        #expect(changed.mnemonic == "ROBUST_CHANNEL_FIFO_ERROR_MMU_ERR_FLT")
        #expect(merged.xids.verdict(onXid: 999).xidClass == .ignore)
        // A class without a reason does not keep the reason of another class.
        let bare = try repositoryCatalog().applying(try document("xids: [{code: 31, class: watch}]\n"))
        #expect(bare.xids[31]?.reason == nil)
        let replaced = try repositoryCatalog().applying(
            try document("xids: [{code: 31, class: watch, replace: true}]\n")
        )
        #expect(replaced.xids[31] == CatalogXid(code: 31, xidClass: .watch))
    }

    @Test func aCatalogThatReplacesTheDriversKeepsTheXids() throws {
        let base = try repositoryCatalog()
        let withoutXids = base.applying(try document("mode: replace\n"))
        #expect(withoutXids.gpus.isEmpty && withoutXids.xids == base.xids)
        let withXids = base.applying(try document("mode: replace\nxids: [{code: 31, class: watch}]\n"))
        #expect(withXids.xids.count == 1)
        let first = try document("xids: [{code: 31, class: watch}]\n")
        #expect(CatalogReview([first, try document("mode: replace\n")]).places[.xid(31)] != nil)
        let second = try document("mode: replace\nxids: [{code: 1, class: watch}]\n")
        #expect(CatalogReview([first, second]).places.count == 1)
    }

    @Test func faultsAreReportedTogether() throws {
        let problems = try catalogProblems(
            """
            xids:
              - {code: 079, class: fatal, mnemonic: Fallen off the bus}
              - {code: 0, immediate: reset-gpu, why: x}
              - {code: 13, class: ignore}
              - {code: 13, class: watch, reason: []}
              - {code: 65536, class: watch}
            """
        )
        #expect(
            problems == [
                "2:12: code '079' is not the number of an Xid such as 79",
                "2:41: mnemonic 'Fallen off the bus' is not a name of NVIDIA such as PMU_HALT_ERROR",
                "2:24: class 'fatal' is not one of ignore, application, watch, gpu-reset, reboot, hardware",
                "3:37: unknown key 'why' in an Xid",
                "3:12: code '0' is not the number of an Xid such as 79",
                "3:26: immediate 'reset-gpu' is not a name of NVIDIA such as RESET_GPU",
                "3:5: an Xid needs 'class'",
                "5:38: reason must be a non-empty string",
                "5:5: duplicate entry '13' in xids; the first one is on line 6",
                "6:12: code '65536' is not the number of an Xid such as 79",
            ]
        )
    }

    private func document(_ text: String) throws -> CatalogDocument {
        let header = "apiVersion: gpu-agent/v1\nkind: DriverCatalog\n"
        return try CatalogDocument.read(try YAMLDocument.parse(header + text, file: "own.yaml")).get()
    }
}
