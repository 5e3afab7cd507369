import ClusterSupport
import FoundationEssentials
import Glibc
import Kubernetes
import NodeModel
import Planning
import SimulatedCluster
import TestSupport
import Testing

/// The license of a GRID driver on simulated nodes with stand-ins for systemd and `nvidia-gridd`.
@Suite(.onSimulatedNodes, .timeLimit(.minutes(10)))
struct LicenseTests {
    private static let marker = "MARKERtoken5f8a"
    private static let token = "\(marker).payload.signature\n"

    /// Writes the token and a configuration that names it, and returns the options of the agent.
    private func configure(_ directory: TemporaryDirectory, _ token: String?, feature: Int = 1) throws -> [String] {
        if let token { try directory.write("token.tok", token) } else { unlink(directory.path("token.tok")) }
        let license = "license: {tokenFile: \(directory.path("token.tok")), featureType: \(feature)}"
        try directory.write("config.yaml", "apiVersion: gpu-agent/v1\nkind: AgentConfig\n\(license)\n")
        return ["--config", directory.path("config.yaml")]
    }

    private func daemon(_ node: SimulatedNode) async throws -> String {
        try await node.run(["sh", "-c", "cat /run/nvidia-gridd/nvidia-gridd.pid; systemctl is-active nvidia-gridd"])
    }

    private func state(_ code: String, _ node: SimulatedNode, _ options: [String]) async throws -> String? {
        try await node.status(options).findings.first { $0.code == code }?.state
    }

    @Test func theTokenReachesTheHostAndNothingElse() async throws {
        let files = try TemporaryDirectory()
        let options = try configure(files, Self.token)
        try await TestCluster.with { cluster in
            try await SimulatedNode.with(set: ["systemd=yes"]) { node in
                try await node.takeFirstLedger()
                var texts: [String: String] = [:]
                for format in ["text", "json", "yaml"] {
                    texts["plan \(format)"] = try await node.agent("plan", ["-o", format] + options).output
                }
                let install = try await node.agent("install", options)
                install.expectExit(0)
                texts["install"] = "\(install.output)\(install.errors)"
                texts["journal"] = node.text(HostLayout.journal)
                texts["facts"] = try await node.agent("facts", ["-o", "json"]).output
                #expect(node.text(LicenseFiles.tokenPath) == Self.token)
                #expect(node.text(LicenseFiles.configuration)?.hasSuffix("FeatureType=1\n") == true)
                let modes = try await node.run(
                    ["stat", "-c", "%a %U", LicenseFiles.tokenPath, LicenseFiles.tokenDirectory]
                )
                #expect(modes == "600 root\n700 root\n")
                let first = try await daemon(node)
                #expect(try await state("license-daemon-not-running", node, options) == "pass")
                #expect(try await state("license-configuration-pending", node, options) == "pass")
                let plan = try await node.agent("plan", ["-o", "json"] + options).decoded(as: PrintedPlan.self)
                #expect(plan.steps.isEmpty)

                // A new token is written by the daemon of the agent, and nvidia-gridd starts again.
                _ = try configure(files, "\(Self.marker).new.signature\n", feature: 4)
                let run = try await RunningAgent.with(node, cluster, options: ["--log-level", "debug"] + options) {
                    agent in
                    try await until("the new token is there") {
                        node.text(LicenseFiles.tokenPath)?.contains("new") == true
                            && node.text(LicenseFiles.configuration)?.contains("FeatureType=4") == true
                            // The agent that ends must not take the start of the daemon with it.
                            && node.text("/run/nvidia-gridd/nvidia-gridd.pid").map { !first.hasPrefix($0) } == true
                    }
                    try await agent.awaitVerdict(.ready)
                }
                texts["run"] = "\(run.output)\(run.errors)"
                texts["node"] = "\(try await cluster.client.node(TestCluster.nodeName))"
                let events = await cluster.server.store.list("events", namespace: "default").objects
                texts["events"] = "\(events)"
                for format in ["text", "json", "yaml"] {
                    texts["status \(format)"] = try await node.agent("status", ["-o", format] + options).output
                }
                #expect(try await daemon(node) != first)
                for (name, text) in texts {
                    #expect(!text.isEmpty, "\(name) is empty")
                    #expect(!text.contains(Self.marker), "\(name): \(text)")
                }
                let found = try await node.run(
                    ["sh", "-c", "grep -rl \(Self.marker) /run /var/lib /var/log /etc /tmp 2>/dev/null"]
                )
                #expect(found == "\(LicenseFiles.tokenPath)\n", "files with the secret")

                // The state of the daemon, which the next boot removes.
                try await node.run(["rm", "/run/gpu-agent/published.json", HostLayout.results, HostLayout.boot])
                let uninstall = try await node.uninstall()
                uninstall.expectExit(0)
                #expect(!"\(uninstall)".contains(Self.marker))
                try await node.expectUninstalled()
            }
        }
    }

