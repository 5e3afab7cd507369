import Glibc
import HostSupport
import NodeModel
import TestSupport
import Testing

@testable import Host

/// The traces of driver owners in a directory tree: as the installers leave them, and damaged.
@Suite struct ClaimProbeTests {
    private let tree: TemporaryDirectory
    private let root: HostRoot

    init() throws {
        tree = try TemporaryDirectory()
        root = try HostRoot(tree.path)
    }

    private func claims() async -> ClaimFacts {
        await ClaimProbe(root: root, commands: nil).claimFacts()
    }

    @Test func saysAbsentForAnEmptyTree() async {
        let expected = ClaimFacts(
            packages: .absent,
            runfile: .absent,
            dkms: .absent,
            aksMarker: .absent,
            driverContainer: .absent,
            gridUnit: .absent,
            deviceUsers: .skipped("/proc has no processes: this is not a running host"),
            nodeLabels: .skipped("the agent did not query a cluster")
        )
        #expect(await claims() == expected)
    }

    @Test func readsAnAKSNodeWithTwoDrivers() async throws {
        try tree.write("var/lib/nvidia/log", "570.211.01\nNVIDIA Accelerated Graphics Driver\n0: /usr/bin/nvidia-smi\n")
        try tree.write("opt/azure/aks-gpu/dkms-marker", "kernel=6.8.0-1044-azure\ndriver_version=580.159.04\n")
        try tree.makeDirectory("var/lib/dkms/nvidia/580.159.04/6.8.0-1044-azure/x86_64")
        try tree.write("var/lib/dpkg/status", "Package: base-files\nStatus: install ok installed\nVersion: 12\n")
        try tree.write("usr/lib/systemd/system/nvidia-gridd.service", "[Unit]\n")
        let claims = await claims()
        #expect(claims.runfile == .present("570.211.01"))
        #expect(
            claims.aksMarker
                == .present(AKSMarker(version: "580.159.04", kind: nil, kernel: "6.8.0-1044-azure"))
        )
        let dkms = DKMSTree(name: "nvidia", version: "580.159.04", kernels: ["6.8.0-1044-azure"])
        #expect(claims.dkms == .present([dkms]))
        #expect(claims.packages == .present([]))
        #expect(claims.gridUnit == .present("/usr/lib/systemd/system/nvidia-gridd.service"))
    }

    @Test(arguments: [
        "", "\n580.105.08\n", "nvidia-installer log file\n", "580\n", "/usr/bin/nvidia-smi\n", "\0\0\0\0",
    ])
    func takesALogWithoutAVersionForMalformed(_ log: String) async throws {
        try tree.write("var/lib/nvidia/log", log)
        #expect(await claims().runfile.failure?.reason == .malformed)
    }

    @Test func aDirectoryInTheLogsPlaceIsUnreadable() async throws {
        try tree.makeDirectory("var/lib/nvidia/log")
        try tree.makeDirectory("opt/azure/aks-gpu/dkms-marker")
        let claims = await claims()
        #expect(claims.runfile.failure?.reason == .io)
        #expect(claims.aksMarker.failure?.reason == .io)
    }

    // DKMS

    @Test func tellsTreesOfTheDriverFromOthersAndKernelsFromTheRest() async throws {
        let dkms = "var/lib/dkms"
        for kernel in ["6.8.0-1044-azure", "6.8.0-1041-azure"] {
            try tree.makeDirectory("\(dkms)/nvidia/580.105.08/\(kernel)/x86_64/module")
        }
        try tree.link("\(dkms)/nvidia/580.105.08/source", to: "/usr/src/nvidia-580.105.08")
        try tree.write("usr/src/nvidia-580.105.08/dkms.conf", "PACKAGE_NAME=nvidia\n")
        try tree.makeDirectory("\(dkms)/nvidia/580.105.08/build/x86_64")
        try tree.makeDirectory("\(dkms)/nvidia/580.105.08/6.8.0-1099-azure/log")
        try tree.link("\(dkms)/nvidia/kernel-6.8.0-1044-azure-x86_64", to: "580.105.08/6.8.0-1044-azure/x86_64")
        try tree.makeDirectory("\(dkms)/nvidia/original_module/6.8.0-1044-azure/x86_64")
        try tree.link("\(dkms)/nvidia-current-open/535.261.03/source", to: "/usr/src/nvidia-current-open")
        try tree.write("usr/src/nvidia-current-open/dkms.conf", "PACKAGE_NAME=nvidia-current-open\n")
        try tree.makeDirectory("\(dkms)/nvidia-srv/550.90.07/6.8.0-1/aarch64")
        for other in ["nvidia-fs/2.26.6", "nvidia-peermem/1.0", "iser/5.8", "nvidia-driver-notes/1"] {
            try tree.makeDirectory("\(dkms)/\(other)/6.8.0-1044-azure/x86_64")
        }
        try tree.write("\(dkms)/dkms_dbversion", "3.0.0\n")
        let expected = [
            DKMSTree(name: "nvidia", version: "580.105.08", kernels: ["6.8.0-1041-azure", "6.8.0-1044-azure"]),
            DKMSTree(name: "nvidia-current-open", version: "535.261.03", kernels: []),
            DKMSTree(name: "nvidia-srv", version: "550.90.07", kernels: ["6.8.0-1"]),
        ]
        #expect(await claims().dkms == .present(expected))
    }

    /// The source of a tree is a link, whose target can be gone or empty.
    @Test func tellsTreesWithoutTheirSource() async throws {
        let dkms = "var/lib/dkms"
        try tree.makeDirectory("\(dkms)/nvidia/535.54.03/6.8.0-1044-azure/x86_64/module")
        try tree.makeDirectory("usr/src/nvidia-550.54.14")
        // A file that is no directory, and a link to itself: neither can be examined.
        try tree.write("usr/src/nvidia-560.28.03", "")
        try tree.link("usr/src/nvidia-570.86.10", to: "/usr/src/nvidia-570.86.10")
        try tree.write("usr/src/nvidia-580.65.06/dkms.conf", "PACKAGE_NAME=nvidia\n")
        // A power failure leaves empty files.
        try tree.write("usr/src/nvidia-580.82.07/dkms.conf", "")
        for version in ["535.54.03", "550.54.14", "560.28.03", "570.86.10", "580.65.06", "580.82.07"] {
            try tree.makeDirectory("\(dkms)/nvidia/\(version)")
            try tree.link("\(dkms)/nvidia/\(version)/source", to: "/usr/src/nvidia-\(version)")
        }
        // DKMS itself does not list a tree without the link.
        try tree.makeDirectory("\(dkms)/nvidia/590.44.01/build")
        try tree.makeDirectory("\(dkms)/nvidia-fs/2.26.6")
        try tree.link("\(dkms)/nvidia-fs/2.26.6/source", to: "/usr/src/nvidia-fs-2.26.6")
        let trees = try #require(await claims().dkms.value)
        let gone = ["nvidia/535.54.03", "nvidia/550.54.14", "nvidia/580.82.07"]
        #expect(trees.filter { $0.lacksSource == true }.map(\.id) == gone)
        #expect(trees.count == 7 && trees.allSatisfy { $0.lacksSource != false })
    }

    /// DKMS puts the modules of a build into its tree one by one, and knows the build when all are there.
    @Test(arguments: [
        (#"BUILT_MODULE_NAME[0]="nvidia""#, ["nvidia.ko"], false),
        ("BUILT_MODULE_NAME[0]=nvidia\nBUILT_MODULE_NAME[1]='nvidia-uvm'", ["nvidia.ko.xz", "nvidia-uvm.ko"], false),
        ("BUILT_MODULE_NAME[0]=nvidia\nBUILT_MODULE_NAME[1]=nvidia-uvm", ["nvidia.ko"], true),
        ("BUILT_MODULE_NAME[0]=nvidia", [], true), ("\tBUILT_MODULE_NAME[0]=nvidia ", ["empty/nvidia.ko"], true),
        ("BUILT_MODULE_NAME[0]=nvidia\nDEST_MODULE_NAME[0]=nvidia-current", ["nvidia-current.ko"], false),
        ("BUILT_MODULE_NAME[0]=nvidia\nDEST_MODULE_NAME[0]=nvidia-current", ["nvidia.ko"], true),
        // The shell decides, or another file.
        ("BUILT_MODULE_NAME[0]=$name", [], false), (". ./common.conf", [], false),
        ("if true; then\nBUILT_MODULE_NAME[0]=nvidia\nfi", [], false),
    ])
    func tellsTreesWithHalfABuild(_ configuration: String, _ modules: [String], _ isHalfBuilt: Bool) async throws {
        let entry = "var/lib/dkms/nvidia/595.91.07"
        try tree.write("usr/src/nvidia-595.91.07/dkms.conf", "\(configuration)\n")
        try tree.makeDirectory("\(entry)/6.8.0-1044-azure/x86_64/module")
        try tree.makeDirectory("\(entry)/6.8.0-1044-azure/x86_64/log")
        try tree.link("\(entry)/source", to: "/usr/src/nvidia-595.91.07")
        for module in modules {
            let isEmpty = module.hasPrefix("empty/")
            let name = isEmpty ? String(module.dropFirst("empty/".count)) : module
            try tree.write("\(entry)/6.8.0-1044-azure/x86_64/module/\(name)", isEmpty ? "" : "ELF")
        }
        let found = try #require(await claims().dkms.value)
        #expect(found.map(\.isHalfBuilt) == [isHalfBuilt ? true : nil])
        #expect(found.map(\.lacksSource) == [nil])
    }

    @Test(arguments: [
        "nvidia", "nvidia-current", "nvidia-tesla-470", "nvidia-legacy-390xx", "nvidia-open", "nvidia-535",
    ])
    func knowsTheModulesNames(_ name: String) {
        #expect(ClaimProbe.isDriverModule(name))
    }

    @Test(arguments: ["nvidia-fs", "nvidia-peermem", "nvidia2", "xnvidia", "nvidia-5", "nvidia-gdrdrv", ""])
    func knowsTheNamesOfOtherModules(_ name: String) {
        #expect(!ClaimProbe.isDriverModule(name))
    }

    // AKS

    @Test(arguments: [
        (
            "kernel=6.8.0-1044-azure\ndriver_version=580.159.04\ndriver_kind=cuda-lts\narch=amd64\n",
            AKSMarker(version: "580.159.04", kind: "cuda-lts", kernel: "6.8.0-1044-azure")
        ),
        (
            " kernel : \"6.8.0\"\r\ndriver_version: '595.91.07'\r\ndriver_kind = grid-v20",
            AKSMarker(version: "595.91.07", kind: "grid-v20", kernel: "6.8.0")
        ),
        (
            "{\n  \"kernel\": \"6.8.0\",\n  \"driver_kind\": \"cuda\"\n}\n",
            AKSMarker(version: nil, kind: "cuda", kernel: "6.8.0")
        ),
        (
            "driver_version=580.159.04\ndriver_version=595.71.05\ndriver_kind=\n",
            AKSMarker(version: "595.71.05", kind: nil, kernel: nil)
        ),
        ("kernel=6.8.0-1044-azure\ndriver_ver", AKSMarker(version: nil, kind: nil, kernel: "6.8.0-1044-azure")),
        ("", AKSMarker(version: nil, kind: nil, kernel: nil)),
        ("prebaked by hand, do not touch\n", AKSMarker(version: nil, kind: nil, kernel: nil)),
        ("driver_version=\0\0\0\0", AKSMarker(version: nil, kind: nil, kernel: nil)),
    ])
    func readsTheMarkerOfAKS(_ text: String, _ expected: AKSMarker) async throws {
        try tree.write("opt/azure/aks-gpu/dkms-marker", text)
        #expect(await claims().aksMarker == .present(expected))
    }

    @Test func takesNoTextOutOfAMarkerOfRandomBytes() async throws {
        var generator = SeededGenerator(seed: 17)
        for _ in 0..<200 {
            let junk = (0..<Int.random(in: 0...300, using: &generator)).map { _ in
                UInt8.random(in: 0...255, using: &generator)
            }
            try tree.write("opt/azure/aks-gpu/dkms-marker", bytes: Array("driver_version=".utf8) + [0xff] + junk)
            let marker = try #require(await claims().aksMarker.value)
            #expect(marker.version == nil)
        }
    }

    // The driver container

    private func writeContainer() throws {
        let libraries = "run/nvidia/driver/usr/lib/x86_64-linux-gnu"
        try tree.write("\(libraries)/libnvidia-ml.so.580.105.08", "")
        // Absolute, and so inside the container's own root.
        try tree.link("\(libraries)/libnvidia-ml.so.1", to: "/usr/lib/x86_64-linux-gnu/libnvidia-ml.so.580.105.08")
        try tree.write("run/nvidia/nvidia-driver.pid", "4711\n")
        try tree.write("run/nvidia/validations/driver-ready", "")
        try tree.write("run/nvidia/validations/.driver-ctr-ready", "")
    }

    @Test func seesTheRootOfADriverContainerAndTheLibraryInIt() async throws {
        try writeContainer()
        // The same place on the host leads nowhere.
        var expected = DriverContainer(
            isMounted: true,
            version: "580.105.08",
            hasPIDFile: true,
            validations: [".driver-ctr-ready", "driver-ready"]
        )
        expected.isHostRoot = false
        #expect(await claims().driverContainer == .present(expected))
        try tree.write(
            "proc/1/mountinfo",
            "36 35 0:55 / /run/nvidia/driver rw,relatime shared:1 - overlay overlay rw\n"
        )
        #expect(await claims().driverContainer == .present(expected))
    }

    @Test func aDirectoryThatIsNoMountPointIsWhatAContainerLeft() async throws {
        try writeContainer()
        try tree.write(
            "proc/1/mountinfo",
            "36 35 0:55 / /run/nvidia/driver2 rw - overlay overlay rw\n22 1 8:1 / / rw - ext4 x rw\n"
        )
        let container = try #require(await claims().driverContainer.value)
        #expect(!container.isMounted)
        #expect(container.version == nil)
        #expect(container.hasPIDFile)
    }

    @Test(arguments: ["run/nvidia/driver", "run/nvidia/validations"])
    func anEmptyDirectoryIsNoMountButATrace(_ path: String) async throws {
        try tree.makeDirectory(path)
        var expected = DriverContainer(isMounted: false, version: nil, hasPIDFile: false, validations: [])
        expected.isHostRoot = false
        #expect(await claims().driverContainer == .present(expected))
    }

    @Test(
        arguments: [
            ("", nil), ("GDS_ENABLED: false\nGDRCOPY_ENABLED: true\n", nil), ("---\n# ready\n{}\n", nil),
            ("A: true # since Monday\nb-c:\n", nil), ("ready since Monday\n", "ready since Monday"),
            ("GDS_ENABLED: maybe", "GDS_ENABLED: maybe"), ("A: true\nB=true\n", "B=true"), ("a b: true", "a b: true"),
        ] as [(String, String?)]
    ) func readsTheMarkerOfADriverContainer(_ text: String, _ line: String?) async throws {
        try tree.write("run/nvidia/validations/.driver-ctr-ready", text)
        let container = try #require(await claims().driverContainer.value)
        #expect(container.hasMarker)
        #expect(container.markerProblem == line.map { "'\($0)' is not a name with true or false" })
    }

    /// A mount of the kubelet can make a directory in the place of a file.
    @Test func aMarkerThatIsADirectoryIsAProblemOfTheMarker() async throws {
        try tree.makeDirectory("run/nvidia/validations/.driver-ctr-ready")
        let container = try #require(await claims().driverContainer.value)
        #expect(container.markerProblem?.contains("/run/nvidia/validations/.driver-ctr-ready") == true)
    }

    @Test func aLinkToTheHostsOwnRootIsNoContainer() async throws {
        try tree.link("run/nvidia/driver", to: "/")
        let container = try #require(await claims().driverContainer.value)
        #expect(!container.isMounted)
    }

    @Test(.enabled(if: PrivateHost.isPossible, PrivateHost.reason))
    func tellsABindMountOfTheHostsRootFromAnotherRoot() async throws {
        try await PrivateHost.with { host in
            func run(_ script: String) async throws {
                _ = try await host.commands.run(["sh", "-ec", script], deadline: .seconds(60))
            }
            func isMounted() async -> Bool? {
                let probe = ClaimProbe(root: host.root, commands: nil)
                return await probe.claimFacts().driverContainer.value?.isMounted
            }
            #expect(await isMounted() == nil)
            try await run("mkdir -p /run/nvidia/driver/left-over")
            #expect(await isMounted() == false)
            try await run("mount --bind / /run/nvidia/driver")
            #expect(await isMounted() == false)
            try await run(
                "umount /run/nvidia/driver; mkdir -p /run/other/usr; mount --rbind /run/other /run/nvidia/driver"
            )
            #expect(await isMounted() == true)
        }
    }

    // GRID

    @Test func passesOverAMaskedUnit() async throws {
        try tree.write("dev/null", "")
        try tree.link("etc/systemd/system/nvidia-gridd.service", to: "/nowhere")
        try tree.makeDirectory("run/systemd/system/nvidia-gridd.service")
        #expect(await claims().gridUnit == .absent)
        try tree.write("lib/systemd/system/nvidia-gridd.service", "")
        #expect(await claims().gridUnit == .present("/lib/systemd/system/nvidia-gridd.service"))
    }

    // What hangs

    @Test func aReadThatHangsCostsOneThreadAndHidesNoOther() async throws {
        let pipe = try TemporaryDirectory()
        let path = pipe.path("pipe")
        try #require(mkfifo(path, 0o644) == 0)
        try tree.write("run/nvidia/nvidia-driver.pid", "1")
        let files = ReadQueue()
        // Opening a pipe that nobody writes waits for ever.
        let hung: Reading<Int> = await files.read("the pipe", within: .milliseconds(100)) {
            close(open(path, O_RDONLY))
            return .present(1)
        }
        #expect(hung == .unreadable(ReadFailure(.hang, "the pipe: no answer within 0.1 seconds")))
        let behind: Reading<Int> = await files.read("the next", within: .milliseconds(100)) {
            Issue.record("this read begins after its deadline")
            return .present(2)
        }
        #expect(behind.failure?.reason == .hang)
        #expect(await ReadQueue().read("another", within: .seconds(60)) { .present(3) } == .present(3))
        let writer = open(path, O_WRONLY)
        close(writer)
        #expect(await files.read("the next", within: .seconds(60)) { .present(4) } == .present(4))
    }
}
