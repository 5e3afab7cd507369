import Support

/// The address of a PCI function: domain, bus, device and function.
///
/// The text form is that of sysfs, `0000:3b:00.0`; a large domain has more than four digits. The parser also accepts
/// NVML's form, which has an upper-case domain of eight digits: `00000000:3B:00.0`. Addresses compare as numbers.
///
/// On Hyper-V the domain is not zero, and it can change when the virtual machine moves to another host. Do not use an
/// address as a key of stored state.
package struct PCIAddress: Sendable, Hashable {
    package var domain: UInt32
    package var bus: UInt8
    /// 0 to 31.
    package var device: UInt8
    /// 0 to 7.
    package var function: UInt8

    package init(domain: UInt32, bus: UInt8, device: UInt8, function: UInt8) {
        self.domain = domain
        self.bus = bus
        self.device = device
        self.function = function
    }
}

extension PCIAddress: LosslessStringConvertible {
    package init?(_ text: String) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 3 else { return nil }
        let slot = parts[2].split(separator: ".", omittingEmptySubsequences: false)
        guard slot.count == 2, (parts.prefix(2) + slot).allSatisfy({ isDigits($0, radix: 16) }),
            let domain = UInt32(parts[0], radix: 16), let bus = UInt8(parts[1], radix: 16),
            let device = UInt8(slot[0], radix: 16), device < 32,
            let function = UInt8(slot[1], radix: 16), function < 8
        else { return nil }
        self.init(domain: domain, bus: bus, device: device, function: function)
    }

    package var description: String {
        "\(hex(domain, digits: 4)):\(hex(bus, digits: 2)):\(hex(device, digits: 2)).\(function)"
    }
}

extension PCIAddress: Comparable {
    package static func < (left: PCIAddress, right: PCIAddress) -> Bool {
        (left.domain, left.bus, left.device, left.function) < (right.domain, right.bus, right.device, right.function)
    }
}

extension PCIAddress: Codable {
    package init(from decoder: any Decoder) throws {
        self = try decodeText(from: decoder, "a PCI address such as 0000:3b:00.0")
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

/// A pair of PCI IDs: vendor and device, or subsystem vendor and subsystem device.
package struct PCIID: Sendable, Hashable {
    package var vendor: UInt16
    package var device: UInt16

    package init(vendor: UInt16, device: UInt16) {
        self.vendor = vendor
        self.device = device
    }
}

extension PCIID: LosslessStringConvertible {
    package init?(_ text: String) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, parts.allSatisfy({ $0.utf8.count == 4 && isDigits($0, radix: 16) }),
            let vendor = UInt16(parts[0], radix: 16), let device = UInt16(parts[1], radix: 16)
        else { return nil }
        self.init(vendor: vendor, device: device)
    }

    package var description: String { "\(hex(vendor, digits: 4)):\(hex(device, digits: 4))" }
}

extension PCIID: Codable {
    package init(from decoder: any Decoder) throws {
        self = try decodeText(from: decoder, "a pair of PCI IDs such as 10de:2bb5")
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

private func decodeText<Value: LosslessStringConvertible>(from decoder: any Decoder, _ form: String) throws -> Value {
    let container = try decoder.singleValueContainer()
    let text = try container.decode(String.self)
    guard let value = Value(text) else {
        throw DecodingError.dataCorruptedError(in: container, debugDescription: "'\(text)' is not \(form)")
    }
    return value
}
