import Documents
import FoundationEssentials
import Host
import Kubernetes
import MIG
import NetworkErrors
import NodeModel
import PCIBus
import Support
import SystemPackage
import TestSupport
import Testing

@testable import Agent
@testable import VendorProbe

/// Every error type keeps its cause, and the chain prints each error once.
struct ErrorChainTests {
    /// A sample of each error type in the sources, with its message.
    static let samples: [(error: any CausedError, chain: String)] = [
        (
            DownloadError.unavailable(
                attempts: 8,
                cause: .network(url: "https://a/b", cause: NetworkError.certificate(.expired("2026-01-02T03:04:05Z")))
            ),
            "the download failed after 8 attempts: cannot download https://a/b: "
                + "the server's certificate has expired (2026-01-02T03:04:05Z)"
        ),
        (
            PackageSourceError.fileUnreadable("/mnt/a.run", cause: .file(.read, "/mnt/a.run", cause: .ioError)),
            "cannot use the package /mnt/a.run: cannot read /mnt/a.run: Input/output error"
        ),
        (
            DownloadFault.network(url: "https://a/b", cause: NetworkError.connectionRefused),
            "cannot download https://a/b: connection refused"
        ),
        (NetworkError.nameNotResolved("a"), "cannot resolve the host name 'a'"),
        (
            KubernetesError.unreachable(subject: "GET https://k/api", cause: NetworkError.connectionRefused),
            "GET https://k/api failed: connection refused"
        ),
        (
            HostError.file(.open, "/etc/x", cause: .permissionDenied),
            "cannot open /etc/x: Permission denied"
        ),
        (
            CommandFailure(arguments: ["modprobe", "nvidia"], end: .exited(2), errorTail: "modprobe: not found\n"),
            "exit status 2: modprobe: not found"
        ),
        (
            SetupError.unreadable("/etc/gpu-agent/config.yaml", cause: Errno.noSuchFileOrDirectory),
            "cannot read /etc/gpu-agent/config.yaml: No such file or directory"
        ),
        (
            DocumentProblems([DocumentProblem("unknown key 'x'", at: DocumentPlace(file: "a.yaml", line: 2, column: 3))]
            ),
            "a.yaml:2:3: unknown key 'x'"
        ),
        (
            AgentFailure(Finding(.hostLocked, observed: "/run/lock is held", expected: "", remedy: "wait")),
            "host-locked: /run/lock is held"
        ),
        (
            DeviceMonitorError.cannotListen(.permissionDenied),
            "cannot listen for device events: Permission denied"
        ),
        (
            SpawnError.start(program: "/gpu-agent", cause: .noSuchFileOrDirectory),
            "cannot start /gpu-agent: No such file or directory"
        ),
        (
            CompanionError.link("/tmp/x", cause: .noSpace),
            "cannot create the link /tmp/x: No space left on device"
        ),
        (CUDAError(call: "cuInit", code: 100), "cuInit: 100"),
        (
            CUDAPeerTest.CallError(
                error: CUDAError(call: "cuMemAlloc_v2", code: 2),
                gpu: CUDAPeerPlan.GPU(index: 0, uuid: "GPU-1")
            ),
            "the test of peer access failed on GPU-1: cuMemAlloc_v2: 2"
        ),
        (
            NVMLError.call("nvmlInit_v2", NVMLReturn(rawValue: 9)),
            "nvmlInit_v2: 9 NVML_ERROR_DRIVER_NOT_LOADED"
        ),
        (
            LibraryError.symbol("nvmlInit_v2", library: "/lib/libnvidia-ml.so.1"),
            "/lib/libnvidia-ml.so.1: no symbol nvmlInit_v2"
        ),
        (
            ListenError(address: "[::]:9410", cause: NetworkError.system(.addressInUse)),
            "cannot listen on [::]:9410 (--listen): address already in use"
        ),
        (PackageListError("package x has no status"), "package x has no status"),
        (MessageError("the file is empty"), "the file is empty"),
        (
            ConfigurationChanged(),
            "the configuration has changed since the daemon started; the next start reads the new one"
        ),
        (Interruption.terminated, "the command ended at SIGTERM"),
        (MIGSelectionError.ambiguous(["a", "b"]), "the file has 2 layouts: name one with --selected: a, b"),
    ]

    @Test func printsEachCauseOnce() {
        for sample in Self.samples { #expect(errorChain(sample.error) == sample.chain) }
    }

    @Test func doesNotRepeatTheCauseInTheDescription() {
        for sample in Self.samples {
            guard let cause = sample.error.cause else { continue }
            #expect(!sample.error.description.contains("\(cause)"))
        }
    }

    /// A new error type fails this test until it keeps its cause and has a sample above.
    @Test func coversEveryErrorTypeOfTheSources() throws {
        let declaration =
            /(?:struct|enum|class|actor|extension) +(?<name>\w+)[^{\n]*:[^{\n]*\b(?<base>CausedError|Error)\b[^{\n]*\{/
        var declared: Set<String> = []
        for file in try swiftFiles(fixture("../../Sources")) {
            let text = try String(contentsOfFile: file, encoding: .utf8)
            for match in text.matches(of: declaration) where match.name != "CausedError" {
                #expect(match.base == "CausedError", "\(match.name) in \(file) does not keep its cause")
                declared.insert(String(match.name))
            }
        }
        #expect(declared == Set(Self.samples.map { "\(type(of: $0.error))" }))
    }

    private func swiftFiles(_ directory: String) throws -> [String] {
        try FileManager.default.subpathsOfDirectory(atPath: directory)
            .filter { $0.hasSuffix(".swift") }
            .map { "\(directory)/\($0)" }
    }
}
