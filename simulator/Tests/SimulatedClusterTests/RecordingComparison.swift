import FoundationEssentials

@testable import SimulatedCluster

extension Recording {
    /// The groups whose objects are compared as a whole, but for the defaults of pods, which only the real server makes.
    private static let workloads: Set<String> = ["pods", "eviction", "lease", "resourceslice", "configmap"]

    /// How an answer differs from the recorded one where it matters; nil when it does not.
    ///
    /// The controllers of the real cluster changed the Node too, so of a Node, only the labels, the conditions of the
    /// requests and their field managers are compared.
    func difference(_ answer: APIAnswer) async -> String? {
        guard answer.status == status else {
            return "status \(answer.status), recorded \(status): \(Self.text(answer.body).prefix(300))"
        }
        if case .watch(let plan) = answer.body, Self.workloads.contains(group) {
            return differing("events", await Self.events(plan), self.answer) { events in
                (events?.array ?? []).map { "\(Self.normal($0["type"])) \(objectText($0["object"]))" }
                    .joined(separator: "\n")
            }
        }
        guard case .json(let json) = answer.body else { return nil }
        if status >= 400 {
            let (found, recorded) = (Self.ordered(json), Self.ordered(self.answer))
            for member in ["message", "reason", "details"] {
                if let text = differing(member, found[member], recorded[member], Self.normal) { return text }
            }
            return nil
        }
        return successDifference(json)
    }

    private func successDifference(_ json: JSON) -> String? {
        if answer["kind"] == "Table" {
            for path in [["columnDefinitions"], ["rows"]] {
                if let text = differing(path[0], json, answer, { Self.rows($0, path) }) { return text }
            }
        }
        if answer["kind"] == "SelfSubjectAccessReview",
            let text = differing("status", json["status"], answer["status"], Self.normal)
        {
            return text
        }
        for path in [["kind"], ["apiVersion"], ["metadata", "labels"]] {
            let title = path.joined(separator: ".")
            if let text = differing(title, json[path: path], answer[path: path], Self.normal) { return text }
        }
        if Self.workloads.contains(group) {
            return differing("object", json, answer, objectText)
                ?? differing("list", json, answer, listText)
                ?? differing("fields", json, answer, fieldsText)
        }
        return differing("conditions", json, answer, Self.conditions)
            ?? differing("fields of gpu-agent", json, answer) { Self.owned($0, "gpu-agent") }
            ?? differing("fields of other", json, answer) { Self.owned($0, "other") }
    }

    private func differing(_ title: String, _ found: JSON?, _ recorded: JSON?, _ text: (JSON?) -> String) -> String? {
        let (found, recorded) = (text(found), text(recorded))
        return found == recorded ? nil : "\(title): \(found)\nrecorded: \(recorded)"
    }
}

// The parts of an answer as text
extension Recording {
    /// The events of a watch until the server ends it.
    private static func events(_ plan: WatchPlan) async -> JSON {
        var session = await plan.open()
        var events: [JSON] = []
        for await signal in session.signals {
            if let event = session.event(for: signal) { events.append(event) }
        }
        return .array(events)
    }

    /// The members of an object that the recorder wrote, and those that the server adds to a budget.
    private func objectText(_ object: JSON?) -> String {
        var paths = [["kind"], ["metadata", "namespace"], ["metadata", "name"], ["metadata", "labels"], ["data"]]
        if group != "pods" { paths += [["spec"], ["status"]] }
        return paths.map { Self.normal(object?[path: $0]) }.joined(separator: " ")
    }

    private func listText(_ list: JSON?) -> String {
        let isPage = list?[path: ["metadata", "continue"]] != nil
        return (list?["items"]?.array ?? []).map(objectText).joined(separator: "\n") + (isPage ? "\nmore" : "")
    }

    private func fieldsText(_ object: JSON?) -> String { group == "pods" ? "" : Self.owned(object, "difftest") }

    /// A failure with its problems of labels in one order, because the real server goes through a Go map.
    private static func ordered(_ failure: JSON) -> JSON {
        let causes = failure[path: ["details", "causes"]]?.array ?? []
        guard causes.count > 1, causes.allSatisfy({ $0["field"] == "metadata.labels" }),
            let message = failure["message"]?.string, let list = message.firstRange(of: "is invalid: [")
        else { return failure }
        func line(_ cause: JSON) -> String { "metadata.labels: \(cause["message"]?.string ?? "")" }
        let lines = Set(causes.map(line)).sorted()
        var ordered = failure
        ordered["details"]?["causes"] = .array(causes.sorted { line($0) < line($1) })
        let length = message[list.upperBound...].count
        let isComplete = lines.allSatisfy(message.contains) && length == lines.joined(separator: ", ").count + 1
        ordered["message"] = .string(isComplete ? message[..<list.upperBound] + lines.joined(separator: ", ") : message)
        return ordered
    }

    /// The part of a table at a path; of the rows, the cells and the labels of the objects.
    private static func rows(_ table: JSON?, _ path: [String]) -> String {
        guard path == ["rows"] else { return normal(table?[path: path]) }
        return (table?["rows"]?.array ?? []).map { row in
            "\(normal(row["cells"])) \(normal(row[path: ["object", "kind"]])) "
                + normal(row[path: ["object", "metadata", "labels"]])
        }.joined(separator: "\n")
    }

    private static func owned(_ object: JSON?, _ manager: String) -> String {
        let entries = object?[path: ["metadata", "managedFields"]]?.array ?? []
        return entries.filter { $0["manager"]?.string == manager }.map { entry in
            let subresource = entry["subresource"]?.string ?? "-"
            return "\(entry["operation"]?.string ?? "") \(subresource) \(normal(entry["fieldsV1"]))"
        }.sorted().joined(separator: "; ")
    }

    /// The conditions of a Node, without those of the controllers.
    private static func conditions(_ object: JSON?) -> String {
        let all = object?[path: ["status", "conditions"]]?.array ?? []
        return all.filter { ["GPUReady", "GPUHealthy", "X"].contains($0["type"]?.string ?? "") }.map { condition in
            ["type", "status", "reason", "message"].map { condition[$0]?.string ?? "" }.joined(separator: " ")
        }.sorted().joined(separator: "; ")
    }

    static func text(_ body: APIAnswer.Body) -> String {
        switch body {
        case .json(let json): normal(json)
        case .text(let text): text
        case .watch: "a watch"
        case .dropped: "dropped"
        }
    }

    /// A value as text, without what is different in each run.
    private static func normal(_ json: JSON?) -> String {
        guard let json, let data = try? json.data() else { return "nothing" }
        return String(decoding: data, as: UTF8.self)
            .replacing("11111111-1111-1111-1111-111111111111", with: "<uuid>")
            .replacing(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/, with: "<uid>")
            .replacing(/Invalid value: \\"\{.*\}\\":/, with: "Invalid value: <object>:")
            .replacing(/in record \([0-9]+\)/, with: "in record <rv>")
            .replacing(/20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z/, with: "<time>")
    }
}
