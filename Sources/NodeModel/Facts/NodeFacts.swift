/// Everything that the agent knows about a node at one moment.
///
/// `gpu-agent facts` prints the facts, and every command that decides accepts them with `--facts FILE`. So the facts in
/// a bug report can become a test, and a dry run does not need root.
package struct NodeFacts: Codable, Sendable, Equatable {
    /// The API version of every document that the agent prints or reads.
    ///
    /// Within one API version, documents only gain fields.
    package static let currentAPIVersion = "gpu-agent/v1"
    package static let documentKind = "NodeFacts"

    package var apiVersion: String
    package var kind: String
    package var host: HostFacts
    /// Every PCI function of vendor 10de, sorted by address; empty when the bus has none.
    package var pci: Reading<[PCIFunction]>
    /// The PCI functions whose IDs or class could not be read.
    ///
    /// Any of them may be a GPU.
    package var unidentified: [UnidentifiedFunction]
    package var driver: DriverFacts
    /// The traces of driver owners.
    package var claims: ClaimFacts
    package var build: BuildFacts
    package var vendor: Reading<VendorFacts>
    /// The last lines of the kernel log about the GPUs that do not work, the oldest first.
    ///
    /// Skipped when every GPU answers.
    package var kernelLog: Reading<[String]>
    /// The most GPUs that a daemon saw on this node; absent when no daemon has run here.
    package var seenGPUs: Reading<SeenGPUs>
    /// The errors of the GPUs that the kernel log reported, also in earlier boots.
    package var gpuEvents: Reading<GPUEventFacts>
    /// What the host shows about the license of its vGPUs; skipped when no vGPU lacks one
    /// and none ends soon.
    package var licensing: Reading<LicensingFacts>
    /// The MIG layouts that the GPUs should have; absent when none is recorded on the host.
    package var wantedMIG: Reading<WantedMIGLayout>
    /// The MIG layout that a label of the Node names and that is not there; nil when a daemon knows of none.
    package var labelMIG: MIGLabelWish?
    /// What the container runtime of the host reads; nil when the agent did not read it.
    package var runtime: RuntimeFacts?
    /// What is known of NVIDIA's device plugin; nil when the agent did not look for it.
    package var devicePlugin: DevicePluginFacts?
    /// What a daemon waits for before the node is ready; nil when none waits.
    package var offerWait: OfferWait?

    package init(
        host: HostFacts,
        pci: Reading<[PCIFunction]>,
        unidentified: [UnidentifiedFunction] = [],
        driver: DriverFacts,
        claims: ClaimFacts,
        build: BuildFacts,
        vendor: Reading<VendorFacts>,
        kernelLog: Reading<[String]> = .skipped(NodeFacts.everyGPUAnswers),
        seenGPUs: Reading<SeenGPUs> = .absent,
        gpuEvents: Reading<GPUEventFacts> = .absent,
        licensing: Reading<LicensingFacts> = .skipped(NodeFacts.everyVGPUIsLicensed),
        wantedMIG: Reading<WantedMIGLayout> = .absent,
        labelMIG: MIGLabelWish? = nil,
        runtime: RuntimeFacts? = nil,
        devicePlugin: DevicePluginFacts? = nil,
        offerWait: OfferWait? = nil
    ) {
        apiVersion = Self.currentAPIVersion
        kind = Self.documentKind
        self.host = host
        self.pci = pci
        self.unidentified = unidentified
        self.driver = driver
        self.claims = claims
        self.build = build
        self.vendor = vendor
        self.kernelLog = kernelLog
        self.seenGPUs = seenGPUs
        self.gpuEvents = gpuEvents
        self.licensing = licensing
        self.wantedMIG = wantedMIG
        self.labelMIG = labelMIG
        self.runtime = runtime
        self.devicePlugin = devicePlugin
        self.offerWait = offerWait
    }

    /// Why the agent did not read the kernel log of a node without a fault.
    package static let everyGPUAnswers = "every GPU answers"

    /// The GPUs on the PCI bus; also empty when the bus could not be read (see `pci`).
    package var gpus: [PCIFunction] { (pci.value ?? []).filter(\.isGPU) }

    /// The facts without the GPUs at these addresses, neither on the bus, nor in NVML and CUDA, nor among those seen
    /// before.
    package func without(_ addresses: [PCIAddress]) -> NodeFacts {
        guard !addresses.isEmpty else { return self }
        var facts = self
        facts.pci = pci.map { functions in functions.filter { !addresses.contains($0.address) } }
        facts.vendor = vendor.map { $0.without(addresses) }
        facts.seenGPUs = seenGPUs.map { seen in
            var seen = seen
            seen.addresses.removeAll(where: addresses.contains)
            return seen
        }
        facts.gpuEvents = gpuEvents.map { $0.without(addresses) }
        facts.wantedMIG = wantedMIG.map { $0.without(addresses) }
        return facts
    }

    /// Reads facts of this version of the agent and of earlier versions.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        apiVersion = try container.decode(String.self, forKey: .apiVersion)
        kind = try container.decode(String.self, forKey: .kind)
        host = try container.decode(HostFacts.self, forKey: .host)
        pci = try container.decode(Reading<[PCIFunction]>.self, forKey: .pci)
        unidentified = try container.decodeIfPresent([UnidentifiedFunction].self, forKey: .unidentified) ?? []
        driver = try container.decode(DriverFacts.self, forKey: .driver)
        claims =
            try container.decodeIfPresent(ClaimFacts.self, forKey: .claims)
            ?? .skipped(Reading<ClaimFacts>.notRecorded)
        build = try container.decode(BuildFacts.self, forKey: .build)
        vendor = try container.decode(Reading<VendorFacts>.self, forKey: .vendor)
        kernelLog = try container.decode(Reading<[String]>.self, forKey: .kernelLog)
        seenGPUs = try container.decode(Reading<SeenGPUs>.self, forKey: .seenGPUs)
        gpuEvents =
            try container.decodeIfPresent(Reading<GPUEventFacts>.self, forKey: .gpuEvents)
            ?? .skipped(Reading<GPUEventFacts>.notRecorded)
        licensing =
            try container.decodeIfPresent(Reading<LicensingFacts>.self, forKey: .licensing)
            ?? .skipped(Reading<LicensingFacts>.notRecorded)
        wantedMIG = try container.decode(Reading<WantedMIGLayout>.self, forKey: .wantedMIG)
        labelMIG = try container.decodeIfPresent(MIGLabelWish.self, forKey: .labelMIG)
        runtime = try container.decodeIfPresent(RuntimeFacts.self, forKey: .runtime)
        devicePlugin = try container.decodeIfPresent(DevicePluginFacts.self, forKey: .devicePlugin)
        offerWait = try container.decodeIfPresent(OfferWait.self, forKey: .offerWait)
    }
}
