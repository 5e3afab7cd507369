import CLibYAML

/// The server cannot read a file of YAML documents.
public struct YAMLFileError: Error, CustomStringConvertible {
    public var file: String
    public var message: String

    public var description: String { "\(file): \(message)" }
}

/// Reads manifests, with every scalar as a string, which is enough for names and verbs.
enum YAMLFile {
    static func documents(_ bytes: [UInt8], file: String) throws(YAMLFileError) -> [JSON] {
        var parser = yaml_parser_t()
        guard yaml_parser_initialize(&parser) == 1 else { throw YAMLFileError(file: file, message: "out of memory") }
        defer { yaml_parser_delete(&parser) }
        let result: Result<[JSON], YAMLFileError> = bytes.withUnsafeBufferPointer { input in
            yaml_parser_set_input_string(&parser, input.baseAddress, input.count)
            var documents: [JSON] = []
            while true {
                var document = yaml_document_t()
                guard yaml_parser_load(&parser, &document) == 1 else {
                    let problem = parser.problem.map { String(cString: $0) } ?? "no YAML"
                    let message = "line \(parser.problem_mark.line + 1): \(problem)"
                    return .failure(YAMLFileError(file: file, message: message))
                }
                defer { yaml_document_delete(&document) }
                guard let root = yaml_document_get_root_node(&document) else { return .success(documents) }
                documents.append(value(root.pointee, &document))
            }
        }
        return try result.get()
    }

    private static func value(_ node: yaml_node_t, _ document: inout yaml_document_t) -> JSON {
        switch node.type {
        case YAML_SCALAR_NODE:
            let text = UnsafeBufferPointer(start: node.data.scalar.value, count: node.data.scalar.length)
            return .string(String(decoding: text, as: UTF8.self))
        case YAML_SEQUENCE_NODE:
            var items: [JSON] = []
            var item = node.data.sequence.items.start
            while let current = item, current != node.data.sequence.items.top {
                if let child = yaml_document_get_node(&document, current.pointee) {
                    items.append(value(child.pointee, &document))
                }
                item = current + 1
            }
            return .array(items)
        case YAML_MAPPING_NODE:
            var members: [String: JSON] = [:]
            var pair = node.data.mapping.pairs.start
            while let current = pair, current != node.data.mapping.pairs.top {
                if let key = yaml_document_get_node(&document, current.pointee.key),
                    let child = yaml_document_get_node(&document, current.pointee.value),
                    case .string(let name) = value(key.pointee, &document)
                {
                    members[name] = value(child.pointee, &document)
                }
                pair = current + 1
            }
            return .object(members)
        default: return .null
        }
    }
}
