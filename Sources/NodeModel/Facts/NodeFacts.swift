/// Everything the agent knows about one node at one moment, as a plain value.
///
/// `gpu-agent facts` prints it and every command that decides takes it back with `--facts FILE`: a bug report is a
/// fixture, and a dry run needs no root.
package struct NodeFacts: Codable, Sendable, Equatable {
    /// The version of every document that the agent prints or reads.
    ///
    /// Documents of one version only ever grow.
    package static let currentAPIVersion = "gpu-agent/v1"
    package static let documentKind = "NodeFacts"

    package var apiVersion: String
    package var kind: String
    package var host: HostFacts
    /// Every PCI function of vendor 10de, in order of address; an empty list when the bus was read and has none.
    package var pci: Reading<[PCIFunction]>
    /// Functions whose ids or class could not be read: any of them may be a GPU.
    package var unidentified: [UnidentifiedFunction]
    package var driver: DriverFacts
    /// Who has, or claims, the driver of this host.
    package var claims: ClaimFacts
    package var build: BuildFacts
    package var vendor: Reading<VendorFacts>

    package init(
        host: HostFacts,
        pci: Reading<[PCIFunction]>,
        unidentified: [UnidentifiedFunction] = [],
        driver: DriverFacts,
        claims: ClaimFacts,
        build: BuildFacts,
        vendor: Reading<VendorFacts>
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
    }

    /// The GPUs on the bus; empty when there are none or the bus could not be read (see `pci`).
    package var gpus: [PCIFunction] { (pci.value ?? []).filter(\.isGPU) }

    /// Reads facts of this version of the agent, and those of earlier ones, which recorded less.
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
    }
}
