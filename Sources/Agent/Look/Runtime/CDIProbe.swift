import Documents
import Host
import NodeModel
import Support

/// Finds the files that the CDI specifications of NVIDIA's devices name and that the host does not have.
///
/// Source of the format: the specification of the Container Device Interface, `SPEC.md`, and the files that
/// `nvidia-ctk cdi generate` writes.
struct CDIProbe {
    let root: HostRoot

    /// The directories that container runtimes read.
    private static let directories: [HostPath] = ["/etc/cdi", "/var/run/cdi"]
    /// The most files to read in a directory.
    ///
    /// NVIDIA's DRA driver writes one for each claim.
    private static let limit = 1000

    func read() throws(HostError) -> [CDISpecification] {
        var found: [CDISpecification] = []
        for directory in Self.directories {
            let names = (try root.list(directory) ?? []).filter { $0.hasSuffix(".yaml") || $0.hasSuffix(".json") }
            for name in names.sorted().prefix(Self.limit) {
                let path = try directory.entry(name)
                do throws(HostError) {
                    if let specification = try specification(path) { found.append(specification) }
                } catch {
                    // The other files still say something.
                    found.append(CDISpecification(path: path.text, kind: "", problem: errorChain(error)))
                }
            }
        }
        return found
    }

    /// The specification in a file; nil when it is of another vendor, or when the file just went away.
    private func specification(_ path: HostPath) throws(HostError) -> CDISpecification? {
        guard let text = try root.read(path) else { return nil }
        let document: DocumentNode
        do throws(DocumentProblems) { document = try YAMLDocument.parse(text, file: path.text) } catch {
            throw .malformed(path, cause: error)
        }
        guard let kind = document["kind"]?.text, kind.prefix(while: { $0 != "/" }).hasSuffix("nvidia.com") else {
            return nil
        }
        let files = Set(Self.files(document))
        var missing: [String] = []
        for file in files {
            guard let file = HostPath(absolute: file) else { continue }
            if try !root.exists(file) { missing.append(file.text.visible.shortened(to: 200)) }
        }
        missing.sort()
        return CDISpecification(
            path: path.text,
            kind: kind.visible.shortened(to: 200),
            driver: Self.driver(files),
            missing: Array(missing.prefix(CDISpecification.namedFiles)),
            missingCount: missing.count
        )
    }

    /// The files of the host that a container with any of the devices gets, and the programs that the runtime runs.
    private static func files(_ document: DocumentNode) -> [String] {
        let edits = ([document] + (document["devices"]?.items ?? [])).compactMap { $0["containerEdits"] }
        return edits.flatMap { edit in
            let mounts = (edit["mounts"]?.items ?? []).compactMap { $0["hostPath"]?.text }
            let nodes = (edit["deviceNodes"]?.items ?? []).compactMap { ($0["hostPath"] ?? $0["path"])?.text }
            let hooks = (edit["hooks"]?.items ?? []).compactMap { $0["path"]?.text }
            return mounts + nodes + hooks
        }
    }

    /// The version in the name of a library that every driver has.
    private static func driver(_ files: Set<String>) -> String? {
        for file in files.sorted() {
            guard let name = file.split(separator: "/").last else { continue }
            for library in ["libcuda.so.", "libnvidia-ml.so."] where name.hasPrefix(library) {
                let version = String(name.dropFirst(library.count))
                if version.contains("."), DriverVersion(version) != nil { return version }
            }
        }
        return nil
    }
}
