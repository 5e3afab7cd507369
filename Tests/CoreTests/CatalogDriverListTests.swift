import Catalog
import CoreSupport
import NodeModel
import Selection
import Support
import Testing

/// Every driver that the catalog must have: its URL, and whether its checksum is known.
@Suite struct CatalogDriverListTests {
    /// A driver of the lists below: identity, URL, and whether a checksum is known.
    struct Listed: Sendable, CustomTestStringConvertible {
        var identity: String
        var url: String
        var release: String?
        var verified: Bool
        var testDescription: String { identity }
    }

    /// The release, the version, whether the checksum is known (`+`), and the folder of the download.
    private static let azure = rows(
        """
            20.2 595.91.07 + a7cb6d36-3bbc-43d6-9e88-e0842e6f9ab9
            20.0 595.58.03 - 51239696-ec04-4c02-a6b3-1d9c608fb57c
            19 580.105.08 + 85beffdc-8361-4df4-a823-dcb1b230a7aa
            18.6 570.211.01 - 2a04ca6a-9eec-40d9-9564-9cdea1ab795f
            18.5 570.195.03 - 0541e1a5-dff2-4b8c-a79c-96a7664b1d49
            18.1 570.133.20 - f5fdb58d-8a8b-4894-9add-6b93a1456f58
            17.55 550.144.06 - c5319e92-672e-4067-8d85-ab66a7a64db3
            17.4 550.127.05 - 7/e/c/7ec792c9-3654-4f78-b1a0-41a48e10ca6d
            16.5 535.161.08 - 8/d/a/8da4fb8e-3a9b-4e6a-bc9a-72ff64d7a13c
            16.3 535.154.05 - 1/4/4/14450d0e-a3f2-4b0a-9bb4-a8e729e986c4
            14.1 510.73.08 - 6/2/5/625e22a0-34ea-4d03-8738-a639acebc15e
        """
    ).map { row in
        Listed(
            identity: "grid-azure-\(row[1])-x86_64",
            url: "https://download.microsoft.com/download/\(row[3])/NVIDIA-Linux-x86_64-\(row[1])-grid-azure.run",
            release: row[0],
            verified: row[2] == "+"
        )
    }

    private static let aws = rows(
        """
            20.2 595.91.07 -
            19.5 580.159.03 +
            18.1 570.133.20 -
        """
    ).map { row in
        Listed(
            identity: "grid-aws-\(row[1])-x86_64",
            url: "https://s3.amazonaws.com/ec2-linux-nvidia-drivers/grid-\(row[0])/"
                + "NVIDIA-Linux-x86_64-\(row[1])-grid-aws.run",
            release: row[0],
            verified: row[2] == "+"
        )
    }

    private static let gcp = rows(
        """
            20.2 595.91.07 -
            19.6 580.178.04 -
            19.2 580.95.05 -
            19.1 580.82.07 -
            19.0 580.65.06 -
            18.4 570.172.08 +
            18.3 570.158.01 +
            18.2 570.148.08 +
            18.1 570.133.20 +
            18.0 570.124.06 +
            17.6 550.163.01 +
            17.5 550.144.03 +
            17.4 550.127.05 +
            17.3 550.90.07 +
            16.14 535.309.01 -
            16.11 535.261.03 +
            16.10 535.247.01 +
            16.9 535.230.02 +
            16.8 535.216.01 +
            16.5 535.161.08 +
            16.2 535.129.03 +
            16.0 535.54.03 -
        """
    ).map { row in
        Listed(
            identity: "grid-gcp-\(row[1])-x86_64",
            url: "https://storage.googleapis.com/nvidia-drivers-us-public/GRID/vGPU\(row[0])/"
                + "NVIDIA-Linux-x86_64-\(row[1])-grid.run",
            release: row[0],
            verified: row[2] == "+"
        )
    }

    /// Datacenter drivers with a checksum, from the download site of NVIDIA's workstation drivers.
    private static let unix = words(
        """
        610.43.03 595.99.02 595.84 595.71.05 595.58.03 580.178.04 580.173.02 580.126.18 580.119.02 580.105.08 580.95.05
        580.82.09 580.76.05 570.207 570.181 570.169 570.153.02 570.144 570.86.16 550.78 550.54.14 535.288.01 470.256.02
        """
    ).map { version in
        Listed(
            identity: "datacenter-\(version)-x86_64",
            url: "https://download.nvidia.com/XFree86/Linux-x86_64/\(version)/NVIDIA-Linux-x86_64-\(version).run",
            verified: true
        )
    }

    private static let tesla =
        tesla("590.48.01 580.159.04 580.159.03 570.172.08 565.57.01 535.154.05 535.129.03 520.61.05", verified: true)
        + tesla("580.159.03", .aarch64, verified: true)
        + tesla(
            """
            610.57.04 595.91.07 580.167.08 580.126.20 580.126.16 580.126.09 580.82.07 580.65.06 570.211.01 570.195.03
            570.158.01 570.148.08 570.133.20 570.124.06 570.86.15 550.163.01 550.144.03 550.127.08 535.247.01 535.230.02
            535.216.03 535.216.01 470.82.01
            """,
            verified: false
        )
        + tesla("595.91.07 580.178.04 535.216.01", .aarch64, verified: false)