    @Test func filesOfTheOperatorStay() async throws {
        let files = try TemporaryDirectory()
        let options = try configure(files, Self.token)
        try await SimulatedNode.with(set: ["systemd=yes"]) { node in
            let theirs =
                "mkdir -p /etc/nvidia/ClientConfigToken && echo FeatureType=2 >/etc/nvidia/gridd.conf"
                + " && echo a.b.c >/etc/nvidia/ClientConfigToken/client_configuration_token.tok"
            try await node.run(["sh", "-ec", theirs])
            try await node.takeFirstLedger()
            let plan = try await node.agent("plan", options).output
            #expect(plan.contains("\(LicenseFiles.configuration) stays as it is"), "\(plan)")
            #expect(plan.contains("\(LicenseFiles.tokenPath) stays as it is"), "\(plan)")
            try await node.agent("install", options).expectExit(0)
            #expect(node.text(LicenseFiles.configuration) == "FeatureType=2\n")
            #expect(node.text(LicenseFiles.tokenPath) == "a.b.c\n")
            #expect(try await state("license-configuration-pending", node, options) == "notice")
            // The operator replaces a file that the agent wrote.
            try await node.run(["rm", LicenseFiles.tokenPath])
            try await node.agent("install", options).expectExit(0)
            #expect(node.text(LicenseFiles.tokenPath) == Self.token)
            try await node.run([
                "sh", "-c", "echo a.b.c >\(LicenseFiles.tokenPath); chmod 644 \(LicenseFiles.tokenPath)",
            ])
            try await node.agent("install", options).expectExit(0)
            try await node.uninstall().expectExit(0)
            try await node.expectUninstalled()
        }
    }

    /// The configuration loses its license, while the operator has stopped the daemon or replaced the token.
    @Test func aDroppedLicenseStartsNothingAndRemovesOnlyItsOwn() async throws {
        let files = try TemporaryDirectory()
        let options = try configure(files, Self.token)
        try await SimulatedNode.with(set: ["systemd=yes"]) { node in
            try await node.agent("install", options).expectExit(0)
            let first = try await daemon(node)
            // The agent removes its files, and a daemon that runs starts again.
            try await node.agent("install").expectExit(0)
            #expect(!node.exists(LicenseFiles.tokenPath) && !node.exists(LicenseFiles.configuration))
            #expect(!node.exists(HostLayout.licenseToken))
            #expect(try await daemon(node) != first)
            // A daemon that somebody has stopped stays stopped.
            try await node.agent("install", options).expectExit(0)
            try await node.run(["systemctl", "stop", "nvidia-gridd"])
            try await node.agent("install").expectExit(0)
            #expect(!node.exists(LicenseFiles.tokenPath))
            let state = try await node.run(["sh", "-c", "systemctl is-active nvidia-gridd || echo stopped"])
            #expect(state == "stopped\n")
            // The token was replaced after the plan was made: the command of the plan leaves it.
            try await node.agent("install", options).expectExit(0)
            try await node.run(["sh", "-c", "echo a.b.c >\(LicenseFiles.tokenPath)"])
            try await node.run(OwnFile.tokenRemoval)
            #expect(node.text(LicenseFiles.tokenPath) == "a.b.c\n" && !node.exists(HostLayout.licenseToken))
            let uninstall = try await node.uninstall()
            uninstall.expectExit(0)
            #expect(uninstall.output.contains("\(LicenseFiles.tokenPath): the agent did not write"), "\(uninstall)")
            #expect(node.text(LicenseFiles.tokenPath) == "a.b.c\n" && !node.exists(LicenseFiles.configuration))
        }
    }

