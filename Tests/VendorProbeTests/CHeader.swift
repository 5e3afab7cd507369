/// A header in C that the compiler of this machine reads: this project's, or the one that it must agree with.
struct CHeader: Sendable {
    var path: String
    /// The directory below which it finds the headers that it includes; nil when it needs none.
    var includes: String?

    /// The sizes, offsets and constants that a compiled program prints, one on each line.
    ///
    /// - Parameters:
    ///   - layouts: The structs with their members. A struct gives its size, a member its offset and its size.
    ///   - constants: Expressions that are whole numbers.
    /// - Returns: The values in the order of the arguments.
    /// - Throws: `Toolbox.Failed` when the header does not have one of the names.
    func values(layouts: [(type: String, members: [String])], constants: [String]) async throws -> [String] {
        var lines: [String] = []
        for (type, members) in layouts {
            lines.append(#"printf("%zu\n", sizeof(\#(type)));"#)
            for member in members {
                let size = "sizeof(((\(type) *)0)->\(member))"
                lines.append(#"printf("%zu+%zu\n", offsetof(\#(type), \#(member)), \#(size));"#)
            }
        }
        lines += constants.map { #"printf("%lld\n", (long long)(\#($0)));"# }
        let source = """
            #include <stddef.h>
            #include <stdio.h>
            #define _Nonnull
            #define _Nullable
            #include "\(path)"
            int main(void) {
            \(lines.joined(separator: "\n"))
            return 0;
            }
            """
        return try await Toolbox.withDirectory { directory in
            try Toolbox.write(source, to: "\(directory)/print.c")
            try await Toolbox.run("gcc", ["-o", "\(directory)/print", "\(directory)/print.c"] + options)
            return try await Toolbox.run("\(directory)/print", []).split(separator: "\n").map(String.init)
        }
    }

    /// The text after the preprocessor, in which each function has the name of the symbol that a program links.
    func preprocessed() async throws -> String {
        try await Toolbox.withDirectory { directory in
            // The output can be larger than what `Toolbox.run` takes.
            let output = "\(directory)/output.h"
            try await Toolbox.run("gcc", ["-E", "-P", "-o", output, path] + options)
            return try Toolbox.read(output)
        }
    }

    private var options: [String] { includes.map { ["-I", $0] } ?? [] }

    /// The types of the parameters of a function, in one spelling for both headers.
    ///
    /// - Parameters:
    ///   - list: What stands between the parentheses of the declaration.
    ///   - names: The common name of each type that the headers name differently.
    /// - Returns: The kind of each type, with a star for each indirection.
    static func parameters(_ list: String, names: [String: String]) -> [String] {
        list.split(separator: ",").map { parameter in
            let stars = String(repeating: "*", count: parameter.count { $0 == "*" })
            var words = parameter.split { !($0.isLetter || $0.isNumber || $0 == "_") }.map(String.init)
                .filter { !["_Nonnull", "_Nullable", "const", "unsigned", "struct"].contains($0) }
            // Without the name of the parameter; `long long` is one type.
            if words.first == "long" { words.removeFirst() }
            let type = words.first ?? ""
            // Another type of NVML is an enumeration, which has the size of `int`.
            return (names[type] ?? (type.hasPrefix("nvml") ? "int" : type)) + stars
        }
    }
}
