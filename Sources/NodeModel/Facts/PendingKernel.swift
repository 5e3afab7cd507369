import Support

/// A kernel that is installed, is newer than the running one, and is likely to run after the next boot.
package struct PendingKernel: Codable, Sendable, Equatable {
    package var release: String
    /// Whether the kernel has a module of NVIDIA's driver that was built for it.
    package var hasModule: Bool
    /// The version of that module; nil when there is none, or when its file does not tell without the host's tools.
    package var moduleVersion: String?
    /// Whether the headers of exactly this kernel are installed, so that a module can be built for it.
    package var hasHeaders: Bool
    /// The release of the headers in `/lib/modules/RELEASE/build`, which can be those of another kernel; nil when there
    /// are none or the agent cannot tell.
    package var headersRelease: String?
    /// The compiler that built the kernel, from the configuration of the kernel; nil when it is not known.
    package var compiler: Compiler?
    /// The path of a compiler with this major version in its name, such as `/usr/bin/gcc-13`; nil when there is none.
    package var namedCompiler: String?
    /// The fingerprint of `buildFiles`, which changes when the headers or a compiler are installed again; nil when it is not
    /// known.
    package var buildBasis: String?

    package init(
        release: String,
        hasModule: Bool,
        moduleVersion: String? = nil,
        hasHeaders: Bool,
        headersRelease: String? = nil,
        compiler: Compiler? = nil,
        namedCompiler: String? = nil,
        buildBasis: String? = nil
    ) {
        self.release = release
        self.hasModule = hasModule
        self.moduleVersion = moduleVersion
        self.hasHeaders = hasHeaders
        self.headersRelease = headersRelease
        self.compiler = compiler
        self.namedCompiler = namedCompiler
        self.buildBasis = buildBasis
    }

    /// The files that decide whether a module can be built for this kernel: parts of its headers, and the compilers.
    ///
    /// They stand for all files of the headers. A package manager replaces every file when it installs a package again,
    /// and Debian, Ubuntu and SUSE have the programs in `scripts` and the makefile in packages of their own.
    package var buildFiles: [String] {
        let headers = [
            "build/Makefile", "build/Module.symvers", "build/include/config/auto.conf",
            "build/include/config/kernel.release", "build/include/generated/autoconf.h",
            "build/include/generated/utsrelease.h", "build/scripts/Makefile.build", "build/scripts/basic/fixdep",
            "build/scripts/mod/modpost", "build/scripts/sign-file", "build/tools/objtool/objtool", "source/Makefile",
        ]
        let compilers = ["cc", "gcc"] + (compiler?.namesWithMajor ?? [])
        return headers.map { "/lib/modules/\(release)/\($0)" }
            + compilers.flatMap { ["/usr/local/bin/\($0)", "/usr/bin/\($0)"] }
    }

    /// Whether the driver of this version works after the boot of this kernel, as far as its module tells.
    ///
    /// A module of another version does not fit to the libraries of the driver.
    package func hasModule(of version: String) -> Bool { hasModule && (moduleVersion ?? version) == version }
}

/// The release of a kernel, such as `6.1.0-56-cloud-amd64`, for comparisons.
package struct KernelRelease: Sendable {
    /// The numbers in it, in order.
    private let numbers: [Int]
    /// The words in it, in order, which name the variant of the kernel: `cloud`, `amd`.
    private let words: [String]

    package init(_ text: String) {
        let isDigit: (Character) -> Bool = { $0.isASCII && $0.isNumber }
        numbers = text.split { !isDigit($0) }.map { wholeNumber($0, in: 0...Int.max) ?? .max }
        words = text.split { !($0.isASCII && $0.isLetter) }.map(String.init)
    }

    /// Whether this is a newer release of the same variant.
    ///
    /// A node can have kernels of several variants, such as Debian's `cloud`. An update changes only the numbers.
    package func isNewer(than other: KernelRelease) -> Bool {
        words == other.words && other.numbers.lexicographicallyPrecedes(numbers)
    }
}
