import Catalog
import CoreSupport
import NodeModel
import Selection
import TestSupport
import Testing

/// Decides the nodes in the tables in `Situations/` with the catalog of the repository.
@Suite struct SituationTests {
    /// All rows, or the mistakes for which the tables cannot be read.
    static let rows: Result<[Situation], any Error> = Result { try SituationReader.all() }
    static let catalog: Result<Catalog, any Error> = Result { try repositoryCatalog() }

    @Test(arguments: (try? rows.get()) ?? [])
    func decides(_ row: Situation) throws {
        let differences = row.differences(try Self.catalog.get())
        #expect(
            differences.isEmpty,
            "\(row.place): \(row.name): \(differences.joined(separator: "; "))\n\(row.printed(Self.catalog))"
        )
    }
}

extension SituationTests {
    /// The VM sizes of the clouds with known GPUs, by a part of their names.
    static let sizes = """
        NC128ds_xl_RTXPRO6000BSE_v6 NC256ds_xl_RTXPRO6000BSE_v6 NC24lds_xl_RTXPRO6000BSE_v6 NC36ds_xl_RTXPRO6000BSE_v6
        NC72ds_xl_RTXPRO6000BSE_v6 NV6ads_A10_v5 NV12ads_A10_v5 NV18ads_A10_v5 NV36ads_A10_v5 NV72ads_A10_v5
        NC8ads_A10_v4 NC32ads_A10_v4 NC40ads_H100_v5 NC80adis_H100_v5 NC24ads_A100_v4 NC48ads_A100_v4 NC96ads_A100_v4
        ND96asr_v4 ND96amsr_A100_v4 ND96isr_H100_v5 ND96isr_H200_v5 ND128isr_NDR_GB200_v6 ND128isr_GB300_v6
        NC4as_T4_v3 NV12s_v3 NC6s_v3 ND40rs_v2
        g4dn. g5g. g5. g6. gr6. g6f. gr6f. g6e. g7e. g7. p3. p3dn. p4d. p4de. p5. p5e. p5en. p6-b200. p6-b300. p6e-
        a2-highgpu a2-megagpu a2-ultragpu a3-highgpu a3-ultragpu a4-highgpu a4x-highgpu g2-standard g4-standard
        """

    @Test func everyRowIsReadAndNoneIsMissing() throws {
        let rows = try Self.rows.get()
        #expect(rows.count >= 120)
        #expect(Set(rows.flatMap(\.faults)) == [1, 2, 3, 4, 5, 6, 7, 26, 31, 35])
        for size in Self.sizes.split(whereSeparator: \.isWhitespace) {
            #expect(rows.contains { $0.name.contains(size) }, "no row for \(size)")
        }
        for board in ["DGX-2", "DGX A100", "HGX A100", "HGX H100", "HGX H200", "HGX B200", "HGX B300"] {
            #expect(rows.contains { $0.name.hasPrefix(board) }, "no row for \(board)")
        }
        let arms = rows.filter { $0.facts.host.architecture == .present(.aarch64) }
        let devices = Set(arms.flatMap { $0.facts.gpus.map(\.id.device) })
        #expect(devices.isSuperset(of: [0x1eb4, 0x2342, 0x2941, 0x31c2]))
    }

    @Test(
        arguments: [
            ("expect: install grid", "expect must tell the driver's kind, kernel module type and version"),
            ("expect: blocked", "expect must tell a code"),
            ("expect: refuse", "expect must begin with an action"),
            ("expect: idle no-gpu surely", "'surely' says nothing in expect"),
            ("expect: idle no-gpu\n    gpus: [23210]", "a GPU '23210' is not a GPU such as 8x 2330 sub 10de:16c1"),
            ("expect: idle no-gpu\n    platform: moon", "'moon' is no platform of the tables"),
            ("expect: idle no-gpu\n    gpu: []", "unknown key 'gpu' in a situation; did you mean 'gpus'?"),
            ("expect: idle no-gpu\n    traces: [dpkg]", "'dpkg' is no trace"),
            ("expect: idle no-gpu\n    installed: 580.1", "installed '580.1' is not a driver such as"),
            ("expect: idle no-gpu\n    drivers: [580.1]", "a driver '580.1' is not a driver such as"),
            ("expect: idle no-gpu\n  - name: row\n    expect: idle no-gpu", "'row' stands twice, first in line 2"),
        ]
    )
    func aMistakeInATableIsNamed(_ row: String, _ message: String) {
        do {
            _ = try SituationReader.read(Array("situations:\n  - name: row\n    \(row)\n".utf8), file: "t.yaml")
            Issue.record("it was read")
        } catch {
            #expect("\(error)".contains(message) && "\(error)".hasPrefix("t.yaml:"))
        }
    }

    /// A row that cannot fail proves nothing.
    ///
    /// So the test compares each row with its decision after one change.
    @Test func everyRowSeesWhenItsDecisionIsAnother() throws {
        let catalog = try Self.catalog.get()
        for row in try Self.rows.get() {
            let decision = row.decide(catalog)
            for (name, change) in Self.changes {
                var other = decision
                change(&other)
                guard other != decision else { continue }
                if row.expected.differences(other).isEmpty { Issue.record("\(row.place): does not see \(name)") }
            }
        }
    }

    private static let changes: [(String, @Sendable (inout Decision) -> Void)] = [
        ("another kind", { $0.driver = $0.driver.map { $0.with(kind: $0.kind == .grid ? .datacenter : .grid) } }),
        (
            "another kernelModuleType",
            {
                $0.driver = $0.driver.map {
                    $0.with(kernelModuleType: $0.kernelModuleType == .open ? .proprietary : .open)
                }
            }
        ),
        ("an older version", { decision in DriverVersion("390.1").map { decision.driver?.version = $0 } }),
        ("no driver", { $0.driver = nil }),
        ("no checksum", { $0.driver?.artifact?.digest = nil }),
        ("another action", { $0.action = $0.action == .adopt ? .idle : .adopt }),
        ("another owner", { $0.owner = $0.owner == nil ? .dkms : nil }),
        ("another driver removed", { $0.takesOver = $0.takesOver == nil ? .dkms : nil }),
        ("another need of a fabric manager", { $0.fabricManager?.isNeeded.toggle() }),
        ("another platform", { $0.platform = "elsewhere" }),
        ("another reason", { $0.reason = $0.reason == nil ? .noGPU : nil }),
        ("no problem", { $0.problems = [] }),
        (
            "a further problem",
            { $0.problems.append(Finding(.diskSpace, observed: "o", expected: "e", remedy: "r")) }
        ),
    ]
}

extension DriverTarget {
    fileprivate func with(kind: DriverKind? = nil, kernelModuleType: KernelModuleType? = nil) -> DriverTarget {
        DriverTarget(
            kind: kind ?? self.kind,
            version: version,
            kernelModuleType: kernelModuleType ?? self.kernelModuleType,
            artifact: artifact
        )
    }
}

extension Situation: CustomTestStringConvertible {
    var testDescription: String { name }

    /// The decision, as text for a failed test.
    func printed(_ catalog: Result<Catalog, any Error>) -> String {
        (try? catalog.get()).map { decide($0).everyWord } ?? ""
    }
}
