/// Reads the lists of certificates that the firmware and the shim keep in EFI variables.
///
/// A variable has any number of lists. A list has a header of 28 bytes: the GUID of the type, and the sizes of the list,
/// of a second header and of each entry, little-endian. An entry is the GUID of its owner and the certificate.
/// Source: the UEFI specification, `EFI_SIGNATURE_LIST`.
enum EFISignatureList {
    /// The GUID of X.509 certificates in DER format (`EFI_CERT_X509_GUID`), as it is in the list.
    private static let x509: [UInt8] = [
        0xa1, 0x59, 0xc0, 0xa5, 0xe4, 0x94, 0xa7, 0x4a, 0x87, 0xb5, 0xab, 0x15, 0x5c, 0x2b, 0xf0, 0x72,
    ]
    private static let headerSize = 28
    private static let ownerSize = 16

    /// The X.509 certificates of all lists; nil when the bytes are not whole lists.
    static func certificates(_ bytes: [UInt8]) -> [ArraySlice<UInt8>]? {
        var found: [ArraySlice<UInt8>] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            guard rest.count >= headerSize else { return nil }
            func size(at offset: Int) -> Int {
                rest.dropFirst(offset).prefix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
            }
            let (list, header, entry) = (size(at: 16), size(at: 20), size(at: 24))
            guard list >= headerSize, list <= rest.count, header <= list - headerSize, entry > ownerSize else {
                return nil
            }
            var entries = rest.prefix(list).dropFirst(headerSize + header)
            guard entries.count.isMultiple(of: entry) else { return nil }
            if rest.prefix(ownerSize).elementsEqual(x509) {
                while !entries.isEmpty {
                    found.append(entries.prefix(entry).dropFirst(ownerSize))
                    entries = entries.dropFirst(entry)
                }
            }
            rest = rest.dropFirst(list)
        }
        return found
    }
}
