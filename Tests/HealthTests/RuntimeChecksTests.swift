import CoreSupport
import Health
import NodeModel
import Support
import TestSupport
import Testing

/// What the checks say about the files of the container runtime.
@Suite struct RuntimeChecksTests {
    private func finding(_ code: ReasonCode, _ runtime: RuntimeFacts?, loaded: Bool = true) -> Finding? {
        let facts = NodeFacts.h100Ready.with {
            $0.runtime = runtime
            if !loaded { $0.driver.loadedVersion = .absent }
        }
        return Checks(facts: facts, plan: .adoptedH100).report().finding(code)
    }

    private var version: String? { NodeFacts.h100Ready.driver.loadedVersion.value }

    private func specification(
        _ path: String = "/etc/cdi/nvidia.yaml",
        kind: String = "nvidia.com/gpu",
        driver: String? = nil,
        missing: [String] = [],
        count: Int? = nil
    ) -> RuntimeFacts {
        RuntimeFacts(
            specifications: .present([
                CDISpecification(path: path, kind: kind, driver: driver, missing: missing, missingCount: count)
            ])
        )
    }

    @Test func aSpecificationOfThisDriverPasses() {
        #expect(finding(.cdiSpecificationStale, specification(driver: version))?.state == .pass)
        #expect(finding(.cdiSpecificationStale, specification())?.state == .pass)
        #expect(finding(.cdiSpecificationStale, RuntimeFacts()) == nil)
        #expect(finding(.cdiSpecificationStale, nil) == nil)
    }

    @Test func missingFilesAreAWarningWithTheCommand() {
        let found = finding(
            .cdiSpecificationStale,
            specification(missing: ["/usr/lib/libEGL_nvidia.so.1.2"], count: 30)
        )
        #expect(found?.state == .warning)
        #expect(
            found?.observed
                == "/etc/cdi/nvidia.yaml names files that the host does not have: /usr/lib/libEGL_nvidia.so.1.2, and 29 more."
        )
        #expect(found?.remedy.command == "nvidia-ctk cdi generate --output=/etc/cdi/nvidia.yaml")
    }

    @Test func theLibrariesOfAnotherDriverAreAWarning() {
        let found = finding(.cdiSpecificationStale, specification(driver: "470.1.2"))
        #expect(found?.state == .warning)
        #expect(found?.observed == "/etc/cdi/nvidia.yaml is for driver 470.1.2, and driver \(version ?? "") runs.")
    }

    /// What a driver container left is a notice, because only the GPU Operator reads it.
    @Test func aMarkerWithoutADriverIsANotice() {
        func finding(_ change: (inout DriverContainer) -> Void) -> Finding? {
            var container = DriverContainer(
                isMounted: false,
                version: nil,
                hasPIDFile: false,
                validations: [".driver-ctr-ready"]
            )
            container.isHostRoot = false
            change(&container)
            let facts = NodeFacts.h100Ready.with { $0.claims.driverContainer = .present(container) }
            return Checks(facts: facts, plan: .adoptedH100).report().finding(.driverMarkerStale)
        }
        let gone = finding { _ in }
        #expect(gone?.state == .notice)
        #expect(gone?.observed.hasSuffix("nothing is mounted on /run/nvidia/driver.") == true)
        #expect(finding { $0.isMounted = true }?.state == .pass)
        #expect(finding { $0.isHostRoot = true }?.state == .pass)
        #expect(finding { $0.isHostRoot = nil }?.state == .pass)
        #expect(finding { $0.validations = ["driver-ready"] } == nil)
        let text = finding { ($0.isHostRoot, $0.markerProblem) = (true, "'ready' is not a name") }
        #expect(text?.state == .notice && text?.observed.hasSuffix(": 'ready' is not a name.") == true)
    }

    /// A restart of the program that wrote the file is enough, and no command on the node helps.
    @Test(arguments: [
        ("k8s.device-plugin.nvidia.com/gpu", "device plugin"), ("management.nvidia.com/gpu", "toolkit"),
        ("k8s.gpu.nvidia.com/claim", "the program that wrote"),
    ])
    func theKindSaysWhoWritesIt(_ kind: String, _ words: String) {
        let found = finding(.cdiSpecificationStale, specification("/var/run/cdi/a.json", kind: kind, missing: ["/a"]))
        #expect(found?.remedy.text.contains(words) == true)
        #expect(found?.remedy.command == nil)
    }

    @Test func theNodeStaysAsItIsWhenAFileCannotBeRead() {
        let unreadable = CDISpecification(path: "/etc/cdi/a.yaml", kind: "", problem: "/etc/cdi/a.yaml: line 1")
        let found = finding(.cdiSpecificationStale, RuntimeFacts(specifications: .present([unreadable])))
        #expect(found?.state == .notice)
        #expect(found?.observed.contains("/etc/cdi/a.yaml: line 1") == true)
        let failure = ReadFailure(.io, "cannot read /etc/cdi")
        #expect(finding(.cdiSpecificationStale, RuntimeFacts(specifications: .unreadable(failure)))?.state == .notice)
        let containerd = finding(.containerdVersionMismatch, RuntimeFacts(containerd: .unreadable(failure)))
        #expect(containerd?.state == .notice)
        // A file that cannot be read hides no stale one.
        let stale = CDISpecification(path: "/etc/cdi/b.yaml", kind: "nvidia.com/gpu", missing: ["/a"])
        let both = finding(.cdiSpecificationStale, RuntimeFacts(specifications: .present([unreadable, stale])))
        #expect(both?.state == .warning && both?.observed.hasPrefix("/etc/cdi/b.yaml ") == true)
    }

    /// Without a loaded driver, no specification can fit, and the driver is what to correct.
    @Test func withoutADriverTheSpecificationIsNoFinding() {
        #expect(finding(.cdiSpecificationStale, specification(missing: ["/a"]), loaded: false) == nil)
    }

    private func containerd(_ version: Int?, _ imported: Int...) -> RuntimeFacts {
        RuntimeFacts(
            containerd: .present(
                ContainerdConfiguration(
                    path: "/etc/containerd/config.toml",
                    version: version,
                    imports: imported.map { .init(path: "/etc/containerd/conf.d/\($0).toml", version: $0) }
                )
            )
        )
    }

    @Test func anImportedFileWithAHigherVersionStopsContainerd() {
        let found = finding(.containerdVersionMismatch, containerd(2, 2, 4))
        #expect(found?.state == .warning)
        #expect(found?.observed.contains("/etc/containerd/conf.d/4.toml has version 4, and") == true)
        #expect(finding(.containerdVersionMismatch, containerd(3, 2, 3))?.state == .pass)
        #expect(finding(.containerdVersionMismatch, containerd(nil, 4)) == nil)
        #expect(finding(.containerdVersionMismatch, containerd(2)) == nil)
    }
}
