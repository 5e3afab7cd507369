package import Catalog
package import Documents
import NodeModel
import Selection
import Support

/// A list of the catalog as an output document.
package struct CatalogDocumentOut<Entry: Encodable>: Encodable {
    package var apiVersion = NodeFacts.currentAPIVersion
    package var kind: String
    package var entries: [Entry]

    package init(kind: String, entries: [Entry]) {
        self.kind = kind
        self.entries = entries
    }
}

/// The result of `catalog validate`.
package struct CatalogReport: Encodable {
    package struct Item: Encodable {
        package var file: String
        package var line: Int
        package var column: Int
        package var message: String
    }

    package var apiVersion = NodeFacts.currentAPIVersion
    package var kind = "CatalogReport"
    package var valid: Bool
    /// The problems, or notes when the catalog is valid.
    package var problems: [Item]

    package init(valid: Bool, problems: [DocumentProblem]) {
        self.valid = valid
        self.problems = problems.map {
            Item(file: $0.place.file, line: $0.place.line, column: $0.place.column, message: $0.message)
        }
    }
}

/// A printed entry of the catalog: its identity and its fields, with the names that the catalog uses.
package struct CatalogRow: Encodable, Equatable {
    package var list: String
    package var id: String
    package var name: String?
    /// The file and the line of the entry; nil when the caller does not need them.
    package var place: String?
    package var fields: [String: String]

    /// The entries of one list of the catalog, in the order in which `catalog list` prints them.
    ///
    /// - Parameters:
    ///   - catalog: The catalog, after all files are merged.
    ///   - list: The list.
    ///   - places: The file and the line of each entry; empty when the caller does not need them.
    /// - Returns: One row for each entry.
    package static func rows(
        of catalog: Catalog,
        _ list: CatalogList,
        in places: [CatalogIdentity: DocumentPlace] = [:]
    ) -> [CatalogRow] {
        switch list {
        case .gpus:
            catalog.gpus.values.sorted { $0.id.device < $1.id.device }.map { row($0, places[.gpu($0.id)]) }
        case .vgpuTypes:
            catalog.vgpuTypes.values.sorted { $0.key.description < $1.key.description }
                .map { row($0, places[.vgpuType($0.key)]) }
        case .platforms:
            catalog.platforms.map { platform in
                CatalogRow(
                    list: CatalogList.platforms.rawValue,
                    id: platform.name,
                    place: places[.platform(platform.name)]?.description,
                    fields: [
                        "systemVendor": platform.systemVendor, "chassisAssetTag": platform.chassisAssetTag,
                        "vgpuHosts": platform.vgpuHosts.isEmpty
                            ? nil
                            : platform.vgpuHosts.sorted { $0.key < $1.key }
                                .map { "\(hex($0.key, digits: 4)): \($0.value)" }.joined(separator: ", "),
                        "also": platform.also.isEmpty ? nil : platform.also.map(\.text).joined(separator: "; "),
                    ].compactMapValues(\.self)
                )
            }
        case .drivers: catalog.drivers.map { row($0, places[.driver($0.identity)]) }
        case .xids: catalog.xids.values.sorted { $0.code < $1.code }.map { row($0, places[.xid($0.code)]) }
        case .sxids: catalog.sxids.values.sorted { $0.code < $1.code }.map { row($0, places[.sxid($0.code)]) }
        }
    }

    private static func row(_ gpu: CatalogGPU, _ place: DocumentPlace?) -> CatalogRow {
        let fields: [String: String?] = [
            "architecture": gpu.architecture, "kernelModuleTypes": listed(gpu.kernelModuleTypes),
            "minBranch": gpu.minBranch.map(String.init), "maxBranch": gpu.maxBranch.map(String.init),
            "maxWorkstationBranch": gpu.maxWorkstationBranch.map(String.init),
            "memoryMiB": gpu.memoryMiB.map(String.init), "mmioGiB": gpu.mmioGiB.map(String.init),
            "subsystems": gpu.subsystems.isEmpty ? nil : gpu.subsystems.map(\.description).joined(separator: " "),
            "migProfiles": gpu.migProfiles.isEmpty ? nil : gpu.migProfiles.joined(separator: " "),
            "fabricManager": gpu.fabricManager?.rawValue,
        ]
        return CatalogRow(
            list: CatalogList.gpus.rawValue,
            id: gpu.id.description,
            name: gpu.name,
            place: place?.description,
            fields: fields.compactMapValues(\.self)
        )
    }

    private static func row(_ type: CatalogVGPUType, _ place: DocumentPlace?) -> CatalogRow {
        let name = type.parsedName
        let told = name.flatMap { $0.isMasked ? nil : $0 }
        let fields: [String: String?] = [
            "kernelModuleTypes": listed(type.kernelModuleTypes), "minBranch": type.minBranch.map(String.init),
            "maxBranch": type.maxBranch.map(String.init), "mode": told?.mode.rawValue,
            "slices": told?.slices.map(String.init), "frameBufferGB": told?.frameBufferGB.map(String.init),
            "license": name?.series.licenseProduct,
        ]
        return CatalogRow(
            list: CatalogList.vgpuTypes.rawValue,
            id: type.key.description,
            name: type.name,
            place: place?.description,
            fields: fields.compactMapValues(\.self)
        )
    }

    private static func row(_ driver: CatalogDriver, _ place: DocumentPlace?) -> CatalogRow {
        let fields: [String: String?] = [
            "kernelModuleTypes": listed(driver.kernelModuleTypes), "channel": driver.channel?.rawValue,
            "kernels": driver.kernels?.description,
            "fabricManager": driver.fabricManager == true ? "true" : nil,
            "fabricManagerArchive": driver.fabricManagerArchive.map { archive in
                (archive.urls + [archive.digest?.description].compactMap(\.self)).joined(separator: " ")
            },
            "systems": driver.systems.isEmpty ? nil : driver.systems.map(\.description).joined(separator: ", "),
            "vgpuRelease": driver.vgpuRelease, "url": driver.artifact.urls.joined(separator: " "),
            "digest": driver.artifact.digest?.description, "size": driver.artifact.size.map(String.init),
            "installable": driver.artifact.digest == nil ? "no, because it has no checksum" : "yes",
        ]
        return CatalogRow(
            list: CatalogList.drivers.rawValue,
            id: driver.identity,
            place: place?.description,
            fields: fields.compactMapValues(\.self)
        )
    }

    private static func row(_ xid: CatalogXid, _ place: DocumentPlace?) -> CatalogRow {
        let fields: [String: String?] = [
            "class": xid.xidClass.rawValue, "immediate": xid.immediate, "investigatory": xid.investigatory,
            "reason": xid.reason,
        ]
        return CatalogRow(
            list: CatalogList.xids.rawValue,
            id: "\(xid.code)",
            name: xid.mnemonic,
            place: place?.description,
            fields: fields.compactMapValues(\.self)
        )
    }

    private static func row(_ sxid: CatalogSXid, _ place: DocumentPlace?) -> CatalogRow {
        let fields: [String: String?] = [
            "class": sxid.sxidClass.rawValue, "severity": sxid.severity?.rawValue, "action": sxid.action,
            "reason": sxid.reason,
        ]
        return CatalogRow(
            list: CatalogList.sxids.rawValue,
            id: "\(sxid.code)",
            name: sxid.mnemonic,
            place: place?.description,
            fields: fields.compactMapValues(\.self)
        )
    }

    private static func listed(_ kernelModuleTypes: [KernelModuleType]) -> String {
        kernelModuleTypes.map(\.rawValue).joined(separator: " or ")
    }

    /// The list as a table, with one line for each entry and the most important columns.
    package static func table(_ rows: [CatalogRow]) -> String {
        let columns = [
            "architecture", "vgpuRelease", "kernelModuleTypes", "minBranch", "maxBranch", "kernels", "systems",
            "fabricManager",
            "channel",
            "mode", "systemVendor", "chassisAssetTag", "class", "immediate", "investigatory", "severity",
            "action",
        ]
        // The values of these columns need their name to make sense.
        let named = ["minBranch", "maxBranch", "kernels"]
        let cells = rows.map { row in
            let marks = row.fields["installable"] == "yes" || row.fields["installable"] == nil ? [] : ["no checksum"]
            return [row.id, row.name].compactMap(\.self)
                + columns.compactMap { key in row.fields[key].map { named.contains(key) ? "\(key) \($0)" : $0 } }
                + marks
        }
        let widths = (0..<2).map { column in cells.map { $0.indices.contains(column) ? $0[column].count : 0 }.max() ?? 0
        }
        return cells.map { row in
            row.enumerated().map { column, cell in
                column < widths.count && column + 1 < row.count ? padded(cell, widths[column]) : cell
            }.joined(separator: "  ") + "\n"
        }.joined()
    }

    /// The entry with all its fields, as text for users.
    package func detail(_ style: Style) -> String {
        let title = [style.bold(id), name].compactMap(\.self).joined(separator: "  ")
        let width = fields.keys.map(\.count).max() ?? 0
        let lines = fields.sorted { $0.key < $1.key }.map { "  \(padded($0.key, width))  \($0.value)\n" }
        return "\(title)\n" + (place.map { "  " + style.faint($0) + "\n" } ?? "") + lines.joined()
    }
}

