import NodeModel
import TestSupport
import Testing

@testable import Host

/// What apt says about packages with prebuilt modules.
@Suite struct PrebuiltProbeTests {
    @Test func readsTheCandidates() {
        let said = """
            linux-modules-nvidia-580-server-open-6.8.0-1044-azure:
              Installed: (none)
              Candidate: 6.8.0-1044.50
              Version table:
                 6.8.0-1044.50 500
                    500 http://archive.ubuntu.com/ubuntu noble-updates/restricted amd64 Packages
            nvidia-utils-580-server:
              Installed: 580.95.05-0ubuntu0.24.04.1
              Candidate: 580.105.08-0ubuntu0.24.04.1
              Version table:
             *** 580.95.05-0ubuntu0.24.04.1 100
            libnvidia-gl-580-server:
              Installed: (none)
              Candidate: (none)
            nvidia-modprobe:
              Candidate: $(reboot) *
            """
        #expect(
            PrebuiltProbe.parse(said) == [
                OfferedPackage(
                    name: "linux-modules-nvidia-580-server-open-6.8.0-1044-azure",
                    version: "6.8.0-1044.50"
                ),
                OfferedPackage(name: "nvidia-utils-580-server", version: "580.105.08-0ubuntu0.24.04.1"),
            ]
        )
        #expect(PrebuiltProbe.parse("") == [])
    }

    @Test func asksForEverythingThatBelongsTogether() {
        let modules = ["linux-modules-nvidia-580-server-open-6.8.0", "linux-modules-nvidia-580-server-6.8.0"]
        let names = PrebuiltProbe.related(to: modules, "6.8.0")
        #expect(names.prefix(2) == modules[...] && names.count == Set(names).count)
        for name in [
            "nvidia-headless-no-dkms-580-server", "nvidia-headless-no-dkms-580-server-open", "nvidia-modprobe",
            "nvidia-fabricmanager-580",
        ] {
            #expect(names.contains(name))
        }
    }

    @Test func isSkippedWithoutCommands() async throws {
        let tree = try TemporaryDirectory()
        let probe = PrebuiltProbe(root: try HostRoot(tree.path), commands: nil)
        #expect(
            await probe.packages(for: "6.8.0", of: UbuntuModules())
                == .skipped("the agent runs no commands on the host")
        )
    }
}
