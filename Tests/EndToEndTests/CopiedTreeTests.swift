import Glibc
import NodeModel
import TestSupport
import Testing

/// The agent accepts a directory tree that was copied from a node instead of the node.
@Suite(.onSimulatedNodes, .timeLimit(.minutes(10)))
struct CopiedTreeTests {
    /// A person's first command on a node, without root and without an option.
    ///
    /// The program finds the catalog beside itself, says what it does not read, and still exits 0.
    @Test func showsWhatAUserWithoutRootCanSee() async throws {
        let nobody = try Nobody()
        let status = try await nobody.agent("status", [])
        status.expectExit(0)
        #expect(status.errors.contains("without root, status reads only the files that this user can read"))
        #expect(status.output.contains("→ "))
        let list = try await nobody.agent("catalog", ["list"])
        list.expectExit(0)
        #expect(list.output.contains("datacenter-"))
        // A command that decides about the host does not fall back to another directory.
        let plan = try await nobody.agent("validate", [])
        plan.expectExit(5)
        #expect(plan.errors.contains("host-unreachable"))
    }

    @Test func answersWithoutRoot() async throws {
        try await SimulatedNode.with { node in
            try await node.agent("install").expectExit(0)
            let tree = try await copy(of: node)
            let place = ["--host-pid", "none", "--host-root", tree.path]

            let nobody = try Nobody()
            let facts = try await nobody.agent("facts", ["-o", "json"] + place)
            facts.expectExit(0)
            var known = try facts.decoded(as: NodeFacts.self)
            let there = try await node.agent("facts", ["-o", "json"]).decoded(as: NodeFacts.self)
            guard case .skipped = known.vendor else {
                Issue.record("vendor libraries are \(known.vendor), not skipped")
                return
            }
            // The GPUs of the driver in /proc are not a part of the copy.
            #expect(known.driver.surroundings?.missingNodes == nil && there.driver.surroundings?.missingNodes == [])
            known.driver.surroundings?.missingNodes = []
            // Neither are its processes, its units and its users.
            #expect(known.driver.surroundings?.program(.licenseDaemon)?.isRunning == nil)
            #expect(there.driver.surroundings?.program(.licenseDaemon)?.isRunning == false)
            known.driver.surroundings?.programs = there.driver.surroundings?.programs
            known.driver.surroundings?.hasPersistenceUser = there.driver.surroundings?.hasPersistenceUser
            // A copied directory has another number.
            known.driver.moduleLoad = there.driver.moduleLoad
            #expect(known.driver == there.driver)
            // The mount table of the node is not a part of the copy.
            #expect(known.host.usrIsReadOnly.isAbsent && there.host.usrIsReadOnly == .present(false))
            known.host.usrIsReadOnly = there.host.usrIsReadOnly
            #expect(known.host == there.host)
            #expect(known.pci == there.pci)

            let commands = ["plan", "labels", "status"]
            var printed: [String: Finished] = [:]
            for command in commands {
                printed[command] = try await nobody.agent(
                    command,
                    ["-o", "json"] + place + nobody.choice(on: node)
                )
                printed[command]?.expectExit(0)
            }
            let plan = try #require(try printed["plan"]?.decoded(as: PrintedPlan.self))
            #expect(plan.decision.action == "adopt")
            #expect(plan.decision.driver == .init(kind: "grid", version: "595.91.07", kernelModuleType: "open"))
            #expect(plan.steps.isEmpty)
            let status = try #require(try printed["status"]?.decoded(as: PrintedStatus.self))
            #expect(status.verdict == "unknown")
            let finding = try #require(status.findings.first { $0.code == "nvml-unavailable" })
            #expect(finding.state == "skipped")
            #expect(finding.observed.contains("--host-pid"))
            #expect(printed["labels"]?.output.contains("gpu-agent.dev/") == true)
            for command in ["facts"] + commands {
                let choice = command == "facts" ? [] : nobody.choice(on: node)
                let text = try await nobody.agent(command, place + choice)
                text.expectExit(0)
                #expect(!text.output.isEmpty)
            }
        }
    }

    @Test func isNeverWrittenTo() async throws {
        try await SimulatedNode.with { node in
            let tree = try await copy(of: node)
            let place = ["--host-pid", "none", "--host-root", tree.path]
            let before = try await listing(tree)
            for command in ["plan", "labels", "status", "validate", "install"] {
                let run = try await runProgram([Programs.agent, command] + place + node.choice)
                #expect(run.exitCode != nil)
                if command == "install" {
                    run.expectExit(5)
                    #expect(run.errors.contains("host-unreachable"))
                }
            }
            try await runProgram([Programs.agent, "facts"] + place).expectExit(0)
            expectSame(try await listing(tree), before)
            #expect(try node.requests().isEmpty)
        }
    }

    /// Copies the few necessary paths, as a user does for a support request.
    private func copy(of node: SimulatedNode) async throws -> TemporaryDirectory {
        let tree = try TemporaryDirectory()
        chmod(tree.path, 0o755)
        let script = """
            cd "$1" || exit 1
            for path in sys etc/os-release proc/sys/kernel/osrelease proc/sys/kernel/arch proc/driver \
                proc/sys/kernel/random/boot_id proc/cpuinfo usr/bin/nvidia-gridd usr/lib/*/libnvidia-* \
                usr/lib/*/libcuda* usr/bin/cc usr/bin/make usr/lib/modules usr/src/linux-headers-* var/lib/gpu-agent dev/nvidia*; do
                [ ! -e "$path" ] || cp -a --parents "$path" "$2" || exit 1
            done
            ln -s usr/lib "$2/lib"
            # The journal is root's alone: whoever gives a copy away makes it readable.
            [ ! -e "$2/var" ] || chmod -R a+rX "$2/var"
            """
        try await succeed(["sh", "-c", script, "copy", node.path(""), tree.path])
        return tree
    }

    private func listing(_ tree: TemporaryDirectory) async throws -> [String] {
        try await succeed(["find", tree.path, "-printf", "%y %m %p %l %s %T@ %C@\\n"]).output
            .split(separator: "\n").map(String.init).sorted()
    }
}
