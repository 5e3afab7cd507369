import FoundationEssentials
import NodeModel
import TestSupport
import Testing

/// Hosts on which an install is not possible, or that already have a driver.
@Suite(.onSimulatedNodes, .timeLimit(.minutes(10)))
struct HostInTheWayTests {
    @Test func namesAllObstaclesAtOnceBeforeAnythingIsDone() async throws {
        let settings = ["compiler=no", "make=no", "headers=no", "secure-boot=yes", "disk=6"]
        try await SimulatedNode.with(set: settings) { node in
            let before = try await node.writes()
            let options = try node.withoutBuildPackages()
            let plan = try await node.agent("plan", ["-o", "json"] + options)
            plan.expectExit(1)
            let problems = try plan.decoded(as: PrintedPlan.self).problems
            let codes = problems.map(\.code)
            #expect(
                codes == [
                    "secure-boot", "compiler-missing", "make-missing", "kernel-headers-missing", "disk-space",
                ]
            )
            #expect(problems.allSatisfy { !$0.remedy.isEmpty })

            let install = try await node.agent("install", options)
            install.expectExit(1)
            for problem in problems {
                #expect(install.errors.contains("\(problem.code): \(problem.observed)\n"))
                #expect(install.errors.contains("→ \(problem.remedy)\n"))
            }
            let status = try await node.status(options)
            #expect(status.verdict == "not-ready")
            #expect(Set(status.findings.filter { $0.state == "failed" }.map(\.code)).isSuperset(of: codes))
            expectSame(try await node.writes(), before)
            #expect(try node.requests().isEmpty)
        }
    }

    /// Nothing is downloaded, also when nobody knows whether the kernel refuses the modules.
    @Test(arguments: [
        (["secure-boot=yes"], "Secure Boot is on and the kernel is in the lockdown mode 'integrity'."),
        (["lockdown=confidentiality"], "The kernel is in the lockdown mode 'confidentiality'."),
        (["sig-enforce=yes"], "The kernel parameter module.sig_enforce is on."),
        (["secure-boot=unknown", "lockdown=absent"], "It is not known whether the kernel loads unsigned modules"),
    ])
    func installsNothingWhereTheKernelMayRefuseTheModules(_ settings: [String], _ observed: String) async throws {
        try await SimulatedNode.with("h100", set: settings) { node in
            let install = try await node.agent("install")
            install.expectExit(1)
            #expect(install.errors.contains("secure-boot: \(observed)"), "\(install.errors)")
            #expect(try node.requests().isEmpty)
            #expect(try await node.status().reason == "secure-boot")
        }
    }

    /// Lockdown `none` and `sig_enforce` N are the kernel's own answer.
    @Test(arguments: ["secure-boot=unknown", "secure-boot=yes"])
    func installsWhereTheKernelSaysThatItLoadsUnsignedModules(_ setting: String) async throws {
        try await SimulatedNode.with("h100", set: [setting, "lockdown=none"]) { node in
            try await node.agent("install").expectExit(0)
            #expect(try await node.status().verdict == "ready")
        }
    }

    @Test func takesTheGPUsFromNouveau() async throws {
        try await SimulatedNode.with("h100", set: ["nouveau=yes"]) { node in
            let plan = try await node.agent("plan")
            plan.expectExit(0)
            #expect(plan.output.contains("release   unload nouveau  disrupts running GPU work\n"))
            #expect(node.exists("/sys/module/nouveau"))
            try await node.agent("install").expectExit(0)
            #expect(!node.exists("/sys/module/nouveau"))
            let file = node.text("/etc/modprobe.d/gpu-agent.conf")
            #expect(file?.contains("\nblacklist nouveau\noptions nouveau modeset=0\n") == true)
            #expect(try await node.status().verdict == "ready")
        }
    }

    /// A second attempt downloads nothing and changes nothing: only a reboot helps.
    @Test func asksForARebootWhereNouveauIsInUse() async throws {
        try await SimulatedNode.with("h100", set: ["nouveau=busy"]) { node in
            for _ in 1...2 {
                let install = try await node.agent("install")
                install.expectExit(1)
                #expect(install.errors.contains("reboot-required: "))
                #expect(install.errors.contains("Module nouveau is in use."))
                #expect(install.errors.contains("→ Reboot the node. The agent has put nouveau on a blacklist"))
            }
            let status = try await node.status()
            #expect(status.verdict == "not-ready")
            #expect(status.findings.contains { $0.code == "reboot-required" && $0.state == "failed" })
            #expect(node.exists("/sys/module/nouveau"))
            #expect(node.exists("/etc/modprobe.d/gpu-agent.conf"))
            #expect(try node.requests().isEmpty)
        }
    }

    /// When nova_core stays, nova_drm is loaded again, because nova_core shows nothing without it.
    @Test func loadsNovaAgainWhenItsCoreIsInUse() async throws {
        try await SimulatedNode.with("h100") { node in
            try await node.recordModprobe(standingInFor: ["nova_drm", "nova_core"])
            try await node.run(["mkdir", "-p", "/sys/module/nova_drm", "/sys/module/nova_core", "/run/busy-nova_core"])
            let install = try await node.agent("install")
            install.expectExit(1)
            #expect(install.errors.contains("reboot-required: "), "\(install)")
            #expect(node.modprobeCalls() == ["-r nova_drm", "-r nova_core", "nova_drm"])
            #expect(node.exists("/sys/module/nova_drm") && node.exists("/sys/module/nova_core"))

            try await node.run(["rmdir", "/run/busy-nova_core"])
            try await node.agent("install").expectExit(0)
            #expect(!node.exists("/sys/module/nova_drm") && !node.exists("/sys/module/nova_core"))
        }
    }

    @Test func adoptsAFitDriverOfSomebodyElse() async throws {
        try await SimulatedNode.with(set: ["driver=580.105.08 grid-azure open"]) { node in
            let before = try await node.writes()
            let loads = node.moduleLoads()
            let install = try await node.agent("install")
            install.expectExit(0)
            #expect(
                install.output.hasPrefix(
                    "ready: adopt the GRID driver 580.105.08 with open kernel modules, which belongs to "
                )
            )
            let status = try await node.status()
            #expect(status.verdict == "ready")
            #expect(status.decision.action == "adopt")
            #expect(status.decision.owner == "runfile")
            #expect(status.decision.driver == .init(kind: "grid", version: "580.105.08", kernelModuleType: "open"))
            expectSame(try await node.writes(), before)
            #expect(node.moduleLoads() == loads)
            #expect(try node.requests().isEmpty)
        }
    }

    @Test func leavesAnUnfitDriverOfSomebodyElseAlone() async throws {
        try await SimulatedNode.with("h100", set: ["driver=580.105.08 grid-azure open"]) { node in
            let before = try await node.writes()
            let loads = node.moduleLoads()
            let install = try await node.agent("install")
            install.expectExit(1)
            #expect(
                install.errors.contains(
                    "foreign-driver: Driver 580.105.08 is installed, but it is a GRID driver (/usr/bin/nvidia-gridd exists), "
                        + "and these GPUs need a datacenter driver. Its owner is "
                )
            )
            let status = try await node.status()
            // CUDA works with that driver.
            #expect(status.verdict == "degraded")
            #expect(status.reason == "foreign-driver")
            #expect(status.decision.action == "blocked")
            expectSame(try await node.writes(), before)
            #expect(node.moduleLoads() == loads)
            #expect(node.text("/sys/module/nvidia/version") == "580.105.08\n")
            #expect(try node.requests().isEmpty)
        }
    }

    @Test func namesACompilerThatIsOlderThanTheKernels() async throws {
        try await SimulatedNode.with("h100", set: ["kernel-compiler=gcc (GCC) 99.1.0"]) { node in
            let install = try await node.agent("install", try node.withoutBuildPackages())
            install.expectExit(1)
            #expect(install.errors.contains("compiler-mismatch: The compiler of the host is gcc "))
            #expect(install.errors.contains("Install gcc-99 and make it the default compiler"))
            #expect(try node.requests().isEmpty)
        }
    }

    /// A compiler that does not know the kernel's options: its own error is the cause that a person needs.
    @Test func aCompilerOfAnotherVersionIsTheCause() async throws {
        try await SimulatedNode.with("h100") { node in
            let compiler = """
                #!/bin/sh
                case "$1" in --version | -v | -dumpversion) exec /usr/bin/gcc "$@" ;; esac
                echo "cc: error: unrecognized command-line option '-ftrivial-auto-var-init=zero'" >&2
                exit 1
                """
            let script =
                "printf '%s\\n' \"$1\" >/usr/local/bin/cc && chmod 755 /usr/local/bin/cc && "
                + "cp /usr/local/bin/cc /usr/local/bin/gcc"
            try await node.run(["sh", "-c", script, "sh", compiler])
            let install = try await node.agent("install")
            install.expectExit(1)
            #expect(install.errors.contains("unrecognized command-line option '-ftrivial-auto-var-init=zero'"))
            #expect(install.errors.contains("compiler that built the kernel, and make it the default compiler (cc)"))
            #expect(try await node.status().reason == "installer-failed")
        }
    }

    @Test func showsTheInstallersWordsWhenTheDriverDoesNotLoad() async throws {
        let scenario = try TemporaryDirectory()
        let original = "\(Programs.repository)/simulator/scenarios/rtx-pro-6000"
        for name in ["dmi", "drivers", "hardware", "host", "os-release", "pci"] {
            let text = try String(contentsOfFile: "\(original)/\(name)", encoding: .utf8)
            try scenario.write(name, text.replacing("modules=open", with: "modules=none"))
        }
        #expect(try scenario.text("pci").contains("modules=none"))
        try await SimulatedNode.with(scenario.path) { node in
            let install = try await node.agent("install")
            install.expectExit(1)
            let said = "the installer exited with status 1: Unable to load the 'nvidia' kernel module."
            #expect(install.errors.contains("installer-failed: \(said)"))
            // The kernel's own words are the cause.
            #expect(install.errors.contains("(kernel log: "))
            #expect(install.errors.contains("is not supported by the"))
            let journal = try node.journal()
            #expect(journal.steps.last?.step == .install)
            #expect(journal.steps.last?.state == .failed)
            let status = try await node.status()
            #expect(status.verdict == "not-ready")
            #expect(status.reason == "installer-failed")
            #expect(status.nextAction == "Read \(HostLayout.installerLog) on the node.")
            #expect(node.text(HostLayout.installerLog)?.contains("is not supported by the") == true)
            #expect(!node.exists("/sys/module/nvidia"))
            #expect(node.processes() == [])
        }
    }
}

extension SimulatedNode {
    /// Records the calls of `modprobe` on the host.
    ///
    /// This program loads and unloads the modules `names` in place of kmod. A module with the directory
    /// `/run/busy-NAME` is in use.
    func recordModprobe(standingInFor names: [String] = []) async throws {
        let script = #"""
            kmod=$(command -v modprobe)
            cat >/usr/local/sbin/modprobe <<END
            #!/bin/sh
            echo "\$*" >>/run/modprobe-calls
            for name in $*; do
                case "\$*" in
                "-r \$name")
                    [ ! -e "/run/busy-\$name" ] || { echo "modprobe: FATAL: Module \$name is in use." >&2; exit 1; }
                    rm -r "/sys/module/\$name"
                    exit ;;
                "\$name") exec mkdir -p "/sys/module/\$name" ;;
                esac
            done
            exec $kmod "\$@"
            END
            chmod 755 /usr/local/sbin/modprobe
            """#
        try await run(["sh", "-ec", script, "sh"] + names)
    }

    /// The recorded calls, one text for each.
    func modprobeCalls() -> [String] { (text("/run/modprobe-calls") ?? "").split(separator: "\n").map(String.init) }
}
