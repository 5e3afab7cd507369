import Documents
import NodeModel
import Support

extension DocumentReader {
    /// The most parameters of one module, and the most bytes of one value.
    private static var parameterLimits: (count: Int, value: Int) { (64, 1024) }

    /// Reads the parameters of the kernel modules, such as `nvidia: {NVreg_EnableMSI: 1}`.
    ///
    /// They become lines of a file that `modprobe` reads, so only characters without a meaning there are allowed.
    mutating func moduleParameters(_ node: DocumentNode) -> ModuleParameters {
        guard let fields = fields(node, of: "moduleParameters", known: ModuleParameters.knownModules) else {
            return ModuleParameters()
        }
        var modules: [String: [String: String]] = [:]
        for module in ModuleParameters.knownModules {
            if let node = fields[module] { modules[module] = parameters(node, of: module) }
        }
        return ModuleParameters(modules)
    }

    private mutating func parameters(_ node: DocumentNode, of module: String) -> [String: String] {
        guard case .mapping(let entries) = node.content else {
            report("the parameters of \(module) must be a mapping", at: node)
            return [:]
        }
        if entries.count > Self.parameterLimits.count {
            report("\(module) has \(entries.count) parameters; the limit is \(Self.parameterLimits.count)", at: node)
        }
        var values: [String: String] = [:]
        for entry in entries.prefix(Self.parameterLimits.count) {
            let name = value(
                entry.key,
                "a parameter of \(module)",
                form: "the name of a module parameter such as NVreg_EnableMSI"
            ) { Self.isParameterName($0) ? $0 : nil }
            let setting = value(
                entry.value,
                "the value of \(name ?? "a parameter")",
                form: "1 to \(Self.parameterLimits.value) letters, digits and characters of _.,:;=/+-"
            ) { Self.isParameterValue($0) ? $0 : nil }
            guard let name, let setting else { continue }
            if values.updateValue(setting, forKey: name) != nil {
                report("duplicate parameter '\(name)' of \(module)", at: entry.key)
            }
        }
        return values
    }

    private static func isParameterName(_ text: String) -> Bool {
        guard text.first?.isLetter == true, text.utf8.count <= 64 else { return false }
        return text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }
    }

    private static func isParameterValue(_ text: String) -> Bool {
        guard text.utf8.count <= parameterLimits.value else { return false }
        return text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "_.,:;=/+-".contains($0)) }
    }
}
