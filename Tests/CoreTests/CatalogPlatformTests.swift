import Catalog
import CoreSupport
import NodeModel
import Reporting
import TestSupport
import Testing

@Suite struct CatalogPlatformTests {
    static let azureTag = "7783-7084-3265-9085-8269-3286-77"

    @Test(
        arguments: [
            ("Microsoft Corporation", azureTag, "azure"), ("Microsoft Corporation", "1234-5678", "hyper-v"),
            ("Microsoft Corporation", nil, "hyper-v"), ("Amazon EC2", nil, "aws"), ("Google", nil, "gcp"),
            ("QEMU", "OracleCloud.com", "oci"), ("Oracle Corporation", "OracleCloud.com", "oci"),
            ("Alibaba Cloud", nil, "alibaba"), ("DigitalOcean", nil, "digitalocean"), ("Scaleway", nil, "scaleway"),
            ("Vultr", nil, "vultr"), ("OpenStack Foundation", nil, "openstack"), ("Nutanix", nil, "nutanix"),
            ("VMware, Inc.", "No Asset Tag", "vmware"), ("Xen", nil, "xen"), ("QEMU", nil, "kvm"),
            ("Dell Inc.", nil, nil), ("Supermicro", "", nil), ("NVIDIA", nil, nil), (nil, nil, nil),
            ("qemu", nil, nil), (nil, azureTag, nil),
        ] as [(String?, String?, String?)]
    )
    func tellsAMachineByItsFirmware(_ vendor: String?, _ tag: String?, _ platform: String?) throws {
        let dmi = DMIFacts(systemVendor: vendor, productName: nil, chassisAssetTag: tag)
        #expect(try Self.platform(dmi) == platform)
    }

    /// Machines that show the vendor of their hypervisor, and the cloud in another text.
    @Test(
        arguments: [
            (DMIFacts(systemVendor: "Xen", productName: "HVM domU", chassisAssetTag: nil), "xen"),
            (
                DMIFacts(
                    systemVendor: "Xen",
                    productName: "HVM domU",
                    chassisAssetTag: nil,
                    productVersion: "4.11.amazon"
                ), "aws"
            ),
            (DMIFacts(systemVendor: "Xen", productName: nil, chassisAssetTag: nil, biosVersion: "4.2.amazon"), "aws"),
            (
                DMIFacts(
                    systemVendor: "Xen",
                    productName: nil,
                    chassisAssetTag: nil,
                    productUUID: "EC2A1B2C-0000-1111-2222-333344445555"
                ), "aws"
            ),
            (
                DMIFacts(
                    systemVendor: "Xen",
                    productName: nil,
                    chassisAssetTag: nil,
                    hypervisorVersion: "4.11.amazon"
                ), "aws"
            ),
            (DMIFacts(systemVendor: "Xen", productName: nil, chassisAssetTag: nil, productVersion: "4.17"), "xen"),
            (
                DMIFacts(systemVendor: "Example", productName: nil, chassisAssetTag: nil, productVersion: "4.amazon"),
                nil
            ),
            (DMIFacts(systemVendor: "RDO", productName: "OpenStack Compute", chassisAssetTag: nil), "openstack"),
            (DMIFacts(systemVendor: "Red Hat", productName: "KVM", chassisAssetTag: nil), "kvm"),
            (DMIFacts(systemVendor: "Red Hat", productName: "RHEV Hypervisor", chassisAssetTag: nil), nil),
        ] as [(DMIFacts, String?)]
    )
    func tellsACloudByFurtherTexts(_ dmi: DMIFacts, _ platform: String?) throws {
        #expect(try Self.platform(dmi) == platform)
    }

    /// A machine whose firmware could not be read in full, or an older file of facts without the further strings.
    @Test(
        arguments: [
            ("Xen", "6.1.141-155.222.amzn2023.x86_64", "aws"), ("Xen", "6.8.0-1044-aws", "aws"),
            ("Xen", "6.8.0-60-generic", "xen"), ("QEMU", "6.1.141-155.222.amzn2023.x86_64", "kvm"),
        ]
    )
    func onXenTheKernelTellsAmazon(_ vendor: String, _ kernel: String, _ platform: String) throws {
        let dmi = DMIFacts(systemVendor: vendor, productName: "HVM domU", chassisAssetTag: nil)
        #expect(try Self.platform(dmi, kernel: kernel) == platform)
    }

    private static func platform(_ dmi: DMIFacts, kernel: String = "6.8.0-60-generic") throws -> String? {
        var host = NodeFacts.noGPU.host
        host.dmi = .present(dmi)
        host.kernelRelease = .present(kernel)
        return try repositoryCatalog().platforms.first { $0.matches(host) }?.name
    }

    @Test func aFurtherRuleNeedsTwoTexts() throws {
        let text = "platforms:\n  - name: p\n    systemVendor: V\n    also:\n      - {systemVendor: Xen}\n"
        #expect(try catalogProblems(text) == ["5:9: a rule of a platform needs at least two fields"])
    }

    @Test func everyPlatformThatADriverIsForIsKnown() throws {
        let catalog = try repositoryCatalog()
        #expect(Set(catalog.drivers.compactMap(\.platform)) == ["azure", "aws", "gcp"])
        #expect(catalog.platforms.count == 14)
    }

    @Test func ofOneListThePlatformThatAsksForMostIsTriedFirst() throws {
        let vendor = CatalogPlatform(name: "vendor", systemVendor: "V", chassisAssetTag: nil)
        let tag = CatalogPlatform(name: "tag", systemVendor: nil, chassisAssetTag: "T")
        let both = CatalogPlatform(name: "both", systemVendor: "V", chassisAssetTag: "T")
        for platforms in [[vendor, tag, both], [both, vendor, tag], [tag, both, vendor]] {
            #expect(Catalog(platforms: platforms).platforms == [both, tag, vendor])
        }
    }

    @Test func knowsWhatTheHostsOfACloudRun() throws {
        #expect(try repositoryCatalog().platforms.first { $0.name == "azure" }?.vgpuHosts == [0x2236: 18, 0x2bb5: 20])
        let read = try readCatalog(
            "platforms:\n  - name: p\n    systemVendor: V\n    vgpuHosts: {2236: 18, 2BB5: 20}\n"
        )
        #expect(read.catalog.platforms.first?.vgpuHosts == [0x2236: 18, 0x2bb5: 20])
        #expect(
            try catalogProblems(
                "platforms:\n  - name: p\n    systemVendor: V\n    vgpuHosts: {2bb5: 0, 1: 18, 2236: 18, 2236: 19}\n"
            ) == [
                "4:23: a vGPU release '0' is not a whole number greater than 0",
                "4:26: a device '1' is not four hexadecimal digits",
                "4:43: duplicate device '2236' in vgpuHosts",
            ]
        )
    }
}
