package import Catalog
import Documents
import FoundationEssentials
import NodeModel
import Support
import TestSupport
import Testing

/// The files of `catalog/`, read as the agent reads them.
package func repositoryDocuments() throws -> [CatalogDocument] {
    let directory = fixture("../../catalog")
    let names = try FileManager.default.contentsOfDirectory(atPath: directory).filter { $0.hasSuffix(".yaml") }
    try #require(!names.isEmpty)
    return try names.sorted().map { name in
        try readCatalog([UInt8](try Data(contentsOf: URL(filePath: "\(directory)/\(name)"))), file: name)
    }
}

/// The repository's own catalog.
package func repositoryCatalog() throws -> Catalog {
    try repositoryDocuments().reduce(Catalog()) { $0.applying($1) }
}

/// The catalog of the repository with only the four drivers that the selection tests name.
///
/// So a new driver in the catalog does not change these tests.
package func fourDriverCatalog() throws -> Catalog {
    var catalog = try repositoryCatalog()
    let names = [
        "grid-azure-595.91.07-x86_64", "datacenter-595.71.05-x86_64", "datacenter-580.159.04-x86_64",
        "grid-azure-580.105.08-x86_64",
    ]
    catalog.drivers.removeAll { !names.contains($0.identity) }
    try #require(catalog.drivers.map(\.identity) == names)
    return catalog
}

package func readCatalog(_ text: [UInt8], file: String) throws -> CatalogDocument {
    try CatalogDocument.read(try YAMLDocument.parse(text, file: file)).get()
}
