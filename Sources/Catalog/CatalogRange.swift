package import NodeModel
import Support

/// A range of kernels, both ends within.
package struct KernelRange: Sendable, Equatable, CustomStringConvertible {
    package var first: KernelVersion?
    /// `6.8` takes every `6.8.0-1044-azure` in.
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

/// The numbers that a kernel's release begins with: 6, 8, 0 of `6.8.0-1044-azure`.
package struct KernelVersion: Sendable, Equatable, CustomStringConvertible {
    package let numbers: [Int]

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

    /// Below, at or above another version, by as many numbers as that one has.
    func compared(to limit: KernelVersion) -> Int {
        let own = numbers.prefix(limit.numbers.count)
        if own.lexicographicallyPrecedes(limit.numbers) { return -1 }
        return limit.numbers.lexicographicallyPrecedes(own) ? 1 : 0
    }
}

/// An operating system, in all its versions or in one: `ubuntu`, `ubuntu 22.04`, `rhel 8`.
package struct SystemRule: Sendable, Equatable, LosslessStringConvertible {
    /// The `ID` of `os-release`.
    package let id: String
    /// The beginning of its `VERSION_ID`, in whole numbers: `8` takes `8.9` in.
    package let version: String?

    package init?(_ description: String) {
        let words = description.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
        guard (1...2).contains(words.count), words.allSatisfy(isSystemWord), words[0].first?.isNumber == false else {
            return nil
        }
        id = words[0]
        version = words.count == 2 ? words[1] : nil
    }

    package var description: String { [id, version].compactMap(\.self).joined(separator: " ") }

    package func matches(_ system: OSRelease) -> Bool {
        guard id == system.id else { return false }
        guard let version else { return true }
        guard let found = system.versionID else { return false }
        return found == version || found.hasPrefix("\(version).")
    }
}

/// Whether a text is of the letters that `os-release` allows in `ID` and `VERSION_ID`.
private func isSystemWord(_ text: String) -> Bool {
    !text.isEmpty
        && text.allSatisfy { $0.isASCII && ($0.isLowercase || $0.isNumber || $0 == "." || $0 == "_" || $0 == "-") }
}
