package import NodeModel
import Support

/// A range of kernel versions, which includes both limits.
package struct KernelRange: Sendable, Equatable, CustomStringConvertible {
    /// The first kernel version; nil when there is no limit.
    package var first: KernelVersion?
    /// The last kernel version; nil when there is no limit.
    ///
    /// The limit `6.8` includes `6.8.0-1044-azure`.
    package var last: KernelVersion?

    package init(first: KernelVersion? = nil, last: KernelVersion? = nil) {
        self.first = first
        self.last = last
    }

    package func contains(_ kernel: KernelVersion) -> Bool {
        if let first, kernel.compared(to: first) < 0 { return false }
        if let last, kernel.compared(to: last) > 0 { return false }
        return true
    }

    package var description: String {
        switch (first, last) {
        case (let first?, let last?): "\(first) to \(last)"
        case (let first?, nil): "\(first) and newer"
        case (nil, let last?): "up to \(last)"
        case (nil, nil): "any"
        }
    }
}

/// The numbers at the beginning of a kernel release: 6, 8 and 0 for `6.8.0-1044-azure`.
package struct KernelVersion: Sendable, Equatable, CustomStringConvertible {
    package let numbers: [Int]

    /// Nil when the release does not begin with at least two numbers.
    package init?(_ release: String) {
        let head = release.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
        var numbers: [Int] = []
        for part in head.split(separator: ".", omittingEmptySubsequences: false).prefix(3) {
            guard isDigits(part, radix: 10), let number = UInt16(part) else { break }
            numbers.append(Int(number))
        }
        guard numbers.count >= 2 else { return nil }
        self.numbers = numbers
    }

    package var description: String { numbers.map(String.init).joined(separator: ".") }

    /// Compares the first numbers of this version with a limit, as many as the limit has.
    ///
    /// - Returns: -1 below the limit, 0 at the limit, 1 above the limit.
    func compared(to limit: KernelVersion) -> Int {
        let own = numbers.prefix(limit.numbers.count)
        if own.lexicographicallyPrecedes(limit.numbers) { return -1 }
        return limit.numbers.lexicographicallyPrecedes(own) ? 1 : 0
    }
}

/// An operating system in all its versions or in one version, such as `ubuntu`, `ubuntu 22.04` or `rhel 8`.
package struct SystemRule: Sendable, Equatable, LosslessStringConvertible {
    /// The `ID` in `os-release`.
    package let id: String
    /// The beginning of the `VERSION_ID`, in whole numbers: `8` matches `8.9`.
    ///
    /// Nil matches every version.
    package let version: String?

    package init?(_ description: String) {
        let parts = description.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
        guard (1...2).contains(parts.count), parts.allSatisfy(isSystemWord), parts[0].first?.isNumber == false else {
            return nil
        }
        id = parts[0]
        version = parts.count == 2 ? parts[1] : nil
    }

    package var description: String { [id, version].compactMap(\.self).joined(separator: " ") }

    package func matches(_ system: OSRelease) -> Bool {
        guard id == system.id else { return false }
        guard let version else { return true }
        guard let found = system.versionID else { return false }
        return found == version || found.hasPrefix("\(version).")
    }
}

/// Whether a text consists of characters that `os-release` allows in `ID` and `VERSION_ID`.
private func isSystemWord(_ text: String) -> Bool {
    !text.isEmpty
        && text.allSatisfy { $0.isASCII && ($0.isLowercase || $0.isNumber || $0 == "." || $0 == "_" || $0 == "-") }
}
