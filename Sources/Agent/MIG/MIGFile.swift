import Documents
package import MIG
package import NodeModel
import SystemPackage

/// A file with MIG layouts on the agent's own file system.
package enum MIGFile {
    /// Reads the file, or standard input for `-`.
    ///
    /// - Throws: `unreadable`, or `problems` with all problems of the file.
    package static func read(_ path: String) throws(SetupError) -> MIGConfigFile {
        let bytes: [UInt8]
        do throws(Errno) { bytes = try LocalFiles.read(path) } catch { throw .unreadable(path, cause: error) }
        let name = path == "-" ? "standard input" : path
        do throws(DocumentProblems) {
            return try MIGConfigFile.read(try YAMLDocument.parse(bytes, file: name)).get()
        } catch { throw .problems(error) }
    }
}

/// Where MIG layouts come from.
package enum MIGLayoutSource: Sendable {
    case file(MIGConfigFile)
    /// The layouts of NVIDIA's MIG manager, which follow from the GPUs.
    case standard

    /// Reads the file, unless the name means the standard layouts.
    ///
    /// - Throws: The error of `MIGFile.read`.
    package static func read(_ path: String) throws(SetupError) -> MIGLayoutSource {
        path == Policy.standardMIGLayouts ? .standard : .file(try MIGFile.read(path))
    }

    /// Selects a layout.
    ///
    /// - Parameter name: The name of the layout; nil selects the only layout of a file.
    /// - Returns: A function that plans the layout for the GPUs of a node.
    /// - Throws: `MIGSelectionError` when the file has no such layout, or when there are several and none is named.
    package func planner(_ name: String?) throws(MIGSelectionError) -> @Sendable (MIGInventory) -> MIGNodePlan {
        switch self {
        case .file(let file):
            let (name, entries) = try file.selected(name)
            return { MIGNodePlan(name, entries, $0) }
        case .standard:
            guard let name else { throw .unnamed }
            return { MIGNodePlan(standard: name, $0) }
        }
    }
}
