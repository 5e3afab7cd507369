import Testing

@testable import VendorProbe

/// The names of profiles that a driver does not tell, for the GPUs with MIG that branch 470 supports.
@Suite struct MIGProfileRuleTests {
    /// A profile of a GPU, as NVML describes it, and its name in NVIDIA's MIG user guide.
    typealias Row = (totalMiB: Int, number: UInt32, slices: Int, memoryMiB: Int, name: String?)

    @Test(
        arguments: [
            // A100 with 40 GB; 470 and 525 report slightly different sizes.
            (40536, 0, 1, 4864, "1g.5gb"), (40536, 1, 2, 9984, "2g.10gb"), (40960, 1, 2, 9856, "2g.10gb"),
            (40536, 2, 3, 20096, "3g.20gb"), (40536, 3, 4, 20096, "4g.20gb"), (40536, 4, 7, 40192, "7g.40gb"),
            (40536, 7, 1, 4864, "1g.5gb+me"), (40536, 9, 1, 9984, "1g.10gb"),
            // A100 with 80 GB.
            (81251, 0, 1, 9728, "1g.10gb"), (81251, 1, 2, 19968, "2g.20gb"), (81251, 2, 3, 40448, "3g.40gb"),
            (81251, 3, 4, 40448, "4g.40gb"), (81251, 4, 7, 80896, "7g.80gb"), (81251, 7, 1, 9728, "1g.10gb+me"),
            (81251, 9, 1, 19968, "1g.20gb"),
            // A30.
            (24258, 0, 1, 5952, "1g.6gb"), (24258, 1, 2, 12032, "2g.12gb"), (24258, 3, 4, 24192, "4g.24gb"),
            (24258, 7, 1, 5952, "1g.6gb+me"), (24258, 8, 2, 12032, "2g.12gb+me"),
            // What cannot be named.
            (40536, 10, 1, 4864, nil), (40536, 0, 0, 4864, nil), (40536, 0, 1, 0, nil), (0, 0, 1, 4864, nil),
            (4864, 0, 1, 40536, nil),
        ] as [Row]
    )
    func nameOfAProfile(_ row: Row) {
        let rule = MIGProfileRule(number: row.number, slices: row.slices, memoryMiB: row.memoryMiB)
        #expect(rule.name(totalMiB: row.totalMiB) == row.name)
    }
}
