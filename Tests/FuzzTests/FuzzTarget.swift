import Catalog
import Selection
import TestSupport

/// The fuzz targets: code that reads bytes from other programs.
///
/// `scripts/fuzz` runs the targets with libFuzzer. `FuzzCorpusTests` runs them with the files of `Corpus`.
enum FuzzTarget: String, CaseIterable {
    case configurationSpace = "configuration-space"
    case document
    case downloadAnswer = "download-answer"
    case jobRecord = "job-record"
    case journal
    case kernelLog = "kernel-log"
    case published
    case vendorAnswer = "vendor-answer"
    case vendorStream = "vendor-stream"
    case vgpuName = "vgpu-name"
    case watchEvent = "watch-event"

    /// Returns the broken properties for these bytes, as text.
    ///
    /// The caller detects a trap or a hang.
    func broken(by bytes: [UInt8]) -> [String] {
        var properties = Properties()
        switch self {
        case .configurationSpace: properties.checkConfigurationSpace(bytes)
        case .document: properties.checkDocument(bytes)
        case .downloadAnswer: properties.checkDownloadAnswer(String(decoding: bytes, as: UTF8.self))
        case .jobRecord: properties.checkJobRecord(bytes)
        case .journal: properties.checkJournal(bytes)
        case .kernelLog: properties.checkKernelLog(bytes)
        case .published: properties.checkPublished(bytes)
        case .vendorAnswer: properties.checkVendorAnswer(bytes)
        case .vendorStream: properties.checkVendorStream(bytes)
        case .vgpuName: properties.checkName(String(decoding: bytes, as: UTF8.self))
        case .watchEvent: properties.checkWatchEvent(bytes)
        }
        return properties.broken
    }
}

/// Collects the broken properties.
struct Properties {
    private(set) var broken: [String] = []

    mutating func expect(_ holds: Bool, _ property: @autoclosure () -> String) {
        if !holds { broken.append(property()) }
    }
}

extension Properties {
    /// Checks the rules that hold for every decision.
    mutating func checkDecision(_ decision: Decision, _ catalog: Catalog) {
        expect(!decision.summary.isEmpty, "a decision says what it is: \(decision)")
        expect((decision.action == .blocked) == !decision.problems.isEmpty, "who blocks says why: \(decision)")
        guard decision.action == .install else { return }
        let driver = decision.driver
        expect(driver?.artifact?.digest != nil, "what is installed has a checksum: \(decision)")
        let entry = catalog.drivers.first { $0.artifact == driver?.artifact && $0.version == driver?.version }
        let offered =
            entry.map { entry in driver.map { entry.kernelModuleTypes.contains($0.kernelModuleType) } ?? false }
            ?? false
        expect(offered, "what is installed stands in the catalog, with its kernelModuleType: \(decision)")
    }
}
