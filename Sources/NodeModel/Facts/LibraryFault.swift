/// Why a library of the driver cannot be loaded, in the classes that have different remedies.
///
/// The raw value is the part of the failure's text that says so. The child process writes all of these texts, except
/// those of the dynamic loader.
package enum LibraryFault: String, Sendable, CaseIterable {
    case notALibrary = "is not a shared library"
    case truncated = "is truncated"
    case otherArchitecture = "is built for another processor"
    /// Somebody other than root can change the file.
    case untrusted = "can be changed by others than root"
    /// The library lacks a function that the agent needs.
    case missingFunction = "no symbol"
    /// The dynamic loader's text: the library needs a function that another one lacks.
    case undefinedSymbol = "undefined symbol"
    /// The dynamic loader's text about a library that this one needs.
    case missingDependency = "cannot open shared object file"
    /// The dynamic loader's text about a library on a file system from which nothing may run.
    case notExecutable = "failed to map segment from shared object"
    /// The dynamic loader's text about a library that needs a newer C library than the agent's.
    case newerCLibrary = "' not found (required by "

    /// What the dynamic loader says about the other libraries that a library needs.
    ///
    /// The child process examines only the libraries that it opens itself. Source: `elf/dl-load.c` of glibc 2.36.
    private static let loaderTexts: [(text: String, fault: LibraryFault)] = [
        ("file too short", .truncated), ("ELF load command past end of file", .truncated),
        ("cannot read file data", .truncated), ("invalid ELF header", .notALibrary),
        ("object file has no loadable segments", .notALibrary), ("object file has no dynamic section", .notALibrary),
        ("wrong ELF class", .otherArchitecture),
    ]

    /// The fault in a failure; nil when the failure has another reason or text.
    package init?(_ failure: ReadFailure) {
        guard failure.reason == .library,
            let fault = Self.allCases.first(where: { failure.detail.contains($0.rawValue) })
                ?? Self.loaderTexts.first(where: { failure.detail.contains($0.text) })?.fault
        else { return nil }
        self = fault
    }
}