/// One difference between two catalogs.
package struct CatalogChange: Encodable {
    /// The kind of the difference: `+` for an added, `-` for a removed, `~` for a changed entry.
    package var change: String
    package var list: String
    package var id: String
    /// The fields of a changed entry that differ, each with its old and its new value.
    package var fields: [String: [String?]]
    /// The fields that decide about drivers and that the changed entry no longer has.
    ///
    /// For example, a GPU without `fabricManager` gets a driver without a fabric manager.
    package var lost: [String] {
        fields.filter { Self.deciding.contains($0.key) && $0.value.first != .some(nil) && $0.value.last == .some(nil) }
            .keys.sorted()
    }

    /// The fields of all lists that decide which driver a GPU gets.
    private static let deciding: Set<String> = [
        "kernelModuleTypes", "minBranch", "maxBranch", "maxWorkstationBranch", "subsystems", "fabricManager", "channel",
        "kernels", "systems", "vgpuRelease", "digest", "systemVendor", "chassisAssetTag", "vgpuHosts",
    ]

    /// What the change takes away, as a sentence; nil when it takes nothing away that decides about drivers.
    package var loss: String? {
        if change == "-" { return "The catalog no longer has '\(id)' in \(list)." }
        return lost.isEmpty ? nil : "'\(id)' in \(list) no longer has \(lost.joined(separator: ", "))."
    }

    package static func between(_ old: Catalog, _ new: Catalog) -> [CatalogChange] {
        CatalogList.allCases.flatMap { list in
            let before = byID(CatalogRow.rows(of: old, list))
            let after = byID(CatalogRow.rows(of: new, list))
            return Set(before.keys).union(after.keys).sorted().compactMap { id -> CatalogChange? in
                guard let left = before[id] else {
                    return CatalogChange(change: "+", list: list.rawValue, id: id, fields: [:])
                }
                guard let right = after[id] else {
                    return CatalogChange(change: "-", list: list.rawValue, id: id, fields: [:])
                }
                guard left != right else { return nil }
                var fields: [String: [String?]] = [:]
                for key in Set(left.fields.keys).union(right.fields.keys) where left.fields[key] != right.fields[key] {
                    fields[key] = [left.fields[key], right.fields[key]]
                }
                if left.name != right.name { fields["name"] = [left.name, right.name] }
                return CatalogChange(change: "~", list: list.rawValue, id: id, fields: fields)
            }
        }
    }

    private static func byID(_ rows: [CatalogRow]) -> [String: CatalogRow] {
        Dictionary(rows.map { ($0.id, $0) }) { first, _ in first }
    }

    package var text: String {
        let lines = fields.sorted { $0.key < $1.key }.map { key, values in
            "\n    \(key): \((values.first ?? nil) ?? "none") → \((values.last ?? nil) ?? "none")"
        }
        return "\(change) \(list) \(id)" + lines.joined() + (loss.map { "\n    warning: \($0)" } ?? "")
    }
}