    private static func tesla(_ versions: String, _ architecture: Architecture = .x86_64, verified: Bool) -> [Listed] {
        words(versions).map { version in
            Listed(
                identity: "datacenter-\(version)-\(architecture.rawValue)",
                url: "https://us.download.nvidia.com/tesla/\(version)/"
                    + "NVIDIA-Linux-\(architecture.rawValue)-\(version).run",
                verified: verified
            )
        }
    }

    private static func words(_ text: String) -> [String] { text.split { $0.isWhitespace }.map(String.init) }

    private static func rows(_ text: String) -> [[String]] { text.split(separator: "\n").map { words(String($0)) } }

    static let all = azure + aws + gcp + unix + tesla

    /// The differences between the drivers of a catalog and the list.
    static func faults(_ catalog: Catalog) -> [String] {
        var faults: [String] = []
        var drivers = Dictionary(catalog.drivers.map { ($0.identity, $0) }) { $1 }
        if drivers.count != catalog.drivers.count { faults.append("a driver stands twice") }
        for listed in all {
            guard let driver = drivers.removeValue(forKey: listed.identity) else {
                faults.append("\(listed.identity) is not in the catalog")
                continue
            }
            if driver.artifact.urls != [listed.url] { faults.append("\(listed.identity): \(driver.artifact.urls)") }
            if driver.vgpuRelease != listed.release { faults.append("\(listed.identity): another vGPU release") }
            // NVIDIA's datacenter releases are those of the path tesla, and each has a fabric manager.
            if (driver.fabricManager == true) != listed.url.contains("/tesla/") {
                faults.append("\(listed.identity): its fabric manager")
            }
            if (driver.artifact.digest != nil) != listed.verified { faults.append("\(listed.identity): its checksum") }
        }
        // vGPU 16 is the last with GRID drivers for Maxwell and Pascal.
        for gpu in catalog.gpus.values {
            let isOld = ["maxwell", "pascal"].contains(gpu.architecture)
            if gpu.maxWorkstationBranch != (isOld ? 535 : nil) { faults.append("\(gpu.id): as a workstation") }
        }
        return faults + drivers.keys.sorted().map { "\($0) is not in the list" }
    }

    /// An archive of another version would be installed beside the driver, and would not start.
    @Test func eachFabricManagerArchiveIsThatOfItsDriver() throws {
        let drivers = try repositoryCatalog().drivers.filter { $0.fabricManagerArchive != nil }
        #expect(drivers.map(\.version.description) == ["590.48.01", "580.159.04", "535.154.05", "535.129.03"])
        for driver in drivers {
            let archive = try #require(driver.fabricManagerArchive)
            let name = "fabricmanager-linux-x86_64-\(driver.version)-archive.tar.xz"
            #expect(archive.fileName == name && archive.digest?.hex.count == 64)
            #expect(archive.urls.allSatisfy { $0.hasPrefix("https://developer.download.nvidia.com/compute/") })
            #expect(driver.fabricManager == true && driver.architecture == .x86_64)
        }
    }

    @Test func hasEveryDriverAndNoOther() throws {
        #expect(Self.faults(try repositoryCatalog()) == [])
        #expect(Self.all.count == 94)
    }

    /// The driver that the agent selects without a request in the configuration.
    ///
    /// Every driver with a checksum wins over a driver without one.
    @Test func theNewestVerifiedDriverOfEachListIs() throws {
        let verified = try repositoryCatalog().drivers.filter { $0.artifact.digest != nil }
        let groups = Dictionary(grouping: verified) { "\($0.kind) \($0.platform ?? "any") \($0.architecture)" }
        #expect(
            Set(groups.values.compactMap(\.first?.identity)) == [
                "grid-azure-595.91.07-x86_64", "grid-aws-580.159.03-x86_64", "grid-gcp-570.172.08-x86_64",
                "datacenter-610.43.03-x86_64", "datacenter-580.159.03-aarch64",
            ]
        )
    }

    @Test func theFileOfEveryDriverNamesItsVersionAndArchitecture() throws {
        for driver in try repositoryCatalog().drivers {
            let part = driver.architecture == .aarch64 ? "aarch64" : "x86_64"
            let end =
                driver.kind == .datacenter
                ? ".run" : driver.platform == "gcp" ? "-grid.run" : "-grid-\(driver.platform ?? "").run"
            #expect(driver.artifact.fileName == "NVIDIA-Linux-\(part)-\(driver.version)\(end)")
        }
    }

    @Test func everyBranchIsOfItsChannel() throws {
        let channels: [Int: DriverChannel] = [
            610: .newFeature, 595: .production, 590: .newFeature, 580: .lts, 535: .lts, 470: .lts,
        ]
        for driver in try repositoryCatalog().drivers {
            #expect(driver.channel == channels[driver.version.branch], "\(driver.identity)")
        }
    }

    /// Azure's older GRID drivers cannot be installed on kernel 6.11.
    ///
    /// No other driver has a known limit.
    @Test func onlyAzuresOlderDriversHaveALimitOfKernels() throws {
        for driver in try repositoryCatalog().drivers {
            let isOld = driver.platform == "azure" && driver.version.branch < 580
            #expect(driver.kernels == (isOld ? KernelRange(last: KernelVersion("6.8")) : nil), "\(driver.identity)")
            #expect(driver.systems.isEmpty)
        }
    }
}
