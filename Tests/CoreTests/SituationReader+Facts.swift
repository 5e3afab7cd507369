import Catalog
import Documents
import NodeModel
import Reporting
import Selection
import TestSupport

/// A machine of the tables, with the values of its firmware and its processor.
struct SituationMachine: Sendable {
    var dmi: Reading<DMIFacts>
    var hypervisor: Reading<Bool> = .skipped("not inspected")
    /// The name of the platform in a decision; nil when it is unknown.
    var name: String?
    /// The release of its kernel; nil when it does not tell the platform.
    var kernel: String?

    /// Virtual machines that only their kernel tells from others.
    static let byKernel: [String: SituationMachine] = [
        "aws-xen-amazon-linux": xen(kernel: "6.1.141-155.222.amzn2023.x86_64") { _ in },
        "aws-xen-ubuntu": xen(kernel: "6.8.0-1044-aws") { _ in },
    ]

    /// Virtual machines of clouds and hypervisors, bare-metal servers of a cloud, and other servers.
    static let all: [String: SituationMachine] = [
        "azure": SituationMachine(dmi: .present(.azure), hypervisor: .present(true), name: "azure"),
        "aws": virtual("Amazon EC2", "g6.xlarge", name: "aws"),
        "aws-metal": SituationMachine(dmi: dmi("Amazon EC2", "g4dn.metal"), hypervisor: .present(false), name: "aws"),
        "aws-xen": xen { $0.productVersion = "4.11.amazon" },
        "aws-xen-bios": xen { $0.biosVersion = "4.2.amazon" },
        "aws-xen-uuid": xen { $0.productUUID = "EC2A1B2C-0000-1111-2222-333344445555" },
        "aws-xen-hypervisor": xen { $0.hypervisorVersion = "4.11.amazon" },
        "openstack-rdo": virtual("RDO", "OpenStack Compute", name: "openstack"),
        "kvm-redhat": virtual("Red Hat", "KVM", name: "kvm"),
        "kubevirt": virtual("Example", "KubeVirt", name: "kvm"),
        "gcp": virtual("Google", "Google Compute Engine", name: "gcp"),
        "oci": virtual("QEMU", "Standard PC (i440FX + PIIX, 1996)", tag: "OracleCloud.com", name: "oci"),
        "oci-metal": SituationMachine(
            dmi: dmi("Oracle Corporation", "BM.GPU.H100.8", tag: "OracleCloud.com"),
            hypervisor: .present(false),
            name: "oci"
        ),
        "alibaba": virtual("Alibaba Cloud", "Alibaba Cloud ECS", name: "alibaba"),
        "digitalocean": virtual("DigitalOcean", "Droplet", name: "digitalocean"),
        "scaleway": virtual("Scaleway", "SCW-L4-1-24G", name: "scaleway"),
        "vultr": virtual("Vultr", "VHF", name: "vultr"),
        "openstack": virtual("OpenStack Foundation", "Nova", name: "openstack"),
        "nutanix": virtual("Nutanix", "AHV", name: "nutanix"),
        "hyper-v": virtual("Microsoft Corporation", "Virtual Machine", tag: "1234-5678", name: "hyper-v"),
        "vmware": virtual("VMware, Inc.", "VMware20,1", tag: "No Asset Tag", name: "vmware"),
        "xen": virtual("Xen", "HVM domU", name: "xen"),
        "kvm": virtual("QEMU", "Standard PC (Q35 + ICH9, 2009)", name: "kvm"),
        "bare-metal": SituationMachine(
            dmi: dmi("Supermicro", "SYS-821GE-TNHR", tag: ""),
            hypervisor: .present(false),
            name: "bare-metal"
        ),
        "azure-tag-elsewhere": virtual(
            "Example Cloud",
            "gpu.large",
            tag: "7783-7084-3265-9085-8269-3286-77",
            name: nil
        ),
        "another-cloud": virtual("Example Cloud", "gpu.large", name: nil),
        "unknown": SituationMachine(dmi: .absent),
        "unreadable": SituationMachine(dmi: .unreadable(.denied)),
    ]

    private static func virtual(_ vendor: String, _ product: String, tag: String? = nil, name: String?) -> Self {
        SituationMachine(dmi: dmi(vendor, product, tag: tag), hypervisor: .present(true), name: name)
    }

