import Documents
import Support

extension DocumentReader {
    mutating func xid(_ node: DocumentNode) -> CatalogXid? {
        let known = ["code", "mnemonic", "immediate", "investigatory", "class", "reason", "replace"]
        guard let fields = fields(node, of: "an Xid", known: known) else { return nil }
        let code = number(fields, form: "the number of an Xid such as 79", in: 1...Int(UInt16.max))
        let mnemonic = fields["mnemonic"].flatMap { name($0, "mnemonic", such: "PMU_HALT_ERROR") }
        let immediate = fields["immediate"].flatMap { name($0, "immediate", such: "RESET_GPU") }
        let investigatory = fields["investigatory"].flatMap { name($0, "investigatory", such: "CONTACT_SUPPORT") }
        let xidClass: XidClass? = required(fields, "class").flatMap { choice($0, "class") }
        let reason = fields["reason"].flatMap { text($0, "reason") }
        guard let code, let xidClass else { return nil }
        return CatalogXid(
            code: code,
            mnemonic: mnemonic,
            immediate: immediate,
            investigatory: investigatory,
            xidClass: xidClass,
            reason: reason
        )
    }

    mutating func sxid(_ node: DocumentNode) -> CatalogSXid? {
        let known = ["code", "mnemonic", "severity", "action", "class", "reason", "replace"]
        guard let fields = fields(node, of: "an SXid", known: known) else { return nil }
        // The kernel log is read up to six digits.
        let code = number(fields, form: "the number of an SXid such as 20034", in: 1...999_999)
        let mnemonic = fields["mnemonic"].flatMap { name($0, "mnemonic", such: "NVSWITCH_ERR_HW_MINION_HALT") }
        let severity: SXidSeverity? = fields["severity"].flatMap { choice($0, "severity") }
        let action = fields["action"].flatMap { name($0, "action", such: "RESET_FABRIC") }
        let sxidClass: XidClass? = required(fields, "class").flatMap { choice($0, "class") }
        let reason = fields["reason"].flatMap { text($0, "reason") }
        guard let code, let sxidClass else { return nil }
        return CatalogSXid(
            code: code,
            mnemonic: mnemonic,
            severity: severity,
            action: action,
            sxidClass: sxidClass,
            reason: reason
        )
    }

    private mutating func number(_ fields: Fields, form: String, in range: ClosedRange<Int>) -> Int? {
        required(fields, "code").flatMap { node in
            value(node, "code", form: form) { text in
                // A number in another form, such as 079, would be a second identity of the same error.
                Int(text).flatMap { range.contains($0) && "\($0)" == text ? $0 : nil }
            }
        }
    }

    /// Reads a name of NVIDIA, which has upper-case letters, digits, `_` and `/`.
    private mutating func name(_ node: DocumentNode, _ what: String, such example: String) -> String? {
        value(node, what, form: "a name of NVIDIA such as \(example)") { text in
            let isName = text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
                default: "_/".utf8.contains(byte)
                }
            }
            return isName && text.utf8.count <= 100 ? text : nil
        }
    }
}
