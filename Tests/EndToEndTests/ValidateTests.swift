import NodeModel
import TestSupport
import Testing

/// The exit codes of `validate`, which pipelines depend on.
@Suite(.onSimulatedNodes, .timeLimit(.minutes(10)))
struct ValidateTests {
    @Test func tellsAGoodNodeFromABadAndFromOneInBetween() async throws {
        try await SimulatedNode.with(set: ["installer-slow=2"]) { node in
            let bad = try await node.agent("validate", ["-o", "json"])
            bad.expectExit(1)
            let report = try bad.decoded(as: PrintedValidation.self)
            #expect(!report.success)
            #expect(report.verdict == "not-ready")
            #expect(report.reason == "driver-missing")

            let install = try await node.agent("install") { _ in
                try await until("the installer runs") { node.exists(HostLayout.installerLog) }
                for wait in [[], ["--wait", "1s"]] {
                    let early = try await node.agent("validate", ["-o", "json"] + wait)
                    early.expectExit(3)
                    #expect(try early.decoded(as: PrintedValidation.self).verdict == "installing")
                }
                let waited = try await node.agent("validate", ["-o", "json", "--wait", "90s"])
                waited.expectExit(0)
                let report = try waited.decoded(as: PrintedValidation.self)
                #expect(report.success)
                #expect(report.verdict == "ready")
                #expect(report.checks.allSatisfy { ["pass", "notice", "notApplicable"].contains($0.state) })
            }
            install.expectExit(0)
            try await node.agent("validate").expectExit(0)

            let blind = ["--host-pid", "none", "--host-root", node.path("")]
            let unknown = try await runProgram([Programs.agent, "validate", "-o", "json"] + blind + node.choice)
            unknown.expectExit(5)
            #expect(try unknown.decoded(as: PrintedValidation.self).verdict == "unknown")
        }
    }

    @Test func aHostThatCannotBeReachedIsNoOtherHost() async throws {
        let choice = ["--catalog-directory", Programs.catalog]
        for command in ["status", "validate", "plan", "labels", "install"] {
            let run = try await runProgram([Programs.agent, command, "--host-pid", "4194305"] + choice)
            run.expectExit(5)
            #expect(run.output == "" && run.errors.contains("host-unreachable"), "\(run)")
        }
    }

    @Test func wrongUseEndsWithTwo() async throws {
        for arguments in [
            ["validate", "--bogus"], ["run", "--interval", "0s"], ["status", "--host-pid", "x"],
            ["run", "--api-server", "foo", "--ca-file", "a", "--token-file", "b"],
        ] {
            let run = try await runProgram([Programs.agent] + arguments)
            run.expectExit(2)
            #expect(run.output == "" && run.errors.contains("Usage: gpu-agent"), "\(run)")
        }
    }

    @Test func tellsANodeWithoutAGPU() async throws {
        try await SimulatedNode.with("no-gpu") { node in
            let validation = try await node.agent("validate", ["-o", "json"])
            validation.expectExit(4)
            #expect(try validation.decoded(as: PrintedValidation.self).verdict == "no-gpu")
            let allowed = try await node.agent("validate", ["--allow-no-gpu", "-o", "json"])
            allowed.expectExit(0)
            #expect(try allowed.decoded(as: PrintedValidation.self).success)
        }
    }

    @Test func namesEveryProblemOfEveryCatalogWithItsPlace() async throws {
        try await SimulatedNode.with("no-gpu") { node in
            try node.directory.write(
                "wrong.yaml",
                """
                apiVersion: gpu-agent/v1
                kind: DriverCatalog
                gpus:
                  - id: 10de-2bb5
                    name: A GPU
                    architecture: blackwell
                    kernelModuleTypes: [open, closed]
                drivers:
                  - version: newest
                    kind: grid
                    color: blue

                """
            )
            try node.directory.write("broken.yaml", "apiVersion: gpu-agent/v1\nkind: [DriverCatalog\n")
            try node.directory.write("last.yaml", "apiVersion: gpu-agent/v9\nkind: DriverCatalog\n")
            let (wrong, broken) = (node.directory.path("wrong.yaml"), node.directory.path("broken.yaml"))
            let last = node.directory.path("last.yaml")
            let catalogs = [wrong, broken, last].flatMap { ["--catalog", $0] }
            let run = try await node.agent("validate", catalogs)
            run.expectExit(2)
            #expect(run.output == "")
            let places = ["\(wrong):4:9: ", "\(wrong):7:31: ", "\(wrong):9:14: ", "\(wrong):11:5: ", "\(last):1:13: "]
            for place in places { #expect(run.errors.contains(place), "\(place) is not in \(run.errors)") }
            #expect(run.errors.contains("\(broken):"))
        }
    }

    @Test func tellsThatTheHostCannotBeReached() async throws {
        let nowhere = ["--host-pid", "none", "--host-root", "/nonexistent", "--catalog-directory", Programs.catalog]
        let run = try await runProgram([Programs.agent, "validate"] + nowhere)
        run.expectExit(5)
        #expect(run.errors.contains("host-unreachable"))
    }
}
