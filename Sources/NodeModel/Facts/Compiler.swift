import Support

/// A C compiler and its version.
package struct Compiler: Codable, Sendable, Equatable, CustomStringConvertible {
    package enum Kind: String, Codable, Sendable {
        case gcc, clang
    }

    package var kind: Kind
    /// The version, such as `12.3.0`.
    package var version: String

    package init(kind: Kind, version: String) {
        self.kind = kind
        self.version = version
    }

    /// The number before the first period, on which the options of the compiler depend; nil when there is none.
    package var major: Int? { version.split(separator: ".").first.flatMap { Int($0) } }

    /// The names that distributions give to the compiler of this major version; empty when it is not known.
    ///
    /// Debian, Ubuntu and SUSE have `gcc-13`, and Amazon Linux has `gcc14-gcc`.
    package var namesWithMajor: [String] {
        guard let major, kind == .gcc else { return [] }
        return ["gcc-\(major)", "gcc\(major)-gcc"]
    }

    package var description: String { "\(kind.rawValue) \(version)" }

    /// Reads the compiler from `/proc/version`, or from the first line that a compiler prints for `--version`.
    ///
    /// Distributions write the version in several ways: `gcc (Debian 12.2.0-14) 12.2.0`,
    /// `gcc version 8.5.0 20210514 (Red Hat 8.5.0-10) (GCC)`. In all of them, the first word of digits and periods
    /// after the name is the version.
    ///
    /// - Parameters:
    ///   - text: The text.
    ///   - isKernel: Whether the text is `/proc/version`, which first names the version of the kernel.
    package init?(_ text: String, isKernel: Bool = false) {
        // The compiler follows the user and the host of the build, in parentheses of its own.
        let line = text.prefix { !$0.isNewline }.prefix(1024)
        var words = line.split { $0 == " " || $0 == "(" || $0 == ")" || $0 == "," }[...]
        if isKernel {
            guard let start = words.dropFirst(3).firstIndex(where: Self.isName) else { return nil }
            words = words[start...]
        }
        let isVersion = { (word: Substring) in
            let parts = word.split(separator: ".", omittingEmptySubsequences: false)
            return parts.count > 1
                && parts.allSatisfy { !$0.isEmpty && $0.utf8.allSatisfy { (0x30...0x39).contains($0) } }
        }
        guard let version = words.first(where: isVersion), version.utf8.count <= 32 else { return nil }
        self.init(kind: words.prefix { $0 != version }.contains("clang") ? .clang : .gcc, version: String(version))
    }

    /// Reads the compiler from the configuration of a kernel, such as `/boot/config-RELEASE`; nil when it names none.
    ///
    /// `CONFIG_GCC_VERSION` and `CONFIG_CLANG_VERSION` have the version as one number: `120200` for 12.2.0. The one of the
    /// compiler that did not build the kernel is 0. Source: `init/Kconfig` of Linux, since 4.19.
    ///
    /// - Parameter text: The text of the file.
    package init?(kernelConfiguration text: String) {
        for line in text.utf8.split(separator: UInt8(ascii: "\n")) {
            for (kind, name) in [(Kind.gcc, "CONFIG_GCC_VERSION="), (.clang, "CONFIG_CLANG_VERSION=")]
            where line.starts(with: name.utf8) {
                let digits = String(decoding: line.dropFirst(name.utf8.count), as: UTF8.self)
                guard let number = wholeNumber(digits, in: 1_00_00...9999_99_99) else { continue }
                self.init(kind: kind, version: "\(number / 1_00_00).\(number / 1_00 % 100).\(number % 100)")
                return
            }
        }
        return nil
    }

    /// Whether a word is the name of a compiler: `gcc`, `gcc10-gcc`, `x86_64-linux-gnu-gcc-12` or `clang`.
    private static func isName(_ word: Substring) -> Bool {
        !word.contains("@") && word.split(separator: "-").contains { $0.hasPrefix("gcc") || $0.hasPrefix("clang") }
    }
}
