import Host
import NodeModel
import TestSupport
import Testing

@testable import Agent

/// What the container runtime of a host reads.
@Suite struct RuntimeProbeTests {
    private let tree: TemporaryDirectory

    init() throws { tree = try TemporaryDirectory() }

    private func read() async throws -> RuntimeFacts { await RuntimeProbe(root: try HostRoot(tree.path)).read() }

    /// As `nvidia-ctk cdi generate` writes it.
    private let specification = """
        ---
        cdiVersion: 0.5.0
        containerEdits:
          deviceNodes:
          - path: /dev/nvidiactl
          env:
          - NVIDIA_VISIBLE_DEVICES=void
          hooks:
          - args: [nvidia-cdi-hook, update-ldcache]
            hookName: createContainer
            path: /usr/bin/nvidia-cdi-hook
          mounts:
          - containerPath: /usr/lib/x86_64-linux-gnu/libcuda.so.580.105.08
            hostPath: /usr/lib/x86_64-linux-gnu/libcuda.so.580.105.08
            options: [ro, nosuid, nodev, bind]
        devices:
        - containerEdits:
            deviceNodes:
            - hostPath: /dev/nvidia0
              path: /dev/nvidia7
          name: "0"
        - containerEdits:
            deviceNodes:
            - path: /dev/nvidia-caps/nvidia-cap12
          name: "0:0"
        kind: nvidia.com/gpu
        """

    @Test func aHostWithoutARuntimeHasNothing() async throws {
        #expect(try await read() == RuntimeFacts())
    }

    @Test func namesWhatASpecificationNamesAndTheHostLacks() async throws {
        try tree.write("etc/cdi/nvidia.yaml", specification)
        try tree.write("etc/cdi/readme.txt", "no specification")
        try tree.write(
            "etc/cdi/vendor.json",
            #"{"kind": "example.com/net", "containerEdits": {"mounts": [{"hostPath": "/no"}]}}"#
        )
        try tree.write("dev/nvidiactl", "")
        try tree.write("usr/bin/nvidia-cdi-hook", "")
        let found = try #require(try await read().specifications.value)
        #expect(
            found == [
                CDISpecification(
                    path: "/etc/cdi/nvidia.yaml",
                    kind: "nvidia.com/gpu",
                    driver: "580.105.08",
                    missing: [
                        "/dev/nvidia-caps/nvidia-cap12", "/dev/nvidia0",
                        "/usr/lib/x86_64-linux-gnu/libcuda.so.580.105.08",
                    ]
                )
            ]
        )
    }

    /// The toolkit and the device plugin of the GPU Operator write JSON, in one line.
    @Test func readsJSON() async throws {
        let mounts = (1...9).map { #"{"hostPath":"/gone/\#($0)"}"# }.joined(separator: ",")
        try tree.write(
            "var/run/cdi/management.json",
            #"{"kind":"management.nvidia.com/gpu","containerEdits":{"mounts":[\#(mounts)]},"devices":[]}"#
        )
        let found = try #require(try await read().specifications.value?.first)
        #expect(found.missing == (1...5).map { "/gone/\($0)" })
        #expect(found.missingCount == 9)
        #expect(found.driver == nil)
    }

    @Test(arguments: ["", "kind: [", "kind: nvidia.com/gpu\nx: &anchor 1", "\u{0}"])
    func aSpecificationThatCannotBeReadHidesNoOther(_ text: String) async throws {
        try tree.write("etc/cdi/a.yaml", text)
        try tree.write("etc/cdi/nvidia.yaml", specification)
        let found = try #require(try await read().specifications.value)
        #expect(found.map(\.path) == ["/etc/cdi/a.yaml", "/etc/cdi/nvidia.yaml"])
        #expect(found.first?.problem?.contains("/etc/cdi/a.yaml") == true)
        #expect(found.last?.missingCount == 5)
    }

    /// A file without a kind of NVIDIA's is somebody else's.
    @Test(arguments: ["kind: /\n", "kind: [nvidia.com/gpu]\n", "- a\n", "{}\n"])
    func aFileWithoutAKindOfNVIDIAIsNoSpecification(_ text: String) async throws {
        try tree.write("etc/cdi/nvidia.yaml", text)
        #expect(try await read().specifications.value == [])
    }

    @Test func aSpecificationWithoutDevicesNamesNothing() async throws {
        try tree.write("etc/cdi/nvidia.yaml", "kind: nvidia.com/gpu\ndevices: 7\n")
        let empty = CDISpecification(path: "/etc/cdi/nvidia.yaml", kind: "nvidia.com/gpu")
        #expect(try await read().specifications.value == [empty])
    }

    // MARK: containerd

    private func containerd(_ main: String, _ imports: [String: String]) async throws -> ContainerdConfiguration? {
        try tree.write("etc/containerd/config.toml", main)
        for (path, text) in imports { try tree.write(path, text) }
        return try await read().containerd.value
    }

    @Test func readsTheVersionOfEachImportedFile() async throws {
        let found = try await containerd(
            """
            # version = 9
            version = 2 # the format
            imports = [
              "/etc/containerd/conf.d/*.toml", # drop-ins
              'extra.toml',
            ]
            [plugins]
            version = 7
            """,
            [
                "etc/containerd/conf.d/99-nvidia.toml": "version = 4\n[plugins]\n",
                "etc/containerd/conf.d/10-site.toml": "version=2\n",
                "etc/containerd/conf.d/note.txt": "version = 9\n",
                "etc/containerd/conf.d/no-version.toml": "[plugins]\nversion = 9\n",
                "etc/containerd/extra.toml": "version = 3\n",
            ]
        )
        #expect(found?.version == 2)
        #expect(
            found?.imports == [
                .init(path: "/etc/containerd/conf.d/10-site.toml", version: 2),
                .init(path: "/etc/containerd/conf.d/99-nvidia.toml", version: 4),
                .init(path: "/etc/containerd/extra.toml", version: 3),
            ]
        )
        #expect(found?.tooHigh.map(\.version) == [4, 3])
    }

    @Test(arguments: [
        "", "version = \"2\"\n", "imports = [\n", "imports = [\"/no/*/*.toml\", \"a", "[a]\nversion = 2\n",
    ])
    func oddConfigurationsHaveNoImports(_ text: String) async throws {
        let found = try await containerd(text, [:])
        #expect(found?.imports == [])
        #expect(found?.tooHigh == [])
    }
}
