import CoreSupport
import FoundationEssentials
import NodeModel
import Reporting
import Support
import TestSupport
import Testing

@testable import Agent

/// What `scripts/real-gpu` recorded on machines with a real GPU, in `Tests/Hardware`: today's agent must conclude the same
/// from the same facts.
@Suite struct HardwareRecordingTests {
    /// The names of the recordings; none until somebody has run the script on such a machine.
    private static let names: [String] = {
        let entries = (try? FileManager.default.contentsOfDirectory(atPath: fixture("../Hardware"))) ?? []
        return entries.filter { FileManager.default.fileExists(atPath: fixture("../Hardware/\($0)/manifest.json")) }
            .sorted()
    }()

    @Test(arguments: names)
    func isConcludedAgain(_ name: String) throws {
        #expect(try HardwareRecording(path: fixture("../Hardware/\(name)")).problems() == [])
    }

    /// The facts of a real H200, with what the agent concludes from them, as a recording.
    private func recording() throws -> TemporaryDirectory {
        let directory = try TemporaryDirectory()
        let facts = try String(contentsOfFile: fixture("../HealthTests/Fixtures/h200-in-a-vm.json"), encoding: .utf8)
        let redacted = facts.replacing("2f2b2d45", with: "00000001").replacing("31d6be41", with: "00000002")
        try directory.write("facts.json", redacted)
        let view = try HardwareRecording(path: directory.path).view()
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let labels = try encoder.encode(LabelsDocument(view.publication))
        try directory.write("labels.json", String(decoding: labels, as: UTF8.self))
        try directory.write("status.json", #"{"verdict": "ready"}"#)
        try directory.write(
            "manifest.json",
            #"{"kind": "GPURecording", "formatVersion": 1, "hardware": ["NVIDIA H200"], "driver": "580.159.04"}"#
        )
        return directory
    }

    @Test func aRecordingHasNoProblem() throws {
        let directory = try recording()
        #expect(try HardwareRecording(path: directory.path).problems() == [])
    }

    /// A change of one file of the recording, and the beginning of the problem.
    @Test(arguments: [
        ("labels.json", "gpu.count\":\"1\"", "gpu.count\":\"2\"", "label nvidia.com/gpu.count"),
        ("labels.json", "\"nvidia.com/gpu.count\":\"1\",", "", "label nvidia.com/gpu.count"),
        ("status.json", "ready", "degraded", "verdict"),
        ("manifest.json", "NVIDIA H200", "NVIDIA H100", "hardware"),
        ("manifest.json", "580.159.04", "580.1", "driver"),
        ("manifest.json", "GPURecording", "Labels", "manifest.json is no recording"),
        ("facts.json", "GPU-00000001-0000-4000-8000", "GPU-00000001-0000-4000-8001", "facts.json has a UUID"),
    ])
    func aChangeIsFound(_ file: String, _ old: String, _ new: String, _ problem: String) throws {
        let directory = try recording()
        let text = try directory.text(file)
        try #require(text.contains(old))
        try directory.write(file, text.replacing(old, with: new))
        let problems = try HardwareRecording(path: directory.path).problems()
        #expect(problems.count == 1 && problems.first?.hasPrefix(problem) == true, "\(problems)")
    }
}

/// A directory that `scripts/real-gpu` wrote.
private struct HardwareRecording {
    var path: String

    private func document(_ name: String) throws -> JSONValue {
        try JSONValue(parsing: Data(contentsOf: URL(filePath: "\(path)/\(name)")))
    }

    /// What the agent concludes from the recorded facts, with the configuration of the script: the default.
    func view() throws -> NodeView {
        let setup = Setup(catalog: try repositoryCatalog(), policy: Policy())
        return NodeView(setup, facts: try FactsFile.read("\(path)/facts.json"), journal: nil)
    }

    /// In what the recording differs from what the agent concludes, and what it tells about the machine.
    func problems() throws -> [String] {
        let (manifest, view) = (try document("manifest.json"), try view())
        guard manifest["kind"]?.string == "GPURecording", manifest["formatVersion"]?.int == 1 else {
            return ["manifest.json is no recording of version 1"]
        }
        let (nvml, verdict) = (view.facts.vendor.value?.nvml.value, try document("status.json")["verdict"]?.string)
        var problems: [String] = []
        func compare(_ name: String, _ recorded: String?, _ now: String?) {
            guard recorded != now else { return }
            problems.append("\(name): recorded \(recorded ?? "nothing"), now \(now ?? "nothing")")
        }
        let hardware = manifest["hardware"]?.array?.map { $0.string ?? "?" } ?? []
        let names = (nvml?.gpus ?? []).map { $0.name.value ?? "?" }
        compare("hardware", hardware.joined(separator: ", "), names.joined(separator: ", "))
        compare("driver", manifest["driver"]?.string, nvml?.driverVersion)
        compare("verdict", verdict, view.report.verdict.rawValue)
        let (recorded, now) = (try document("labels.json")["labels"]?.object ?? [:], view.publication.labels)
        for key in Set(recorded.keys).union(now.keys).sorted() {
            compare("label \(key)", recorded[key]?.string, now[key])
        }
        return try problems + unredacted()
    }

    /// The files with a UUID that the script did not make.
    private func unredacted() throws -> [String] {
        let uuid = /[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}/
        return try FileManager.default.contentsOfDirectory(atPath: path).sorted().filter { name in
            let text = try String(contentsOfFile: "\(path)/\(name)", encoding: .utf8)
            return text.matches(of: uuid).contains { !$0.output.hasSuffix("-0000-4000-8000-000000000000") }
        }
        .map { "\($0) has a UUID that is not redacted" }
    }
}
