import Catalog
import CoreSupport
import Documents
import NodeModel
import Support
import TestSupport
import Testing

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
