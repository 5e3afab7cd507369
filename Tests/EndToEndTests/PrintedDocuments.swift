import NodeModel

/// The output of `status -o json`, decoded without the agent's types.
struct PrintedStatus: Decodable {
    struct Step: Decodable {
        var step: String
        var state: String
    }

    struct Driver: Decodable {
        var loaded: Bool
        var sources: [Source]
    }

    struct Source: Decodable, Equatable {
        var name: String
        var version: String
    }

    var verdict: String
    var reason: String?
    var nextAction: String
    var decision: PrintedDecision
    var gpus: [PrintedGPU]
    var driver: Driver
    var findings: [PrintedFinding]
    var lastInstall: [Step]
    var lastInstallPlan: [String]?
    var inspectedByDaemonAt: String?
    var lastResults: LastResults?

    struct LastResults: Decodable, Equatable {
        var at: String
        var verdict: String
        var reason: String?
    }
}

struct PrintedDecision: Decodable {
    struct Driver: Decodable, Equatable {
        var kind: String
        var version: String
        var kernelModuleType: String
    }

    var action: String
    var owner: String?
    var driver: Driver?
    var problems: [PrintedProblem]
}

struct PrintedGPU: Decodable, Equatable {
    struct MIGDevice: Decodable, Equatable {
        var uuid: String
        var profile: String
        var memoryMiB: Int
    }

    var pciAddress: String
    var pciId: String
    var subsystemId: String?
    var uuid: String?
    var migMode: String?
    var migDevices: [MIGDevice]
}

struct PrintedFinding: Decodable, Equatable {
    var code: String
    var state: String
    var observed: String
    var expected: String
    var remedy: String
}

struct PrintedProblem: Decodable {
    var code: String
    var observed: String
    var remedy: String
}

/// The output of `plan -o json`.
struct PrintedPlan: Decodable {
    struct Step: Decodable {
        var id: String
    }

    var decision: PrintedDecision
    var steps: [Step]
    var problems: [PrintedProblem]
}

/// The output of `validate -o json`.
struct PrintedValidation: Decodable {
    var success: Bool
    var verdict: String
    var reason: String?
    var checks: [PrintedFinding]
}

/// A line of the download server's log.
struct PrintedRequest: Decodable {
    var path: String
    var range: String?
    var ifRange: String?
    var status: Int
    var bytes: Int
    var complete: Bool
}
