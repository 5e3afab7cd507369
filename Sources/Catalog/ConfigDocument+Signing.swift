import Documents
import NodeModel

extension DocumentReader {
    /// Reads the key that signs kernel modules; nil when one of its files is missing or wrong.
    mutating func signing(_ node: DocumentNode) -> ModuleSigning? {
        guard let fields = fields(node, of: "signing", known: ["key", "certificate"]) else { return nil }
        let key = signingFile("key", "/root/MOK.priv", fields, at: node)
        let certificate = signingFile("certificate", "/root/MOK.der", fields, at: node)
        guard let key, let certificate else { return nil }
        return ModuleSigning(key: key, certificate: certificate)
    }

    private mutating func signingFile(
        _ name: String,
        _ example: String,
        _ fields: Fields,
        at node: DocumentNode
    ) -> String? {
        guard let field = fields[name] else {
            report("signing needs '\(name)', a file of the host such as \(example)", at: node)
            return nil
        }
        return value(field, name, form: "the absolute path of a file of the host such as \(example)") {
            ModuleSigning.isPath($0) ? $0 : nil
        }
    }
}
