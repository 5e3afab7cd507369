import Catalog
import Documents
import FoundationEssentials
import NodeModel
import Support
import TestSupport
import Testing

/// The files of `catalog/`, read as the agent reads them.
func repositoryDocuments() throws -> [CatalogDocument] {
    let directory = fixture("../../catalog")
    let names = try FileManager.default.contentsOfDirectory(atPath: directory).filter { $0.hasSuffix(".yaml") }
    try #require(!names.isEmpty)
    return try names.sorted().map { name in
        try readCatalog([UInt8](try Data(contentsOf: URL(filePath: "\(directory)/\(name)"))), file: name)
    }
}

/// The repository's own catalog.
func repositoryCatalog() throws -> Catalog {
    try repositoryDocuments().reduce(Catalog()) { $0.merged(with: $1.catalog) }
}

/// The repository's catalog with the four drivers alone that the tests of the choice name.
///
/// So a driver that is added to the catalog changes none of them.
func fourDriverCatalog() throws -> Catalog {
    var catalog = try repositoryCatalog()
    let names = [
        "grid-azure-595.91.07-x86_64", "datacenter-595.71.05-x86_64", "datacenter-580.159.04-x86_64",
        "grid-azure-580.105.08-x86_64",
    ]
    catalog.drivers.removeAll { !names.contains($0.identity) }
    try #require(catalog.drivers.map(\.identity) == names)
    return catalog
}

func readCatalog(_ text: [UInt8], file: String) throws -> CatalogDocument {
    try CatalogDocument.read(try YAMLDocument.parse(text, file: file)).get()
}

/// A catalog document from the lines below its header.
func readCatalog(_ body: String) throws -> CatalogDocument {
    try readCatalog(Array((catalogHeader + body).utf8), file: "c.yaml")
}

/// The problems of a catalog document, each as `line:column: message`; the header is not counted.
func catalogProblems(_ body: String) throws -> [String] {
    switch CatalogDocument.read(try YAMLDocument.parse(catalogHeader + body, file: "c.yaml")) {
    case .success: []
    case .failure(let found): found.problems.map { "\($0.place.line - 2):\($0.place.column): \($0.message)" }
    }
}

let catalogHeader = "apiVersion: gpu-agent/v1\nkind: DriverCatalog\n"

extension CatalogDriver {
    /// A driver whose package has a checksum.
    static func datacenter(_ version: String, kernelModuleTypes: [KernelModuleType] = [.open, .proprietary]) throws
        -> Self
    {
        CatalogDriver(
            version: try #require(DriverVersion(version)),
            kind: .datacenter,
            kernelModuleTypes: kernelModuleTypes,
            artifact: .verified("https://example.com/NVIDIA-Linux-x86_64-\(version).run")
        )
    }

    static func grid(_ version: String, release: String?) throws -> Self {
        CatalogDriver(
            version: try #require(DriverVersion(version)),
            kind: .grid,
            platform: "azure",
            vgpuRelease: release,
            artifact: .verified("https://example.com/NVIDIA-Linux-x86_64-\(version)-grid-azure.run")
        )
    }
}

extension Artifact {
    static func verified(_ url: String) -> Artifact {
        Artifact(urls: [url], digest: Checksum(.sha256, String(repeating: "cd", count: 32)), size: 400 << 20)
    }
}