    @Test func aTokenThatCannotBeUsedIsFoundBeforeTheDownload() async throws {
        let files = try TemporaryDirectory()
        try await SimulatedNode.with(set: ["systemd=yes"]) { node in
            for (token, why) in [(nil, "does not exist"), (" \n", "is empty")] {
                let options = try configure(files, token)
                let install = try await node.agent("install", options)
                install.expectExit(1)
                #expect(install.errors.contains("license-token-unusable"), "\(install)")
                #expect(install.errors.contains(why), "\(install)")
            }
            #expect(try node.requests().isEmpty)
            #expect(!node.exists(HostLayout.journal))
        }
    }

    /// A vGPU without a license is slow, so the node is not ready until it has one.
    @Test func aNodeIsNotReadyWithoutALicense() async throws {
        let files = try TemporaryDirectory()
        try files.write("grace.yaml", "apiVersion: gpu-agent/v1\nkind: AgentConfig\nlicense: {grace: 8760h}\n")
        try await SimulatedNode.with(set: ["systemd=yes"]) { node in
            try await node.agent("install").expectExit(0)
            let hardware = "/etc/gpu-sim/hardware"
            try await node.run(["sed", "-i", "s/license=licensed/license=unlicensed/", hardware])
            // A server that gave no license; the host has no journal of systemd.
            let journal =
                "#!/bin/sh\necho 'Failed to acquire license from srv (Info: x - Error: No pool features found for : x)'\n"
            try await node.run([
                "sh", "-c", "printf '%s' \"$1\" >/usr/bin/journalctl; chmod 755 /usr/bin/journalctl", "sh", journal,
            ])
            try await node.run(["systemctl", "start", "nvidia-gridd"])
            let status = try await node.status()
            #expect(status.verdict == "not-ready" && status.reason == "license-not-available", "\(status)")
            try await node.agent("validate").expectExit(1)
            let options = ["--config", files.path("grace.yaml")]
            let allowed = try await node.agent("validate", ["-o", "json"] + options)
            allowed.expectExit(0)
            #expect(try allowed.decoded(as: PrintedValidation.self).verdict == "degraded")
            // An install does not blame the driver, which works.
            try await node.run(["sh", "-c", "rm -f /dev/nvidia-uvm"])
            let install = try await node.agent("install")
            install.expectExit(1)
            #expect(install.output.hasPrefix("not-ready"), "\(install)")
            #expect(try node.journal().record?.state == .installed)
            try await node.run(["sed", "-i", "s/license=unlicensed/license=licensed/", hardware])
            #expect(try await node.status().verdict == "ready")
        }
    }

    /// The driver works without a license, so the failure is a warning.
    @Test func aTokenThatTheDaemonRefusesIsReported() async throws {
        let files = try TemporaryDirectory()
        let options = try configure(files, "\(Self.marker) is no token")
        try await SimulatedNode.with(set: ["systemd=yes"]) { node in
            let install = try await node.agent("install", options)
            install.expectExit(1)
            #expect(install.errors.contains("license-daemon-not-running"), "\(install)")
            #expect(install.errors.contains("nvidia-gridd.service is not active"), "\(install)")
            #expect(!"\(install)".contains(Self.marker))
            let status = try await node.status(options)
            #expect(status.verdict == "ready" || status.verdict == "degraded", "\(status)")
            #expect(status.findings.contains { $0.code == "license-daemon-not-running" }, "\(status)")
            // A good token repairs it.
            try await node.agent("install", try configure(files, Self.token)).expectExit(0)
            #expect(try await state("license-daemon-not-running", node, options) == "pass")
        }
    }
}