    /// A machine of Amazon that shows Xen as its vendor.
    private static func xen(kernel: String? = nil, _ change: (inout DMIFacts) -> Void) -> Self {
        var dmi = DMIFacts(systemVendor: "Xen", productName: "HVM domU", chassisAssetTag: nil)
        change(&dmi)
        return SituationMachine(dmi: .present(dmi), hypervisor: .present(true), name: "aws", kernel: kernel)
    }

    private static func dmi(_ vendor: String, _ product: String, tag: String? = nil) -> Reading<DMIFacts> {
        .present(DMIFacts(systemVendor: vendor, productName: product, chassisAssetTag: tag))
    }
}

extension NodeFacts {
    /// A node with no findings: every fact was read, and nothing was found.
    static let bare = NodeFacts.noGPU.with { $0.host.dmi = .absent }
}

extension DocumentReader {
    /// Reads the functions of vendor 10de on the bus, and the results of NVML for them.
    mutating func functions(_ fields: Fields, _ facts: inout NodeFacts) {
        var functions: [PCIFunction] = []
        var gpus: [GPUFacts] = []
        for node in items(fields["gpus"], of: "gpus") {
            let form = "a GPU such as 8x 2330 sub 10de:16c1"
            guard let read = value(node, "a GPU", form: form, CompactFunction.init) else { continue }
            for _ in 0..<read.count {
                var function = read.function
                function.address = PCIAddress(domain: 0, bus: UInt8(functions.count + 1), device: 0, function: 0)
                functions.append(function)
                guard let mode = read.virtualization else { continue }
                var gpu = GPUFacts.h100
                gpu.pciAddress = .present(function.address)
                gpu.virtualization = .present(mode)
                gpu.license = read.license.map { .present($0) } ?? .absent
                gpus.append(gpu)
            }
        }
        facts.pci = .present(functions)
        if !gpus.isEmpty { facts.vendor = .answering("580.105.08", gpus: gpus) }
    }

    /// Reads the parts of NVIDIA's driver on the host.
    mutating func driver(_ fields: Fields, _ facts: inout NodeFacts) {
        if let node = fields["installed"] {
            let form = "a driver such as datacenter 580.126.09 open"
            facts.driver = value(node, "installed", form: form, DriverFacts.init(compact:)) ?? .none
            // NVML answers for the driver that is loaded.
            if let version = facts.driver.loadedVersion.value {
                facts = facts.withNVML { $0.driverVersion = version }
            }
        }
        if let node = fields["sources"] {
            for (key, node) in pairs(node, of: "sources") { source(key, node, &facts.driver) }
        }
        if let node = fields["modules"] {
            facts.driver.loadedModules = .present(items(node, of: "modules").compactMap { text($0, "a module") })
        }
        if let node = fields["record"], let text = text(node, "record") {
            facts.driver.record = record(text, of: facts.driver)
            if facts.driver.record.isAbsent { report("'\(text)' is no record", at: node) }
        }
    }

    private mutating func source(_ key: String, _ node: DocumentNode, _ driver: inout DriverFacts) {
        guard let text = text(node, key) else { return }
        func reading<Value>(_ make: (String) -> Value) -> Reading<Value> {
            switch text {
            case "none": .absent
            case "unreadable": .unreadable(.denied)
            case "damaged": .unreadable(ReadFailure(.malformed, "not a file of a driver"))
            default: .present(make(text))
            }
        }
        let kernelModuleType = driver.runningModule.value?.kernelModuleType ?? .proprietary
        switch key {
        case "loaded": driver.loadedVersion = reading { $0 }
        case "proc": driver.runningModule = reading { RunningModule(version: $0, kernelModuleType: kernelModuleType) }
        case "module":
            driver.moduleFile = reading {
                ModuleFile(path: "/lib/nvidia.ko", version: $0, kernelModuleType: kernelModuleType)
            }
        case "libnvidia-ml": driver.nvmlLibrary = reading { .inLibraries("libnvidia-ml", $0) }
        case "libcuda": driver.cudaLibrary = reading { .inLibraries("libcuda", $0) }
        case "second-directory":
            driver.otherLibraries = reading { version in
                ["libcuda", "libnvidia-ml"].map {
                    LibraryFile(path: "/usr/bin/lib64/\($0).so.\(version)", version: version)
                }
            }
        case "gridd": driver.gridDaemon = reading { $0 }
        default: report("'\(key)' is no source of a version", at: node)
        }
    }

