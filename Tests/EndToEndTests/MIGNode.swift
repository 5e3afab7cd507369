import FoundationEssentials
import TestSupport
import Testing

/// What `gpu-agent mig` prints with `-o json`.
struct PrintedMIG: Decodable {
    struct GPU: Decodable {
        var current: String
        var outcome: String
        var why: String?
        var failure: String?
        var users: [User]?
    }

    struct User: Decodable { var pid: Int }

    var kind: String
    var state: String
    var problems: [String]
    var gpus: [GPU]
}

/// The record of the layout on the host.
struct MIGRecord: Decodable {
    struct GPU: Decodable {
        var uuid: String
        var layout: String
        var state: String
    }

    var gpus: [GPU]
}

/// The layouts and the profiles of the tests about MIG.
enum MIGLayouts {
    static let config = """
        version: v1
        mig-configs:
          off:
            - devices: all
              mig-enabled: false
          balanced:
            - device-filter: "0x232110DE"
              devices: all
              mig-enabled: true
              mig-devices: {"1g.12gb": 2, "2g.24gb": 1, "3g.47gb": 1}
          uniform:
            - devices: all
              mig-enabled: true
              mig-devices: {"1g.12gb": 7}
          shared:
            - devices: [0]
              mig-enabled: true
              mig-devices: {"1c.3g.47gb": 3, "3g.47gb": 1}
          too-much:
            - devices: [0]
              mig-enabled: true
              mig-devices: {"3g.47gb": 2, "1g.12gb": 1}
          first:
            - devices: [0]
              mig-enabled: true
              mig-devices: {"1g.12gb": 7}
          second:
            - devices: [1]
              mig-enabled: true
              mig-devices: {"3g.47gb": 2}

        """

    /// The profiles of the GPU with this number.
    static func profiles(_ gpu: Int) -> String { profiles.replacing("profile 0", with: "profile \(gpu)") }

    private static let profiles = """
        profile 0 number=0 id=19 name=1g.12gb slices=1 instances=7 sm=16 memoryMiB=11008 decoders=1 places=0,1,2,3,4,5,6:1
        profile 0 number=1 id=14 name=2g.24gb slices=2 instances=3 sm=32 memoryMiB=22144 decoders=2 places=0,2,4:2
        profile 0 number=2 id=9 name=3g.47gb slices=3 instances=2 sm=60 memoryMiB=46848 decoders=3 places=0,4:4
        profile 0 number=3 id=5 name=4g.47gb slices=4 instances=1 sm=64 memoryMiB=46848 decoders=4 places=0:4
        profile 0 number=4 id=0 name=7g.94gb slices=7 instances=1 sm=132 memoryMiB=95000 decoders=7 ofa=1 places=0:8

        """
}

extension SimulatedNode {
    /// Replaces the hardware file: the GPUs with other words, their profiles, and more lines.
    func setMIGHardware(_ words: String = "", _ more: String = "") throws {
        let lines = try #require(text("/etc/gpu-sim/hardware")).split(separator: "\n")
        let gpus = lines.filter { $0.hasPrefix("gpu ") }
        var hardware = ""
        for (number, gpu) in gpus.enumerated() {
            let end = try #require(gpu.firstRange(of: "mig=off")).upperBound
            hardware += "\(gpu[..<end]) \(words)\n\(MIGLayouts.profiles(number))"
        }
        hardware += more
        try hardware.write(toFile: path("/etc/gpu-sim/hardware"), atomically: false, encoding: .utf8)
    }

    /// Runs `gpu-agent mig`, and returns what it printed with its exit status.
    func mig(_ command: String, _ layout: String? = nil) async throws -> (PrintedMIG, Int) {
        try directory.write("mig.yaml", MIGLayouts.config)
        let options = layout.map { ["--config", directory.path("mig.yaml"), "--selected", $0] } ?? []
        let host = ["--host-pid", "\(pid)", "-o", "json"]
        let run = try await runProgram([Programs.agent, "mig", command] + options + host)
        return (try run.decoded(), run.exitCode ?? -1)
    }

    /// The record of each GPU on the host.
    func migRecord() throws -> [MIGRecord.GPU] {
        let record = try #require(text("/var/lib/gpu-agent/mig-layout.json"))
        return try JSONDecoder().decode(MIGRecord.self, from: Data(record.utf8)).gpus
    }

    /// Makes the record one of an earlier boot, and removes the MIG devices, as a reboot does.
    func loseMIGLayout() async throws {
        try await run(["rm", "/etc/gpu-sim/mig-layout"])
        let file = "/var/lib/gpu-agent/mig-layout.json"
        let record = try #require(text(file)).replacing(/"bootID":"[^"]*"/, with: #""bootID":"earlier""#)
        #expect(record.contains("earlier"))
        try record.write(toFile: path(file), atomically: false, encoding: .utf8)
    }
}
