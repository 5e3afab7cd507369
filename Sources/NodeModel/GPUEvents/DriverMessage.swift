import Support

/// A line of the kernel log that says something about a GPU or an NVSwitch.
package enum DriverMessage: Sendable, Equatable {
    /// NVIDIA's driver reports an error of a GPU. The text begins after the number.
    case xid(Int, PCIAddress, text: String)
    /// The driver of the NVSwitch reports an error. It is nil when the line does not say whether the error is fatal.
    case sxid(Int, PCIAddress, isFatal: Bool?, text: String)
    /// A GPU fell off the bus, and the line has no Xid.
    case fallenOffTheBus(PCIAddress, text: String)
    /// The first line of three that say that this GPU fell off the bus.
    case names(PCIAddress)
    /// The last of these three lines, which does not name the GPU.
    case namedOneHasFallen(text: String)
    /// The kernel loaded NVIDIA's driver, which starts each GPU anew.
    case driverLoaded
    /// The kernel found a function of NVIDIA on the PCI bus.
    case deviceFound(PCIAddress)

    /// The most bytes of a text that is kept.
    package static let textLimit = 300

    /// Reads one line without its time; nil when it says nothing of this.
    package init?(line: some StringProtocol) {
        let line = Substring(line)
        if let rest = line.after("NVRM: Xid (") {
            guard let (address, code, text) = Self.report(rest) else { return nil }
            self = .xid(code, address, text: text)
        } else if line.contains("nvidia-nvswitch") {
            guard let rest = line.after("SXid ("), let (address, code, text) = Self.report(rest) else { return nil }
            let isFatal: Bool? = text.hasPrefix("Non-fatal") ? false : text.hasPrefix("Fatal") ? true : nil
            self = .sxid(code, address, isFatal: isFatal, text: text)
        } else if let rest = line.after("NVRM: GPU "), rest.contains("has fallen off the bus") {
            guard let address = Self.address(rest.prefix { $0 != " " }.trimmingColon) else { return nil }
            self = .fallenOffTheBus(address, text: Self.safe(line))
        } else if let rest = line.after("NVRM: The NVIDIA GPU ") {
            guard let address = Self.address(rest.prefix { $0 != " " }) else { return nil }
            let isWhole = rest.contains("fallen off the bus")
            self = isWhole ? .fallenOffTheBus(address, text: Self.safe(line)) : .names(address)
        } else if line.contains("NVRM: fallen off the bus") {
            self = .namedOneHasFallen(text: Self.safe(line.drop { $0 == " " }))
        } else if line.contains("NVRM: loading NVIDIA UNIX") {
            self = .driverLoaded
        } else if line.hasPrefix("pci "), let rest = line.after("pci "), rest.contains(": [10de:") {
            guard let address = Self.address(rest.prefix { $0 != " " }.trimmingColon) else { return nil }
            self = .deviceFound(address)
        } else {
            return nil
        }
    }

    /// Reads the part after the opening parenthesis: `PCI:0000:c1:00): 79, pid=…`.
    ///
    /// Nil when the number does not end with a comma: such a line is not complete, and `7` is not Xid 79.
    private static func report(_ rest: Substring) -> (PCIAddress, Int, text: String)? {
        guard let close = rest.firstIndex(of: ")") else { return nil }
        // In MIG mode, the name of the GPU instance follows the address.
        let place = rest[..<close].prefix { $0 != " " }
        let after = rest[rest.index(after: close)...]
        guard after.hasPrefix(": "), let address = Self.address(place.after("PCI:") ?? place) else { return nil }
        let digits = after.dropFirst(2).prefix { $0 != "," }
        let text = after.dropFirst(2 + digits.count)
        guard text.first == ",", (1...6).contains(digits.utf8.count), isDigits(digits, radix: 10),
            let code = Int(digits)
        else { return nil }
        return (address, code, safe(text.dropFirst().drop { $0 == " " }))
    }

    /// Reads an address with or without its function, which is then 0.
    private static func address(_ text: some StringProtocol) -> PCIAddress? {
        let text = String(text)
        return PCIAddress(text) ?? PCIAddress("\(text).0")
    }

    private static func safe(_ text: some StringProtocol) -> String {
        String(text).visible.shortened(to: textLimit)
    }
}

extension Substring {
    /// The text after the first occurrence of `mark`; nil when the text does not contain it.
    fileprivate func after(_ mark: String) -> Substring? {
        firstRange(of: mark).map { self[$0.upperBound...] }
    }

    fileprivate var trimmingColon: Substring { last == ":" ? dropLast() : self }
}