    /// `installed`, `changing 595.71.05 replaces 580.126.09`, `changing 595.91.07 over aks-image`, `unreadable`.
    private func record(_ text: String, of driver: DriverFacts) -> Reading<InstallRecord> {
        var words = Words(text)
        guard let word = words.next(), word != "unreadable" else { return .unreadable(.denied) }
        guard let state = InstallRecord.State(rawValue: word) else { return .absent }
        var record = InstallRecord(
            state: state,
            kind: driver.gridDaemon.isAbsent ? .datacenter : .grid,
            version: driver.sources.first?.version ?? "595.71.05",
            kernelModuleType: driver.runningModule.value?.kernelModuleType ?? .open,
            kernelRelease: NodeFacts.kernel,
            artifactHash: String(repeating: "ab", count: 32)
        )
        while let word = words.next() {
            switch word {
            case "replaces": record.replaces = words.next()
            case "over": record.takesOver = words.next().flatMap(DriverOwner.init)
            default: record.version = word
            }
        }
        return .present(record)
    }

    /// Reads the traces of driver owners, and the processes that use the driver.
    mutating func claims(_ fields: Fields, _ facts: inout NodeFacts) {
        for node in items(fields["traces"], of: "traces") {
            guard let text = text(node, "a trace") else { continue }
            if !trace(text, &facts.claims) { report("'\(text)' is no trace", at: node) }
        }
        if let node = fields["labels"] {
            if case .scalar("unreadable", _) = node.content {
                facts.claims.nodeLabels = .unreadable(ReadFailure(.permission, "no token"))
            } else {
                let labels = pairs(node, of: "labels").map { key, node -> (String, String) in
                    guard case .scalar(let text, _) = node.content else { return (key, "") }
                    return (key, text)
                }
                facts.claims.nodeLabels = .present(Dictionary(labels) { $1 })
            }
        }
        if let node = fields["users"] {
            if case .scalar("unreadable", _) = node.content {
                facts.claims.deviceUsers = .unreadable(.denied)
            } else {
                let names = items(node, of: "users").compactMap { text($0, "a process") }
                facts.claims.deviceUsers = .present(
                    names.enumerated().map { DeviceUser(pid: 4000 + $0, command: $1, nodes: ["nvidiactl"]) }
                )
            }
        }
    }

    private func trace(_ text: String, _ claims: inout ClaimFacts) -> Bool {
        var words = Words(text)
        let kind = words.next() ?? ""
        switch kind {
        case "dpkg", "rpm":
            guard let manager = PackageManagers.named(.init(rawValue: kind))?.manager, let name = words.next(),
                let version = words.next()
            else { return false }
            let package = DriverPackage(manager: manager, name: name, version: version)
            claims.packages = .present((claims.packages.value ?? []) + [package])
        case "runfile":
            guard let version = words.next() else { return false }
            claims.runfile = .present(version)
        case "dkms":
            guard let name = words.next(), let version = words.next() else { return false }
            let tree = DKMSTree(name: name, version: version, kernels: [NodeFacts.kernel])
            claims.dkms = .present((claims.dkms.value ?? []) + [tree])
        case "aks":
            // A marker that was cut off names nothing.
            let version = words.next()
            let marker = AKSMarker(version: version, kind: words.next(), kernel: version.map { _ in NodeFacts.kernel })
            claims.aksMarker = .present(
                version == "truncated" ? AKSMarker(version: nil, kind: nil, kernel: nil) : marker
            )
        case "driver-container", "driver-pid", "validations":
            claims.driverContainer = .present(
                DriverContainer(
                    isMounted: kind == "driver-container",
                    version: words.next(),
                    hasPIDFile: kind == "driver-pid",
                    validations: kind == "validations" ? [".driver-ctr-ready", "driver-ready"] : []
                )
            )
        case "gridd-unit": claims.gridUnit = .present("/etc/systemd/system/nvidia-gridd.service")
        default: return false
        }
        return words.isEmpty
    }

    /// Reads a driver that a row adds: `grid/azure 580.1 open release 19 channel lts unverified`.
    mutating func driver(_ node: DocumentNode) -> CatalogDriver? {
        value(node, "a driver", form: "a driver such as grid/azure 580.1 open release 19", CatalogDriver.init(compact:))
    }
}

extension LibraryFile {
    static func inLibraries(_ name: String, _ version: String) -> LibraryFile {
        LibraryFile(path: "/usr/lib/x86_64-linux-gnu/\(name).so.\(version)", version: version)
    }
}
