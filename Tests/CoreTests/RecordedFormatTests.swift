import FoundationEssentials
import NodeModel
import Support
import TestSupport
import Testing

/// Files and output of the first version, as far as this version has a type that reads them.
@Suite struct RecordedFormatTests {
    private static func recorded(_ name: String) throws -> JSONValue {
        let path = fixture("../Formats/v1-0.1/\(name).json")
        return try EarlierNames.upgraded(JSONValue(parsing: Data(contentsOf: URL(filePath: path))))
    }

    private static func decoded<Value: Decodable>(_ type: Value.Type, _ document: JSONValue?) throws -> Value {
        try JSONDecoder().decode(type, from: #require(document).data())
    }

    @Test func readsWhatWasPublished() throws {
        let state = try Self.decoded(PublishedState.self, Self.recorded("published"))
        #expect(state.node == "gpu-node-1" && state.tainted == false && state.ownerLabels == [:])
        #expect(state.at?.description == "2026-11-27T04:10:30.251Z")
        #expect(state.labels.count == 33 && state.labels["gpu-agent.dev/verdict"] == "ready")
        #expect(state.conditions == nil && state.failure == nil && state.contested == nil)
        let labels = try Self.decoded([String: String].self, Self.recorded("labels")["labels"])
        #expect(state.labels == labels, "the daemon published what `labels` prints")
    }

    @Test func readsTheActivity() throws {
        let activity = try Self.decoded(Activity.self, Self.recorded("activity"))
        #expect(activity.kind == .step && activity.subject == "download NVIDIA-Linux-x86_64-595.91.07-grid-azure.run")
        #expect(activity.since.description == "2026-11-27T04:10:25.588Z" && activity.until == nil)
        #expect(activity.receivedBytes == 1_048_576 && activity.totalBytes == 4_194_304)
        #expect(activity.lastLine == nil)
    }

    @Test func readsTheFindingsAndTheSteps() throws {
        let validation = try Self.recorded("validate")
        let checks = try Self.decoded([Finding].self, validation["checks"])
        #expect(checks.first?.code == .driverVersionSplit && checks.first?.observed == "595.91.07")
        #expect(!checks.isEmpty && checks.allSatisfy { $0.state == .pass || $0.state == .notApplicable })
        #expect(try Self.decoded(Verdict.self, validation["verdict"]) == .ready)

        let status = try Self.recorded("status")
        #expect(try Self.decoded(Verdict.self, status["verdict"]) == .ready)
        #expect(try Self.decoded([Finding].self, status["findings"]).count == checks.count)
        let steps = try Self.decoded([StepRecord].self, status["lastInstall"])
        #expect(steps.map(\.step) == [.begin, .download, .install, .load, .verify, .finish])
        #expect(try Self.decoded(PublishedState.self, status["published"]).node == "gpu-node-1")
    }
}
